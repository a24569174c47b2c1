import { type Frozen, Choice, File, List, Switch, Text, Texts } from '@berth/config';
import { isAgentId, isServiceName } from '@berth/exchange';
import { registerAs } from '@nestjs/config';

/** In place of a file: the port has no TLS. */
export const TLS_OFF = 'off';

/** Agent id, or agent id/service, or `*` for all others → file, or that there is no TLS. */
function checkCertificates(value: Record<string, unknown>): string | undefined {
  for (const [name, file] of Object.entries(value)) {
    const [agentId = '', service, ...more] = name.split('/');
    if (name === '*') {
      // The file of all others is certFile.
      if (file !== TLS_OFF) return '"*" can be off alone';
      continue;
    }
    const isName = isAgentId(agentId) && (service === undefined || isServiceName(service)) && more.length === 0;
    if (!isName) return `"${name}" must be an agent id, or agent id/service`;
    if (typeof file !== 'string' || file === '') return `"${name}" must have the path of a file, or off`;
  }
  return undefined;
}

/** TLS of the HTTP ports of agents (docs/decisions/0034-https-on-ports.md). */
export class PortTlsSettings {
  @Switch({ description: "HTTPS on agents' HTTP ports, instead of HTTP." })
  enabled = false;

  @File({
    description: 'PEM file with the certificate chain of all ports that have none of their own; needed with TLS.',
  })
  certFile = '';

  @File({ description: "PEM file with that certificate's private key; needed with TLS." })
  keyFile = '';

  @Texts({
    check: checkCertificates,
    description:
      'Certificates of certain agents: agent id, or agent id/service, and a PEM file with chain and private key; or `off` for plain HTTP, which `*` can have for all others.',
  })
  certificates: Record<string, string> = {};

  @List({
    description:
      'Further PEM files, each with chain and private key, of which a client gets the one that fits the name it asks for (SNI) where that of the port does not.',
  })
  sniFiles: string[] = [];

  @File({ description: 'PEM file with the CA that signs certificates of clients.' })
  caFile = '';

  @Choice(['none', 'request', 'require'], {
    description:
      'Client certificates: not asked for, checked when one comes, or demanded. Their subject goes to the local service as X-Client-Cert-Subject, which clients cannot send themselves then.',
  })
  clientCert: 'none' | 'request' | 'require' = 'none';

  @Choice(['TLSv1.2', 'TLSv1.3'], { description: 'Lowest version of TLS.' })
  minVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.2';

  @Text({ description: "Ciphers in OpenSSL's form; empty: those of Node." })
  ciphers = '';
}

export const portTlsConfig = registerAs('berth.ingress.tls', (): Frozen<PortTlsSettings> => new PortTlsSettings());
