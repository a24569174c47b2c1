import { type Channel, channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { Inject, Injectable } from '@nestjs/common';
import type { HealthState } from '@berth/agent-pool';
import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';

/**
 * Why a connection to the gRPC port came to nothing before a registration was
 * asked for: plain text on a TLS port, a certificate that is missing or not
 * trusted, another failure of the TLS handshake, no HTTP/2, nothing said in
 * time, too much said, or room made for a newcomer.
 */
export type HandshakeFailure = 'plaintext' | 'certificate' | 'tls' | 'protocol' | 'timeout' | 'flood' | 'evicted';

/** Local services by their names, with the kind of their ports and the scheme that clients write. */
export type ServiceKinds = Readonly<Record<string, { readonly kind: string; readonly scheme: string }>>;

/** What happens to agents and ports; each event carries plain data. */
export interface LifecycleEventMap {
  'agent.connected': [
    {
      agentId: string;
      port: number;
      scheme: string;
      services: ServiceKinds;
      remoteAddress: string;
      /** of the agent's software */
      version: string;
      metadata: Readonly<Record<string, string>>;
    },
  ];
  /**
   * the reason is an error code, or `closed`; when another process takes the id over, `agent.connected` follows;
   * `lastSeen` is when its last message came in, ms since the epoch
   */
  'agent.disconnected': [{ agentId: string; port: number; services: ServiceKinds; reason: string; lastSeen: number }];
  'connection.opened': [{ agentId: string; connectionId: string; remoteAddress: string }];
  'connection.closed': [{ agentId: string; connectionId: string; reason: string }];
  /** what a connection is fit for has changed; the reason is for people, and empty when all is well */
  'connection.health': [
    {
      agentId: string;
      service: string;
      connectionId: string;
      replicaId: string;
      from: HealthState;
      to: HealthState;
      reason: string;
    },
  ];
  /** what became of a configuration at one replica; the error is what the agent said, or why nothing came of it */
  'config.settled': [
    {
      agentId: string;
      replicaId: string;
      pushId: string;
      state: 'acknowledged' | 'failed' | 'expired';
      error: string;
    },
  ];
  /** a connection was ended before a registration was asked for; what is refused later is `registration.refused` */
  'handshake.failed': [{ remoteAddress: string; reason: HandshakeFailure }];
  /** scheme: of the address as clients write it, such as `http` */
  'port.leased': [{ agentId: string; service: string; port: number; scheme: string }];
  'port.released': [{ agentId: string; service: string; port: number }];
  'registration.refused': [{ agentId: string; code: string; message: string }];
  /** transport: `grpc`, `unix` or `reverse`; version: of the agent's software */
  'policy-agent.connected': [
    { name: string; connectionId: string; remote: string; transport: string; version: string },
  ];
  /** the reason is an error code, or `closed`; `left`: connections that it still has */
  'policy-agent.disconnected': [{ name: string; connectionId: string; reason: string; left: number }];
  /** a policy agent wants something of the gateway's configuration; `what` and `error` are for people */
  'policy-agent.config-update': [
    {
      name: string;
      requestId: string;
      kind: 'reload' | 'rules' | 'list' | 'restart' | 'error';
      accepted: boolean;
      error: string;
      what: string;
    },
  ];
  'server.start-failed': [{ agentId: string; message: string }];
  'server.stop-failed': [{ agentId: string; message: string }];
}

export type LifecycleEventName = keyof LifecycleEventMap;

/** Events that diagnostics channels carry as well, with the same data; see docs/debugging.md. */
const CHANNELS = {
  'connection.opened': channel('berth:connection:opened'),
  'connection.closed': channel('berth:connection:closed'),
  'registration.refused': channel('berth:connection:refused'),
} as const;

/**
 * Injectable events of the gateway's life. Listeners run in their own turn and
 * cannot disturb the gateway: what they throw is logged.
 */
@Injectable()
export class LifecycleEvents {
  private readonly emitter = new EventEmitter();

  constructor(@Inject(GATEWAY_LOG) private readonly log: Log) {
    this.emitter.setMaxListeners(0);
  }

  /** @returns a function that takes the listener off again */
  on<N extends LifecycleEventName>(
    name: N,
    listener: (...data: LifecycleEventMap[N]) => void | Promise<void>,
  ): () => void {
    const guarded = (...data: LifecycleEventMap[N]): void => {
      setImmediate(() => {
        void Promise.resolve()
          .then(() => listener(...data))
          .catch((thrown: unknown) => {
            this.log.error({ event: name, err: thrown }, `a listener of ${name} failed: ${messageOf(thrown)}`);
          });
      });
    };
    this.emitter.on(name, guarded as (...data: unknown[]) => void);
    return () => this.emitter.off(name, guarded as (...data: unknown[]) => void);
  }

  emit<N extends LifecycleEventName>(name: N, ...data: LifecycleEventMap[N]): void {
    const published = CHANNELS[name as keyof typeof CHANNELS] as Channel | undefined;
    if (published?.hasSubscribers === true) published.publish(data[0]);
    this.emitter.emit(name, ...data);
  }
}
