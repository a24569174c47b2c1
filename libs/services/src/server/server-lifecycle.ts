/** How a function server is started (checklist B1). */
export interface StartServerOptions {
  /** 0..65535, 0: any free one; default 8080, at a restart the last one (B4) */
  readonly port?: number | undefined;
  /** address to listen on; default: the server's `host` option, at a restart the last one */
  readonly host?: string | undefined;
}

export interface StopServerOptions {
  /** how long running calls may still take, ms, 0..2^31-1; default: the server's `stopTimeoutMs` */
  readonly timeoutMs?: number | undefined;
}

/** What a function server says of itself (checklist B3). */
export interface ServerInfo {
  readonly running: boolean;
  /** the one it listens on; `undefined` when it does not run */
  readonly port: number | undefined;
  readonly mode: 'plaintext' | 'tls' | 'mutual-tls' | 'mock';
}

/** A function server, real or mock (checklist B1 to B4). */
export interface ServerLifecycle {
  /** @throws ServerError `BERTH_FUNCTION_SERVER_RUNNING`, `BERTH_FUNCTION_SERVER_FAILED` */
  start(options?: StartServerOptions): Promise<void>;
  /** @throws ServerError `BERTH_FUNCTION_SERVER_NOT_RUNNING` */
  stop(options?: StopServerOptions): Promise<void>;
  /** Also starts one that does not run. @throws ServerError `BERTH_FUNCTION_SERVER_FAILED` */
  restart(options?: StartServerOptions): Promise<void>;
  isRunning(): boolean;
  info(): ServerInfo;
}
