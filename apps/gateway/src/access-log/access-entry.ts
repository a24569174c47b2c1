/** What a line says of one request or connection of a client. */
export interface AccessEntry {
  /** when it came, ms since the epoch */
  readonly startedAt: number;
  /** address, without a port; empty: not known */
  readonly client: string;
  readonly agent: string;
  readonly service: string;
  /** of the gateway */
  readonly port: number;
  /** empty: what came was no request */
  readonly method: string;
  /** as received */
  readonly target: string;
  /** such as HTTP/1.1, or tcp */
  readonly protocol: string;
  /** of the answer; undefined: there was none, as with raw TCP */
  readonly status: number | undefined;
  /** body bytes of the client that went to the agent */
  readonly bytesIn: number;
  /** body bytes that the client took */
  readonly bytesOut: number;
  /** until its client had taken or left the answer; undefined: not measured */
  readonly durationMs: number | undefined;
  /** until the head of the answer; undefined: there was none */
  readonly headMs: number | undefined;
  /** until it was sent to the agent; undefined: it was not */
  readonly waitMs: number | undefined;
  /** as in error answers and in the logs of both ends */
  readonly requestId: string | undefined;
  /** further tries on other connections */
  readonly retries: number;
  /** code of the error that Berth answered, or broke the answer off with */
  readonly error: string | undefined;
  /** why it was cut off before its end, as `berth_agent_cancelled_total` has it */
  readonly cut: string | undefined;
  /** of the trace that it belongs to */
  readonly traceId: string | undefined;
  /** a request header by its lower-case name */
  header(name: string): string | undefined;
}

/** Whether something went wrong that is not the business of client and service alone. */
export function isError({ error, status = 0 }: AccessEntry): boolean {
  return error !== undefined || status >= 500;
}
