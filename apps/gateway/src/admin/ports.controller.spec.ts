import { text } from 'node:stream/consumers';
import { StreamableFile } from '@nestjs/common';
import { PortAllocatorService } from '@berth/port-allocator';
import type { PortsDto } from './ports.dto.js';
import { PortsController } from './ports.controller.js';

const RANGE = { start: 20_000, end: 21_999 };

/** Its first ports are leased, and somebody may come back to the next ones. */
function controllerOf(leased: number, remembered: number): PortsController {
  const ports = new PortAllocatorService({ range: RANGE });
  for (let i = 0; i < leased + remembered; i += 1) {
    const { port } = ports.allocate(`kiosk-${i}`);
    ports.confirm(port);
    if (i >= leased) ports.release(port);
  }
  return new PortsController(ports, { list: () => [] } as never);
}

describe('GET /ports', () => {
  it('is made as it is sent where there are many ports, and says the same', async () => {
    const controller = controllerOf(500, 900);
    const answer = controller.getPorts({});
    if (!(answer instanceof StreamableFile)) throw new Error('it is made at once');
    const sizes: number[] = [];
    answer.getStream().on('data', (part: string) => sizes.push(part.split('"port":').length - 1));
    const all = JSON.parse(await text(answer.getStream())) as PortsDto;
    expect(Math.max(...sizes)).toBeLessThanOrEqual(200);
    expect(all).toMatchObject({ ...RANGE, total: 2000, used: 500, free: 1500, foreign_ports: [] });
    expect(all.leases.map(({ port }) => port)).toEqual(Array.from({ length: 500 }, (_, i) => RANGE.start + i));
    expect(all.remembered.map(({ agent_id }) => agent_id)).toEqual(
      Array.from({ length: 900 }, (_, i) => `kiosk-${500 + i}`),
    );
    expect(all.next_cursor).toBeUndefined();
    const page = controller.getPorts({ limit: '3', agent_id: 'kiosk-49*' }) as PortsDto;
    expect([page.leases.length, page.remembered.length, typeof page.next_cursor]).toEqual([3, 0, 'string']);
  });
});
