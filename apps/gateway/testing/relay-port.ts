import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { silentLog } from '@berth/observability';
import { RawClient } from '@berth/testing';
import { FakePool } from '../../../libs/exchange/testing/fake-dispatch.js';
import { handlerContext } from './handler-context.js';
import { AnswerLog } from '../src/ingress/http/answer-log.js';
import { ClientLimits, ClientTotal } from '../src/ingress/client-limits.js';
import { AgentIngress } from '../src/ingress/http/agent-ingress.js';
import type { IngressContext } from '../src/ingress/http/ingress-context.js';
import { PipelineBudget } from '../src/ingress/http/pipeline-budget.js';

/** An agent's port whose exchanges go to a fake pool, without handlers: the test answers in place of the agent. */
export class RelayPort {
  readonly pool = new FakePool();
  readonly context: IngressContext;
  private readonly clients: RawClient[] = [];
  private readonly sockets: Socket[] = [];
  private readonly server = createServer({
    requireHostHeader: false,
    shouldUpgradeCallback: (request) => this.ingress.upgrades(request),
  });
  private readonly ingress: AgentIngress;

  constructor() {
    const exchanges = handlerContext();
    const options = {
      ...exchanges.options,
      halfCloseGraceMs: 50,
      maxTargetBytes: 1000,
      maxPipelined: 10,
      forwardedHeaders: 'off' as const,
      tls: { enabled: false, clientCert: 'none' as const },
      retryAfterSeconds: 3,
    };
    this.context = {
      ...exchanges,
      options,
      pipelined: new PipelineBudget(10),
      answerLog: new AnswerLog(silentLog, 'a1', exchanges.service.stats),
      dispatch: this.pool.dispatch,
    };
    const limits = { maxConnections: 10, maxConnectionsPerAddress: 10, maxTotalConnections: 10 };
    const total = new ClientTotal(limits, silentLog);
    const ingress = new AgentIngress(this.context, new ClientLimits('a1', total, exchanges.limitedLog));
    this.ingress = ingress;
    this.server
      .on('connection', (socket) => {
        this.sockets.push(socket);
        ingress.connection(socket);
      })
      .on('request', (request, response) => {
        ingress.request(request, response);
      })
      .on('upgrade', (request, socket, early) => {
        ingress.upgrade(request, socket, early);
      })
      .on('clientError', (error, socket) => {
        ingress.clientError(error, socket);
      });
  }

  /** A client that has sent these bytes. */
  async send(text: string): Promise<RawClient> {
    if (!this.server.listening) await once(this.server.listen(0, '127.0.0.1'), 'listening');
    const client = await RawClient.connect((this.server.address() as AddressInfo).port);
    this.clients.push(client);
    client.send(text);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.destroy();
    // Half-closed pipes would stay.
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}
