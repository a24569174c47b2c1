import { createClient } from '@redis/client';
import { messageOf } from '@berth/errors';
import { type Log, silentLog } from '@berth/observability';

/** Back-off between attempts, ms: twice as long each time, and up to half of it by chance. */
const FIRST_RETRY_MS = 30;
const LAST_RETRY_MS = 1_000;

export interface LinkOptions {
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** a connection that brings nothing for so long is given up, ms */
  readonly silenceMs: number;
  readonly log?: Log | undefined;
}

export interface LinkEvents {
  up(connection: Connection): void;
  /** once for each `up`, and for each attempt that failed */
  down(reason: string): void;
}

/** One connected client. When its connection breaks it fails all that it was asked, and is not used again. */
export type Connection = ReturnType<typeof newClient>;

function newClient({ url, connectTimeoutMs, silenceMs }: LinkOptions) {
  return createClient({
    url,
    RESP: 2,
    // The bus knows what may be sent again and what may not; the client does not.
    disableOfflineQueue: true,
    disableClientInfo: true,
    // With a timeout of its own each command would cost an AbortSignal.
    commandOptions: { timeout: 0 },
    maintNotifications: 'disabled',
    socket: { connectTimeout: connectTimeoutMs, socketTimeout: silenceMs, reconnectStrategy: false },
  });
}

/** A connection that is made again whenever it breaks, until it is closed. */
export class Link {
  #connection: Connection | undefined;
  #attempted: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tries = 0;
  #closed = false;
  readonly #secrets: string[];
  readonly #log: Log;

  constructor(
    private readonly options: LinkOptions,
    private readonly events: LinkEvents,
  ) {
    const { password } = new URL(options.url);
    this.#secrets = password === '' ? [] : [password, decodeURIComponent(password)];
    this.#log = options.log ?? silentLog;
  }

  /** absent while the broker is away */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  start(): void {
    if (this.#closed) return;
    const connection = newClient(this.options);
    this.#attempted = connection;
    connection.on('error', (thrown) => this.#broken(connection, thrown));
    connection.connect().then(
      () => {
        // It may have broken, or been given up, in between.
        if (this.#attempted !== connection) return;
        this.#connection = connection;
        this.events.up(connection);
      },
      (thrown: unknown) => this.#broken(connection, thrown),
    );
  }

  /** To be called when the broker has shown that the connection is good for what it is for. */
  proven(): void {
    this.#tries = 0;
  }

  /** Gives a connection up, for what its user has seen; makes a new one. */
  drop(connection: Connection, thrown: unknown): void {
    this.#broken(connection, thrown);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const connection = this.#attempted;
    this.#attempted = undefined;
    this.#connection = undefined;
    connection?.destroy();
  }

  #broken(connection: Connection, thrown: unknown): void {
    if (this.#attempted !== connection) return;
    this.#attempted = undefined;
    this.#connection = undefined;
    connection.destroy();
    const reason = this.#secrets.reduce((text, secret) => text.replaceAll(secret, '***'), messageOf(thrown));
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#tries);
    this.#tries = Math.min(this.#tries + 1, 10);
    const wait = longest * (0.5 + Math.random() / 2);
    this.#log.debug({ reason, retryInMs: Math.round(wait) }, 'redis connection broken');
    this.#timer = setTimeout(() => this.start(), wait);
    this.events.down(reason);
  }
}
