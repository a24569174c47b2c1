/**
 * What the gateway can be told, as a frozen plain object. Classes with the
 * validation rules stand in `gateway-config.ts`; this is what the rooms see.
 */
export interface GatewaySettings {
  /** the admin port, and the range agents get their ports from */
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** names the admin port answers to, besides IP addresses, localhost and its host; `*`: any */
    readonly allowedHosts: readonly string[];
    readonly headersTimeoutMs: number;
    readonly requestTimeoutMs: number;
    readonly agentPortRange: { readonly start: number; readonly end: number };
  };
  /** who may use the admin port */
  readonly admin: {
    /** empty: none is asked for, on loopback */
    readonly token: string;
    readonly tokenFile: string;
    /** beyond loopback without a token */
    readonly insecure: boolean;
    readonly openMetrics: boolean;
  };
  /** the port agents dial */
  readonly grpc: {
    readonly host: string;
    readonly port: number;
    readonly tls: {
      readonly enabled: boolean;
      readonly certFile: string;
      readonly keyFile: string;
      /** CA that signs client certificates */
      readonly caFile: string;
      readonly clientCert: 'none' | 'request' | 'require';
    };
  };
  /** shared secret of agents */
  readonly auth: { readonly token: string; readonly tokenFile: string };
  /** the HTTP servers of agents */
  readonly agentPorts: {
    readonly host: string;
    /** host to show to people; empty: the one the agent dialled */
    readonly publicHost: string;
    readonly static: Readonly<Record<string, number>>;
    readonly holdMs: number;
    readonly stopGraceMs: number;
    readonly bindAttempts: number;
    readonly foreignMs: number;
    readonly corsOrigins: readonly string[];
    /** 0: derived, as are the two below */
    readonly maxConnections: number;
    readonly maxConnectionsPerAddress: number;
    readonly maxTotalConnections: number;
  };
  /** relaying of requests */
  readonly ingress: {
    readonly responseTimeoutMs: number;
    readonly bodyStartTimeoutMs: number;
    /** 0: none */
    readonly minRateBytesPerSecond: number;
    readonly rateWindowMs: number;
    readonly idleTimeoutMs: number;
    readonly headersTimeoutMs: number;
    readonly keepAliveTimeoutMs: number;
    readonly halfCloseGraceMs: number;
    readonly maxHeaderBytes: number;
    readonly maxTargetBytes: number;
    readonly maxPipelined: number;
    /** 0: no limit */
    readonly maxBodyBytes: number;
    readonly forwardedHeaders: 'append' | 'replace' | 'off';
    readonly retryAfterSeconds: number;
  };
  /** tunnel connections */
  readonly tunnel: {
    readonly handshakeTimeoutMs: number;
    readonly pingIntervalMs: number;
    readonly pingTimeoutMs: number;
    readonly sweepIntervalMs: number;
    readonly staleAfterMs: number;
    readonly maxConnectionsPerAgent: number;
    readonly maxPendingHandshakes: number;
    readonly maxPendingHandshakesPerAddress: number;
    readonly maxHelloBytes: number;
    readonly duplicateAgent: 'probe' | 'replace' | 'reject';
    readonly duplicateProbeMs: number;
    readonly drainTimeoutMs: number;
    readonly windowStartBytes: number;
    readonly windowMaxBytes: number;
    readonly windowBudgetBytes: number;
    readonly sendAheadBytes: number;
  };
  readonly shutdown: { readonly timeoutMs: number };
  readonly log: { readonly level: string; readonly pretty: boolean };
}

/** What the agent can be told. */
export interface AgentSettings {
  /** URL of the local service: http://host:port, or unix:/path/to.sock */
  readonly target: string;
  readonly id: string;
  /** host:port of the gateway's gRPC port */
  readonly gateway: string;
  /** http://[user[:password]@]host:port of an HTTP proxy on the way to the gateway; empty: none */
  readonly proxy: string;
  readonly token: string;
  readonly tokenFile: string;
  readonly connections: number;
  readonly tls: {
    readonly enabled: boolean;
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
    /** name to check the gateway's certificate for, when it differs from the one dialled */
    readonly serverName: string;
  };
  readonly metadata: Readonly<Record<string, string>>;
  readonly reconnect: {
    readonly minMs: number;
    readonly maxMs: number;
    readonly earlyMaxMs: number;
    readonly earlyForMs: number;
    readonly stableAfterMs: number;
  };
  readonly local: {
    readonly connectTimeoutMs: number;
    readonly responseTimeoutMs: number;
    readonly idleTimeoutMs: number;
    /** 0: derived from what the process can hold */
    readonly maxConnections: number;
    readonly queueTimeoutMs: number;
    readonly maxHeaderBytes: number;
    /** 0: no connection is used twice */
    readonly keepAliveMs: number;
    /** for an https target */
    readonly tls: {
      /** empty: the well-known ones */
      readonly caFile: string;
      /** empty: the target's host */
      readonly serverName: string;
      readonly verify: boolean;
    };
  };
  readonly tunnel: {
    readonly handshakeTimeoutMs: number;
    /** 0: derived from what the process can hold */
    readonly maxExchanges: number;
    readonly windowStartBytes: number;
    readonly windowMaxBytes: number;
    readonly windowBudgetBytes: number;
    readonly sendAheadBytes: number;
  };
  readonly shutdown: { readonly timeoutMs: number };
  readonly log: { readonly level: string; readonly pretty: boolean };
}
