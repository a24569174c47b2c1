import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { PortAllocatorService } from '@berth/port-allocator';
import type { PinnedPort } from '../ports/index.js';
import type { Row } from './long-answer.js';

class PortOwnerDto {
  @ApiProperty({ type: 'integer', example: 8100 })
  port!: number;

  @ApiProperty({ example: 'my-laptop' })
  agent_id!: string;

  @ApiProperty({ example: 'default', description: 'local service' })
  service!: string;

  @ApiProperty({ example: false, description: 'an operator has given it to that service for good' })
  pinned!: boolean;
}

class LeaseDto extends PortOwnerDto {
  @ApiProperty({ format: 'date-time' })
  leased_since!: string;

  @ApiProperty({ example: false, description: 'from agentPorts.static' })
  static!: boolean;

  @ApiProperty({ example: false, description: "it listens on the gateway's loopback alone, as its agent wishes" })
  loopback!: boolean;
}

class RememberedPortDto extends PortOwnerDto {
  @ApiProperty({ type: String, format: 'date-time', description: 'when it was used last' })
  last_used!: string;
}

class ForeignPortDto {
  @ApiProperty({ type: 'integer', example: 8100 })
  port!: number;

  @ApiProperty({ format: 'date-time', description: 'when another program was found to hold it' })
  found_at!: string;
}

class PortFiguresDto {
  @ApiProperty({ type: 'integer', example: 101, description: 'ports that can be leased, static ones left out' })
  total!: number;

  @ApiProperty({ type: 'integer', example: 1 })
  used!: number;

  @ApiProperty({ type: 'integer', example: 100 })
  free!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'that other programs hold; neither used nor free' })
  foreign!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'pinned to services that are away; neither used nor free' })
  reserved!: number;
}

class PortPoolDto extends PortFiguresDto {
  @ApiProperty({ type: [String], example: ['8100-8200'] })
  ranges!: string[];

  @ApiProperty({
    type: [String],
    example: [],
    description: 'patterns of the agents that it is for (agentPorts.rangesByAgent); none: all that have no other',
  })
  agents!: string[];
}

/** `GET /ports` */
export class PortsDto extends PortFiguresDto {
  @ApiProperty({ type: 'integer', example: 8100, description: 'first port of http.agentPortRange' })
  start!: number;

  @ApiProperty({ type: 'integer', example: 8200, description: 'last port of http.agentPortRange' })
  end!: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'static ports in use' })
  static_used!: number;

  @ApiProperty({ type: [PortPoolDto], description: 'the figures of each pool; those above are of all together' })
  pools!: PortPoolDto[];

  @ApiProperty({ type: [LeaseDto] })
  leases!: LeaseDto[];

  @ApiProperty({
    type: [RememberedPortDto],
    description:
      'ports of services that are away: pinned, or given to others only when none is left that nobody has had',
  })
  remembered!: RememberedPortDto[];

  @ApiProperty({
    type: [ForeignPortDto],
    description: 'held by other programs when they were tried; passed over for agentPorts.foreignMs',
  })
  foreign_ports!: ForeignPortDto[];

  @ApiPropertyOptional({ description: '`cursor` of the next page, where there is one' })
  next_cursor?: string;
}

/** `PUT /agents/:id/ports/:service` */
export class PinPortDto {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: 65_535, example: 8123 })
  port!: number;
}

/** What came of it. */
export class PinnedPortDto extends PortOwnerDto {
  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: 8123,
    description: 'that the service listens on now; null: it is away. Another one than `port`: it moves when it returns',
  })
  port_in_use!: number | null;
}

/** An entry of any of the lists. */
export interface PortRow extends Row {
  readonly list: 'leases' | 'remembered' | 'foreign_ports';
  readonly port: number;
  /** undefined: another program has it */
  readonly agentId?: string;
  readonly service?: string;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** @param open servers that listen */
export function portRows(
  ports: PortAllocatorService,
  open: readonly { port: number; loopback: boolean }[],
): readonly PortRow[] {
  const onLoopback = new Set(open.flatMap(({ port, loopback }) => (loopback ? [port] : [])));
  return [
    ...ports.list().map(({ port, agentId, service, leasedAt, isStatic, isPinned: pinned }): PortRow => {
      const describe = (): LeaseDto => ({
        ...{ port, agent_id: agentId, service, pinned },
        ...{ leased_since: iso(leasedAt), static: isStatic, loopback: onLoopback.has(port) },
      });
      return { list: 'leases', port, agentId, service, describe };
    }),
    ...ports.remembered().map(({ port, agentId, service, pinned, usedAt }): PortRow => {
      const describe = (): RememberedPortDto => ({
        ...{ port, agent_id: agentId, service, pinned },
        last_used: iso(usedAt ?? Date.now()),
      });
      return { list: 'remembered', port, agentId, service, describe };
    }),
    ...ports.foreign().map(({ port, foundAt }): PortRow => {
      const describe = (): ForeignPortDto => ({ port, found_at: iso(foundAt) });
      return { list: 'foreign_ports', port, describe };
    }),
  ];
}

/** What does not depend on the page. */
export function portFigures(ports: PortAllocatorService): object {
  const { staticUsed, ...figures } = ports.figures();
  return {
    ...figures,
    static_used: staticUsed,
    pools: ports.pools().map(({ ranges, agents, total, used, free, foreign, reserved }) => ({
      ...{ ranges, agents, total, used, free, foreign, reserved },
    })),
  };
}

export function describePin({ agentId, service, port, portInUse }: PinnedPort): PinnedPortDto {
  return { port, agent_id: agentId, service, pinned: true, port_in_use: portInUse ?? null };
}
