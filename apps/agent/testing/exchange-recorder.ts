import { ExchangeKind, type IncomingExchange, type OpenHead } from '@berth/exchange';

/** Records what a forward does to its exchange. */
export class ExchangeRecorder {
  readonly openHead: OpenHead;
  readonly calls: string[] = [];
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
  sendData = (bytes: Buffer): boolean => this.calls.push(`data ${bytes.length}`) > 0;
  sendEnd = (): number => this.calls.push('end');
  reset = (_code: number, message: string): number => this.calls.push(`reset: ${message}`);
  consumed = (): void => undefined;
  discard = (): void => undefined;
}
