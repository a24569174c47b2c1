/**
 * What an exchange is called in answers and in the logs of both ends, which
 * makes it from what each of them knows.
 *
 * @param connectionId of `Welcome`
 */
export function requestIdOf(connectionId: string, exchangeId: number): string {
  return `${connectionId}-${exchangeId}`;
}
