import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { BindAddress } from './bind-address.js';
import type { HttpServerPool } from './http-server-pool.js';
import type { PooledHttpServer } from './pooled-http-server.js';
import { configOf, createPooledServer } from './server-config.js';
import type { HttpServerConfigs } from './server-configs.js';
import { asError, type ServerFailure, ServerPoolError } from './server-pool-error.js';

/** Names of servers, by what a reload did. */
export interface Reloaded {
  unchanged: string[];
  changed: string[];
  added: string[];
  removed: string[];
}

/** One server that is to come, and the one of the same name that it replaces. */
interface Change {
  old: PooledHttpServer | undefined;
  next: PooledHttpServer;
  /** its address is free only when the old one is closed */
  stopsFirst: boolean;
}

/** Reloads of one pool come one after the other. */
const running = new WeakMap<HttpServerPool, Promise<unknown>>();

/**
 * Makes a running pool what a new list says (checklist D13). Servers are matched by name: one whose configuration is
 * the same is not touched, one that changed is replaced, what is on the list no more is stopped, what is new is
 * started. Servers that came into the pool without a configuration stay. Requests under way end within each server's
 * grace. A list that is wrong changes nothing; a server that cannot start leaves the one before it in service.
 *
 * @throws ServerPoolError `BERTH_SERVER_POOL_VALIDATE_FAILED`; `BERTH_SERVER_POOL_RESTART_FAILED` naming each server
 *   that could not be started, with all others changed
 */
export async function reloadPool(pool: HttpServerPool, configs: HttpServerConfigs): Promise<Reloaded> {
  const before = running.get(pool);
  const reload = Promise.resolve(before)
    .catch(() => undefined)
    .then(() => apply(pool, configs));
  running.set(pool, reload);
  return reload;
}

async function apply(pool: HttpServerPool, configs: HttpServerConfigs): Promise<Reloaded> {
  configs.validate();
  const { changes, removed, unchanged } = compare(pool, configs);
  const ending = removed.map((server) => {
    pool.delete(server);
    return server.stop();
  });
  for (const { old, stopsFirst } of changes) if (old !== undefined && stopsFirst) ending.push(old.stop());
  // close() has given the ports back to the system; their handles are gone by the next turn.
  await nextTurn();
  const failures: ServerFailure[] = [];
  await Promise.all(
    changes.map(async (change) => {
      const { old, next } = change;
      try {
        await next.start();
      } catch (thrown) {
        failures.push({ name: next.name, bind: next.key, error: asError(thrown) });
        await bringBack(change, failures);
        return;
      }
      if (old !== undefined) {
        pool.delete(old);
        ending.push(old.stop());
      }
      pool.store(next);
    }),
  );
  await Promise.all(ending);
  if (failures.length > 0) {
    throw new ServerPoolError('BERTH_SERVER_POOL_RESTART_FAILED', 'could not be started', failures, pool.size);
  }
  return {
    unchanged,
    changed: changes.filter(({ old }) => old !== undefined).map(({ next }) => next.name),
    added: changes.filter(({ old }) => old === undefined).map(({ next }) => next.name),
    removed: removed.map(({ name }) => name),
  };
}

function compare(pool: HttpServerPool, configs: HttpServerConfigs) {
  const olds = new Map([...pool].filter(configOf).map((server) => [server.name, server]));
  const unchanged: string[] = [];
  const coming: Omit<Change, 'stopsFirst'>[] = [];
  for (const config of configs) {
    const old = olds.get(config.name);
    if (old !== undefined && isDeepStrictEqual(configOf(old), config)) {
      unchanged.push(config.name);
      olds.delete(config.name);
    } else {
      coming.push({ old, next: createPooledServer(config) });
    }
  }
  const leaving = [...olds.values()];
  const changes = coming.map(({ old, next }): Change => {
    const address = next.options.disabled === true ? undefined : next.bind;
    return { old, next, stopsFirst: address === undefined || leaving.some((it) => overlaps(it.bind, address)) };
  });
  // Whoever's address another one takes has to be closed first as well.
  for (const change of changes) {
    const { old } = change;
    if (old !== undefined && changes.some(({ next }) => overlaps(old.bind, next.bind))) change.stopsFirst = true;
  }
  const replaced = new Set(changes.map(({ old }) => old));
  return { changes, unchanged, removed: leaving.filter((server) => !replaced.has(server)) };
}

/** Whether two addresses may be in each other's way; `0.0.0.0` and `127.0.0.1` are. */
function overlaps(old: BindAddress, next: BindAddress): boolean {
  if ('path' in old || 'path' in next) return 'path' in old && 'path' in next && old.path === next.path;
  return old.port === next.port && old.port !== 0;
}

async function bringBack({ old, stopsFirst }: Change, failures: ServerFailure[]): Promise<void> {
  if (old === undefined || !stopsFirst) return;
  try {
    await old.start();
  } catch (thrown) {
    failures.push({ name: old.name, bind: old.key, error: asError(thrown) });
  }
}
