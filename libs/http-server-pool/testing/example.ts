import { HttpServerConfigs, HttpServerPool, type RequestHandler, ServerWatch } from '@berth/http-server-pool';

/** Serves an application at two addresses, and its figures at a third that only this machine reaches. */
async function serve(app: RequestHandler, places: [string, string, string]): Promise<HttpServerPool> {
  const pool = new HttpServerPool();
  const figures: RequestHandler = async (_, response) => {
    const reports = await pool.monitor();
    response.end(reports.map(({ name, state, requests }) => `${name} ${state} ${requests}\n`).join(''));
  };
  const configs = new HttpServerConfigs([
    { name: 'public', listen: places[0], healthPath: '/' },
    { name: 'inside', listen: places[1] },
    { name: 'figures', listen: places[2], handler: figures },
  ]);
  configs.setHandler(app).validate();
  configs.build(pool);
  await pool.start();
  new ServerWatch(pool, { onEvent: ({ kind, server }) => console.warn(`${server.name} is ${kind}`) }).start();
  return pool;
}

export { serve };
