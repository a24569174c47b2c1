import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Frozen } from '@berth/config';
import { standardOutput } from '@berth/node-runtime';
import { LimitedLog, type Log } from '@berth/observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LiveSettings } from '../reload/index.js';
import { type AccessEntry, isError } from './access-entry.js';
import { AccessFile } from './access-file.js';
import { combinedLine, jsonLine, MAX_LINE_BYTES } from './access-line.js';
import { LineBuffer } from './line-buffer.js';
import { accessLogConfig, type AccessLogSettings } from './access-log.settings.js';

/** Lines about what clients ask for, in a file of their own or on stdout; docs/decisions/0042-access-log.md. */
@Injectable()
export class AccessLog implements OnModuleInit, OnApplicationShutdown {
  /** lines written, or on their way */
  lines = 0;
  /** lines that found no room, because the disk is slow or full */
  dropped = 0;
  private file: AccessFile | undefined;
  /** for stdout */
  private readonly line = new LineBuffer(MAX_LINE_BYTES);
  private readonly limited: LimitedLog;
  private readonly stopListening: () => void;

  constructor(
    @Inject(accessLogConfig.KEY) private readonly settings: Frozen<AccessLogSettings>,
    live: LiveSettings,
    @Inject(GATEWAY_LOG) log: Log,
  ) {
    this.limited = new LimitedLog(log, { lines: 1, windowMs: 10_000 });
    this.stopListening = live.onChange((changed) => {
      if (changed.has('accessLog.file') || changed.has('accessLog.mode')) this.place();
    });
  }

  /** Whether requests are looked at at all. */
  get enabled(): boolean {
    return this.settings.mode !== 'off';
  }

  /** @throws BerthError `BERTH_CONFIG_INVALID` naming the file that cannot be opened */
  onModuleInit(): void {
    this.place();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopListening();
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }

  /** Writes a line, or none, as the settings have it. Never waits, never throws. */
  write(entry: AccessEntry): void {
    const { format, mode, query, sample } = this.settings;
    if (mode === 'off') return;
    if (mode !== 'all' && !isError(entry) && (mode === 'errors' || Math.random() >= sample)) return;
    const { file } = this;
    const to = file?.lines ?? this.line;
    if (format === 'json') jsonLine(to, entry, query);
    else combinedLine(to, entry, query);
    this.lines += 1;
    if (file === undefined) standardOutput(1).write(to.takeText());
    else file.added();
  }

  /** For whoever has moved the file. */
  reopen(): void {
    this.file?.reopen();
  }

  /** A file that cannot be opened leaves all as it was. */
  private place(): void {
    const path = this.enabled ? this.settings.file : '';
    const file =
      path === ''
        ? undefined
        : new AccessFile(path, {
            dropped: (lines) => {
              this.dropped += lines;
              this.limited.warn(
                { file: path },
                'lines of the access log are dropped: the disk is slower than they come',
              );
            },
            failed: (error) => {
              this.limited.error({ file: path, reason: error.message }, 'the access log cannot be written');
            },
          });
    const before = this.file;
    this.file = file;
    void before?.close();
  }
}
