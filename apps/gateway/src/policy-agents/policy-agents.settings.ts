import { checkHost, File, type Frozen, Group, Integer, MAX_MS, Text, Tree } from '@berth/config';
import { registerAs } from '@nestjs/config';
import { checkAgents } from './agent-schema.js';
import type { AgentPart } from './agent-schema.js';
import { checkAddress } from './agent-checks.js';

/** Policy agents by their names. */
export type PolicyAgentsSettings = Record<string, AgentPart>;

/** The setting `policyAgents`. */
export const PolicyAgentsByName = (): PropertyDecorator =>
  Tree({
    // Tokens and configurations stand in it.
    secret: true,
    check: checkAgents,
    live: true,
    description:
      'Programs that judge traffic, by names of your choice, with the settings of docs/policy-agents.md for each; `inspect.agents` of `policies` says which ports ask them.',
  });

class PolicyListenerTls {
  @File({ description: 'PEM file with the certificate chain of the TCP listener; empty: no TLS.' })
  certFile = '';

  @File({ description: "PEM file with the certificate's private key." })
  keyFile = '';

  @File({ description: 'PEM file with the CA that agents’ certificates must be signed by; empty: none is asked for.' })
  caFile = '';
}

/** Where policy agents with the address `reverse` dial. */
export class PolicyListenerSettings {
  @Text({
    check: (value: string) => (value === '' ? undefined : checkAddress(`unix:${value}`)),
    description: 'Unix socket that policy agents with the address `reverse` dial; empty: none. Its mode is 0600.',
  })
  path = '';

  @Text({ check: checkHost, description: 'Address of the TCP listener for them.' })
  host = '127.0.0.1';

  @Integer(0, 65_535, { description: 'Port of the TCP listener; 0: none.' })
  port = 0;

  @Group()
  tls = new PolicyListenerTls();

  @Integer(1, MAX_MS, { description: 'Time for a connection to register.' })
  handshakeTimeoutMs = 10_000;

  @Integer(1, 1000, { description: 'Connections that one agent may have.' })
  maxConnectionsPerAgent = 16;

  @Integer(1, 10_000, { description: 'Connections that have not registered; further ones are closed.' })
  maxUnregistered = 64;

  @Integer(1, 10_000, { description: 'The same of one address.' })
  maxUnregisteredPerAddress = 16;
}

/** What policy agents may cost together. */
export class InspectionSettings {
  @Integer(0, Number.MAX_SAFE_INTEGER, {
    description:
      'Bytes of bodies that all exchanges together may hold for policy agents that want to see more before they decide.',
    unit: 'bytes',
    live: true,
  })
  maxTotalHeldBytes = 268_435_456;
}

export const policyAgentsConfig = registerAs('berth.policy-agents', (): Frozen<PolicyAgentsSettings> => ({}));

export const policyListenerConfig = registerAs(
  'berth.policy-listener',
  (): Frozen<PolicyListenerSettings> => new PolicyListenerSettings(),
);

export const inspectionConfig = registerAs(
  'berth.inspection',
  (): Frozen<InspectionSettings> => new InspectionSettings(),
);
