import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { requireFree } from './ready.js';

describe('the ports of the quick start', () => {
  it('are named when something else listens there, and free again afterwards when not', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(requireFree(port)).rejects.toThrow(
      `Port ${port} is taken: end what listens there, such as another gateway (EADDRINUSE).`,
    );
    other.close();
    await once(other, 'close');
    await requireFree(port);
    await requireFree(port);
  });
});
