import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { silentLog } from '@berth/observability';
import { client, Services } from 'berth-services';
import { disposable } from '@berth/testing';
import { startGreeter } from './app.js';
import { Greeter } from './greeter.js';

describe('example: services in a Nest application', () => {
  it('serves over gRPC and the bus, with what Nest injects', async () => {
    await using app = disposable(await startGreeter({ server: { port: 0 }, log: silentLog }, 0), (it) => it.close());
    const services = app.get(Services);
    const address = `127.0.0.1:${services.getServerInfo().port ?? 0}`;
    await using greeters = disposable(client(Greeter, { address, bus: services.bus }), (it) => it.close());
    expect(await greeters.with({ options: { language: 'de' } }).greet('Ada')).toBe('Guten Tag, Ada!');
    const ada = greeters.object('Ada');
    expect([await ada.arrive('tr'), await ada.arrive('en')]).toEqual([
      'Merhaba, Ada! Visit 1.',
      'Hello, Ada! Visit 2.',
    ]);
    expect([await ada.visits(), await greeters.object('Bob').visits()]).toEqual([2, 0]);

    const url = await app.getUrl();
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
      status: 'ok',
      info: { services: { status: 'up' } },
    });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      'berth_service_calls_total{service="example.Greeter",method="arrive",status="okay"} 2',
    );
  });

  it('does not start when the port of the function server is taken', async () => {
    await using other = disposable(createServer().listen(0, '127.0.0.1'), (it) => void it.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(startGreeter({ server: { port }, log: silentLog }, 0)).rejects.toThrow(`port ${port} is taken`);
  });

  it('runs in mock mode, for tests', async () => {
    await using app = disposable(await startGreeter({ mock: true, log: silentLog }, 0), (it) => it.close());
    const services = app.get(Services);
    expect(await client(Greeter, { services }).greet('Ada')).toBe('Hello, Ada!');
  });
});
