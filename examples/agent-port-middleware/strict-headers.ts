import { Injectable } from '@nestjs/common';
import { type AgentPortMiddleware, UseOnAgentPorts } from 'berth-gateway';
import helmet from 'helmet';

/** Security headers on the answers of agents that show pages to people; what an API answers is left alone. */
@Injectable()
@UseOnAgentPorts({ order: 10 })
export class StrictHeaders implements AgentPortMiddleware {
  readonly use = helmet();

  appliesTo({ metadata }: { metadata: Readonly<Record<string, string>> }): boolean {
    return metadata['kind'] === 'pages';
  }
}
