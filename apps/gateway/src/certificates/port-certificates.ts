import type { Server } from 'node:https';
import { resolve } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type FileWatch, type Frozen, watchFiles } from '@berth/config';
import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { type PortCertificate, readCertificate } from './port-certificate.js';
import { portTlsConfig, type PortTlsSettings, TLS_OFF } from './port-tls.settings.js';

const DAY_MS = 86_400_000;
/** Between two looks at when certificates expire, ms. */
const EXPIRY_CHECK_MS = DAY_MS / 4;
/** From so many days before its end on, a certificate is warned of. */
const WARN_DAYS = 21;

/** Whose port it is. */
export interface PortOwner {
  /** agent id */
  readonly id: string;
  /** agent id, with the service's name behind it unless that is the default one */
  readonly key: string;
}

/** The certificates of agents' ports: read at the start, and again whenever their files change. */
@Injectable()
export class PortCertificates implements OnModuleInit, OnApplicationShutdown {
  private main: PortCertificate | undefined;
  private own: ReadonlyMap<string, PortCertificate | typeof TLS_OFF> = new Map();
  private further: readonly PortCertificate[] = [];
  /** that use them now, each with who has it */
  private readonly servers = new Map<Server, PortOwner>();
  /** what each was given last */
  private readonly given = new WeakMap<Server, PortCertificate>();
  private watch: FileWatch | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(portTlsConfig.KEY) private readonly tls: Frozen<PortTlsSettings>,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {}

  /** Whether a port has TLS; for as long as the gateway runs. */
  isOn(owner: PortOwner): boolean {
    return this.tls.enabled && this.chosen(owner) !== TLS_OFF;
  }

  /** Those in use. */
  get all(): readonly PortCertificate[] {
    const own = [...this.own.values()].filter((one) => one !== TLS_OFF);
    return [...(this.main === undefined ? [] : [this.main]), ...own, ...this.further];
  }

  /** @throws BerthError `BERTH_CONFIG_INVALID` naming setting and file */
  onModuleInit(): void {
    const { tls } = this;
    if (!tls.enabled) return;
    this.read();
    this.tellOfExpiry();
    const { caFile, certFile, certificates, keyFile, sniFiles } = tls;
    const files = [certFile, keyFile, caFile, ...sniFiles, ...Object.values(certificates)];
    const paths = files.filter((file) => file !== '' && file !== TLS_OFF).map((file) => resolve(file));
    this.watch = watchFiles([...new Set(paths)], () => {
      this.reload();
    });
    this.timer = setInterval(() => {
      this.tellOfExpiry();
    }, EXPIRY_CHECK_MS);
    this.timer.unref();
  }

  onApplicationShutdown(): void {
    this.watch?.close();
    clearInterval(this.timer);
  }

  /** What the server of a port is made with; undefined without TLS. */
  optionsFor(owner: PortOwner): TlsOptions | undefined {
    if (!this.isOn(owner)) return undefined;
    const { clientCert } = this.tls;
    return {
      ...this.of(owner).options,
      requestCert: clientCert !== 'none',
      rejectUnauthorized: clientCert === 'require',
      SNICallback: (name, done) => {
        done(null, this.named(owner, name).context);
      },
    };
  }

  /** Gives a server that was made with {@link optionsFor} the certificates that come, while it listens. */
  follow(server: Server, owner: PortOwner): void {
    this.given.set(server, this.of(owner));
    server.on('listening', () => {
      this.servers.set(server, owner);
      // They may have changed while it did not.
      this.renew(server, owner);
    });
    server.on('close', () => this.servers.delete(server));
  }

  /** Reads all files again. Connections that stand keep theirs; with a file that cannot be used nothing changes. */
  reload(): void {
    try {
      this.read();
    } catch (thrown) {
      this.log.error({ reason: messageOf(thrown) }, 'certificates of ports were not changed: a file cannot be used');
      return;
    }
    for (const [server, owner] of this.servers) this.renew(server, owner);
    this.log.info({ certificates: this.all.length }, 'certificates of ports were read again');
    this.tellOfExpiry();
  }

  private renew(server: Server, owner: PortOwner): void {
    const certificate = this.of(owner);
    if (this.given.get(server) === certificate) return;
    this.given.set(server, certificate);
    server.setSecureContext(certificate.options);
  }

  private read(): void {
    const { tls } = this;
    const main = readCertificate('ingress.tls.certFile', tls, tls);
    const alone = (certFile: string) => ({ certFile, keyFile: '' });
    const own = new Map<string, PortCertificate | typeof TLS_OFF>(
      Object.entries(tls.certificates).map(([name, file]) => [
        name,
        file === TLS_OFF ? TLS_OFF : readCertificate(`ingress.tls.certificates, "${name}"`, alone(file), tls),
      ]),
    );
    const further = tls.sniFiles.map((file) => readCertificate('ingress.tls.sniFiles', alone(file), tls));
    // All of them or none.
    this.main = main;
    this.own = own;
    this.further = further;
  }

  /** undefined: what all others have. */
  private chosen({ id, key }: PortOwner): PortCertificate | typeof TLS_OFF | undefined {
    return this.own.get(key) ?? this.own.get(id) ?? this.own.get('*');
  }

  /** Of a port with TLS. */
  private of(owner: PortOwner): PortCertificate {
    const chosen = this.chosen(owner);
    return chosen === undefined || chosen === TLS_OFF ? (this.main as PortCertificate) : chosen;
  }

  private named(owner: PortOwner, name: string): PortCertificate {
    const own = this.of(owner);
    const fits = ({ leaf }: PortCertificate): boolean => leaf.checkHost(name) !== undefined;
    return fits(own) ? own : ([this.main as PortCertificate, ...this.further].find(fits) ?? own);
  }

  private tellOfExpiry(): void {
    for (const { file, leaf, setting } of this.all) {
      const leftMs = leaf.validToDate.getTime() - Date.now();
      const facts = { setting, file, notAfter: leaf.validToDate.toISOString() };
      if (leftMs <= 0) this.log.error(facts, 'a certificate of ports has expired: clients refuse it');
      else if (leftMs < WARN_DAYS * DAY_MS)
        this.log.warn({ ...facts, daysLeft: Math.floor(leftMs / DAY_MS) }, 'a certificate of ports expires soon');
    }
  }
}
