import { File, Integer, MAX_MS, Switch, Text, WindowSettings } from '@berth/config';

export class AgentTlsSettings {
  @Switch({
    alias: '--tls',
    description: 'TLS towards the gateway; on by itself when a file below is given, unless switched off.',
  })
  enabled = false;

  @File({
    alias: '--tls-ca',
    description: "PEM file with the CA of the gateway's certificate; empty: the well-known ones.",
  })
  caFile = '';

  @File({ alias: '--tls-cert', description: "PEM file with the agent's certificate chain; its common name is the id." })
  certFile = '';

  @File({ alias: '--tls-key', description: "PEM file with the private key of the agent's certificate." })
  keyFile = '';

  @Text({ description: "Name to check the gateway's certificate for, when it differs from the one dialled." })
  serverName = '';
}

export class ReconnectSettings {
  @Integer(1, MAX_MS, { description: 'Longest wait before the first new attempt; it doubles with each attempt.' })
  minMs = 1000;

  @Integer(1, MAX_MS, { description: 'Longest wait between two attempts.' })
  maxMs = 30_000;

  @Integer(1, MAX_MS, { description: 'Longest wait while nobody answers and the loss is younger than earlyForMs.' })
  earlyMaxMs = 2000;

  @Integer(0, MAX_MS, { description: 'Time for which a lost gateway is looked for at that pace; 0: not at all.' })
  earlyForMs = 60_000;

  @Integer(0, MAX_MS, { description: 'Time a connection must have lasted for the wait to start small again.' })
  stableAfterMs = 10_000;
}

export class AgentTunnelSettings extends WindowSettings {
  @Integer(1, MAX_MS, { description: 'Time from dialling to the completed handshake.' })
  handshakeTimeoutMs = 10_000;

  @Integer(0, 1_000_000, {
    description:
      'Exchanges that one connection takes at a time; further ones get 503. 0: 32768, or fewer where descriptors and memory of the process do not allow that.',
  })
  maxExchanges = 0;
}

export class AgentSiloSettings {
  @Integer(4_194_304, 4_294_967_296, {
    description:
      'Bytes of requests that are held with protocol silo, and as many of answers, because each is one message. Above it no further request is read, and an answer that finds no room is 503.',
  })
  maxBufferedBytes = 67_108_864;
}
