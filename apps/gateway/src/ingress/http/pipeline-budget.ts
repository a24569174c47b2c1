/**
 * Requests that wait behind others of their connection, for all ports together. A few
 * for each connection are not counted; what one read brings beyond them is: 64 KiB make
 * up to 2,500 requests, and Node takes about 5 KB of memory for each.
 */
export class PipelineBudget {
  private used = 0;

  /** @param max requests, at least 0; `ingress.maxPipelined` */
  constructor(private readonly max: number) {}

  /** @returns false when there is no room for one more */
  take(): boolean {
    if (this.used >= this.max) return false;
    this.used += 1;
    return true;
  }

  /** @param count of requests that wait no longer */
  giveBack(count: number): void {
    this.used -= count;
  }
}
