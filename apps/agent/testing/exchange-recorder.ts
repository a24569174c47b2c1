import {
  type BodySink,
  ExchangeKind,
  type FlatHeaders,
  type IncomingExchange,
  NO_SINK,
  type OpenHead,
} from '@berth/exchange';

/** Records what a forward does to its exchange. */
export class ExchangeRecorder {
  readonly openHead: OpenHead;
  readonly calls: string[] = [];
  /** of the request's body, reported as taken */
  consumedBytes = 0;
  /** of the answer */
  trailers: FlatHeaders | undefined;
  /** for specs that speak to it later */
  sink: BodySink = NO_SINK;
  /** what `sendData` says */
  hasRoom = true;
  closed = false;
  sendEnded = false;

  constructor(open: Partial<OpenHead>) {
    this.openHead = {
      kind: ExchangeKind.http,
      method: 'GET',
      target: '/',
      headers: ['Host', 'a'],
      body: false,
      ...open,
    };
  }

  /** as the rest of the agent sees it */
  get exchange(): IncomingExchange {
    return this as unknown as IncomingExchange;
  }

  sendHead = ({ status }: { status: number }): number => this.calls.push(`head ${status}`);
  sendInformational = ({ status }: { status: number }): number => this.calls.push(`interim ${status}`);
  sendData = (bytes: Buffer): boolean => {
    this.calls.push(`data ${bytes.length}`);
    return this.hasRoom;
  };
  sendEnd = (trailers?: FlatHeaders): void => {
    this.trailers = trailers;
    this.calls.push('end');
  };
  reset = (_code: number, message: string): number => this.calls.push(`reset: ${message}`);
  consumed = (bytes: number): void => {
    this.consumedBytes += bytes;
  };
  discard = (): void => undefined;
}
