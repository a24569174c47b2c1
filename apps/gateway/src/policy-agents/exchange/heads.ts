import type { FlatHeaders } from '@berth/exchange';
import type { AgentAnswer, HeaderOp } from '@berth/policy-agents';
import { faultOf, sizeOf, withOps } from './header-ops.js';

/** Of all agents and answers about one exchange: what a head may well have altogether. */
const MAX_OPS = 512;
const MAX_CHARACTERS = 131_072;

/** The heads of one exchange, while agents may change them. */
export class Heads {
  /** undefined once it has been sent */
  request: FlatHeaders | undefined;
  /** while it is held */
  response: FlatHeaders | undefined;
  /** for an answer whose head has yet to come */
  private readonly later: HeaderOp[] = [];
  private responseLeft = false;
  private ops = 0;
  private characters = 0;

  constructor(request: FlatHeaders) {
    this.request = request;
  }

  /** Agents have said before what is to become of the head of the answer. */
  get hasLater(): boolean {
    return this.later.length > 0;
  }

  /** The head of the answer has come. */
  answered(headers: FlatHeaders): void {
    this.response = withOps(headers, this.later);
    this.later.length = 0;
  }

  /** It is sent now. @returns it */
  leaveRequest(): FlatHeaders {
    const headers = this.request ?? [];
    this.request = undefined;
    return headers;
  }

  /** It is sent now. @returns it */
  leaveResponse(): FlatHeaders {
    const headers = this.response ?? [];
    this.response = undefined;
    this.responseLeft = true;
    return headers;
  }

  /** Takes up what an answer changes; of a head that has left, nothing. @returns what is wrong with it, and then nothing is changed */
  take({ requestHeaders, responseHeaders }: AgentAnswer): string | undefined {
    const fault = faultOf(requestHeaders) ?? faultOf(responseHeaders);
    if (fault !== undefined) return fault;
    this.ops += requestHeaders.length + responseHeaders.length;
    this.characters += sizeOf(requestHeaders) + sizeOf(responseHeaders);
    if (this.ops > MAX_OPS || this.characters > MAX_CHARACTERS)
      return 'more changes to headers than a head has room for';
    if (this.request !== undefined) this.request = withOps(this.request, requestHeaders);
    if (this.response !== undefined) this.response = withOps(this.response, responseHeaders);
    else if (!this.responseLeft) this.later.push(...responseHeaders);
    return undefined;
  }
}
