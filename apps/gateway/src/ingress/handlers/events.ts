import { channel } from 'node:diagnostics_channel';
import { describeHead, type ExchangeKindName, type OpenedExchange, requestIdOf } from '@berth/exchange';
import type { ExchangeFigures } from './statistics.js';

/** An exchange has been opened on a connection; once more for a second try. */
export interface ExchangeOpenedEvent {
  readonly agentId: string;
  /** as in error answers and in the logs of both ends */
  readonly requestId: string;
  readonly kind: ExchangeKindName;
  readonly method: string;
  /** without the query, which may hold secrets */
  readonly path: string;
  readonly client: string;
}

/** The head of its answer has come and left. */
export interface ExchangeAnsweredEvent {
  readonly agentId: string;
  readonly requestId: string;
  readonly status: number;
}

/** It is over, and its client has taken or left what there was. */
export interface ExchangeEndedEvent extends ExchangeFigures {
  readonly agentId: string;
  readonly requestId: string;
}

export const exchangeOpened = channel('berth:exchange:opened');
export const exchangeAnswered = channel('berth:exchange:answered');
export const exchangeEnded = channel('berth:exchange:ended');

export function publishOpened(agentId: string, exchange: OpenedExchange, client: string): void {
  const event = { agentId, requestId: requestId(exchange), ...describeHead(exchange.openHead), client };
  exchangeOpened.publish(event satisfies ExchangeOpenedEvent);
}

export function publishStatus(agentId: string, exchange: OpenedExchange, status: number): void {
  exchangeAnswered.publish({ agentId, requestId: requestId(exchange), status } satisfies ExchangeAnsweredEvent);
}

export function publishEnd(agentId: string, exchange: OpenedExchange, figures: ExchangeFigures): void {
  const { bytesIn, bytesOut, ms, outcome } = figures;
  const event = { agentId, requestId: requestId(exchange), bytesIn, bytesOut, ms, outcome };
  exchangeEnded.publish(event satisfies ExchangeEndedEvent);
}

function requestId({ connection, id }: OpenedExchange): string {
  return requestIdOf(connection.id, id);
}
