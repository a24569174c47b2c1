/**
 * What an exchange is called in answers and in the logs of both ends, which
 * makes it from what each of them knows (issue 8, E29).
 *
 * @param connectionId of `Welcome`
 */
export function requestIdOf(connectionId: string, exchangeId: number): string {
  return `${connectionId}-${exchangeId}`;
}
