import type { Socket } from 'node:net';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { BerthError } from '@berth/errors';
import { bindKey, PooledTcpServer, TcpServerPool, peerAddress } from '@berth/http-server-pool';
import { LimitedLog, type Log } from '@berth/observability';
import { GATEWAY_LOG } from '../../gateway.tokens.js';
import { agentPortsConfig, hostFor, PortKinds, type PortOrder, type PortServerBuilder } from '../../ports/index.js';
import { AccessLog } from '../../access-log/index.js';
import { type Policy, PortPolicies, PortRules, ruleContext } from '../../policy/index.js';
import { ClientLimits, ClientTotal } from '../client-limits.js';
import type { ExchangeOptions } from '../exchange-context.js';
import { DEFAULT_RULE_ORDER, type ExchangeRule, UseOnExchanges } from '../exchange-handlers.js';
import { GatewayTracing } from '../../tracing/index.js';
import { accessLog } from '../handlers/access-log.js';
import { tracing } from '../handlers/tracing.js';
import { closedPort, exchangeChain } from '../handlers/chain.js';
import { refused } from '../refused-entry.js';
import { Deadlines } from '../handlers/deadlines.js';
import { ingressConfig } from '../ingress.settings.js';
import { findMarked, type Marked } from '../marked-providers.js';
import type { PlaceOptions } from '../http/http-port-builder.js';
import { type Gate, proxyGate } from '../proxy-gate.js';
import { PipeLog } from './pipe-log.js';
import type { TcpContext } from './tcp-context.js';
import { relayTcp } from './tcp-relay.js';

/** Settings of raw TCP ports. */
interface TcpPortOptions extends ExchangeOptions {
  readonly proxyHeaderTimeoutMs: number;
}

/** Makes raw TCP ports: each connection is one exchange, a byte pipe from its start. */
@Injectable()
export class TcpPortBuilder implements PortServerBuilder, OnModuleInit {
  readonly kind = 'tcp';
  private readonly deadlines = new Deadlines();
  private readonly limitedLog: LimitedLog;
  private rules: Marked<ExchangeRule>[] | undefined;

  /** @param ports where agents' ports listen, and how they end */
  constructor(
    private readonly kinds: PortKinds,
    private readonly servers: TcpServerPool,
    private readonly discovery: DiscoveryService,
    private readonly total: ClientTotal,
    private readonly policies: PortPolicies,
    private readonly access: AccessLog,
    private readonly traces: GatewayTracing,
    @Inject(agentPortsConfig.KEY) private readonly ports: PlaceOptions,
    @Inject(ingressConfig.KEY) private readonly options: TcpPortOptions,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {
    this.limitedLog = new LimitedLog(log);
  }

  onModuleInit(): void {
    this.kinds.add(this);
  }

  build({ service, port }: PortOrder): PooledTcpServer {
    const { access, deadlines, limitedLog, log, options } = this;
    // Looked up with the first agent: by then every module is there.
    this.rules ??= findMarked<ExchangeRule>(this.discovery, UseOnExchanges, DEFAULT_RULE_ORDER);
    const context: TcpContext = {
      service,
      options,
      deadlines,
      log,
      limitedLog,
      pipeLog: new PipeLog(log, service),
      dispatch: closedPort,
    };
    const { total } = this;
    const limits = new ClientLimits(service.key, total, limitedLog);
    const { publicHost, stopGraceMs } = this.ports;
    let gate: Gate | undefined;
    const accept = (socket: Socket): void => {
      const refusal = take(context, limits, socket);
      if (refusal !== undefined && access.enabled)
        access.write(refused(service, refusal, peerAddress(socket.remoteAddress)));
    };
    const server = new PooledTcpServer(
      `agent ${service.key}`,
      { host: hostFor(service, { host: this.policies.hostOf(service) || this.ports.host }), port },
      (socket) => {
        if (gate === undefined) accept(socket);
        else
          gate(socket, () => {
            accept(socket);
          });
      },
      { stopGraceMs, expose: publicHost === '' ? undefined : `tcp://${bindKey({ host: publicHost, port })}` },
    );
    const own = new PortRules(ruleContext(service, false, limitedLog, this.policies.policyAgents), true);
    const apply = (policy: Policy): void => {
      limits.own = policy.limits;
      gate = proxyGate(policy.access, { service, total, limitedLog, timeoutMs: options.proxyHeaderTimeoutMs });
      // Interceptors look at heads of HTTP.
      context.dispatch = exchangeChain(context, [], this.rules ?? [], own.handlers(policy), [
        tracing(service, this.traces),
        accessLog(service, access),
      ]);
    };
    let unfollow: (() => void) | undefined;
    server.server.on('listening', () => {
      this.servers.store(server);
      unfollow ??= this.policies.follow(service, apply);
    });
    server.onStopped = () => {
      unfollow?.();
      unfollow = undefined;
      this.servers.delete(server);
    };
    return server;
  }
}

/** @returns why it is not taken */
function take(context: TcpContext, limits: ClientLimits, socket: Socket): BerthError | undefined {
  // Its close follows, and tells all.
  socket.on('error', () => undefined);
  const refusal = limits.admit(socket);
  if (refusal === undefined) {
    relayTcp(context, socket);
    return undefined;
  }
  context.pipeLog.refused(refusal, peerAddress(socket.remoteAddress));
  socket.resetAndDestroy();
  return refusal;
}
