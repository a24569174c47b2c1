/** Where policy agents dial that the gateway does not. */
export class PolicyDoor {
  async open(): Promise<void> {
    await Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}
