import type { Operations } from '../objects/operations.js';
import type { RedisConnection } from '../objects/redis/connection.js';
import { type Script, script } from '../objects/redis/scripts.js';
import { wholeNumbers } from '../numbers.js';
import {
  DEAD_LETTER_BOUNDS,
  type DeadLetter,
  type DeadLetterBounds,
  type DeadLetterLimits,
  type DeadLetterStore,
} from './dead-letter.js';
import { decodeLetter, encodeLetter } from './letter-codec.js';

/*
 * KEYS: letters, order, bytes.
 *   letters  a hash: the letters by their names, `service/partition`, a line feed and the id
 *   order    a sorted set: their names, by the number with which each was added
 *   order:service/partition  the same of one service in one partition
 *   bytes    a hash: the bytes of all letters under '', those of each service and partition; '#' is the last number
 */
const DROP = `
local letters, order, bytes = KEYS[1], KEYS[2], KEYS[3]
local function drop(name)
  local scope = string.match(name, '^[^\\n]*')
  -- Also of a letter that is not there: whoever drops until there is room would never end.
  redis.call('ZREM', order, name)
  redis.call('ZREM', order .. ':' .. scope, name)
  local size = redis.call('HSTRLEN', letters, name)
  if redis.call('HDEL', letters, name) == 0 then return 0 end
  redis.call('HINCRBY', bytes, '', -size)
  if redis.call('HINCRBY', bytes, scope, -size) == 0 then redis.call('HDEL', bytes, scope) end
  return 1
end
`;

/** ARGV: '1' when sent again, name, letter, service/partition, and the bounds: number and bytes there, number and bytes of all. */
const ADD = script(`${DROP}
local name, letter, scope = ARGV[2], ARGV[3], ARGV[4]
-- A full server refuses this one, and with it the script: what comes after a first write would pass.
local number = redis.call('HINCRBY', bytes, '#', 1)
drop(name)
redis.call('HSET', letters, name, letter)
redis.call('ZADD', order, number, name)
redis.call('ZADD', order .. ':' .. scope, number, name)
redis.call('HINCRBY', bytes, '', #letter)
redis.call('HINCRBY', bytes, scope, #letter)
local function bound(of, sum, most, mostBytes)
  while true do
    local count = redis.call('ZCARD', of)
    if count <= most and (count <= 1 or tonumber(redis.call('HGET', bytes, sum)) <= mostBytes) then return end
    drop(redis.call('ZRANGE', of, 0, 0)[1])
  end
end
bound(order .. ':' .. scope, scope, tonumber(ARGV[5]), tonumber(ARGV[6]))
bound(order, '', tonumber(ARGV[7]), tonumber(ARGV[8]))
return 1
`);

/** ARGV: '1' when sent again, name. A full server takes it. Returns whether there was one, 1 or 0. */
const REMOVE = script(`${DROP} return drop(ARGV[2])`);

/** ARGV: service/partition, the number of the last one. Returns the letters. */
const LIST = script(`
local names = redis.call('ZRANGE', KEYS[2] .. ':' .. ARGV[1], 0, ARGV[2])
local found = {}
for _, name in ipairs(names) do
  local letter = redis.call('HGET', KEYS[1], name)
  if letter then table.insert(found, letter) end
end
return found
`);

/** Dead letters in Redis, bounded by the script that adds them. */
export class RedisDeadLetters implements DeadLetterStore {
  private readonly keys: readonly string[];
  private readonly limits: DeadLetterLimits;
  private readonly operations: Operations;

  /** @throws ServicesError `BERTH_SERVICE_INVALID` for a bound that is no whole number from 1 */
  constructor(
    private readonly connection: RedisConnection,
    name: string,
    bounds: DeadLetterBounds,
  ) {
    this.keys = [name, `${name}:order`, `${name}:bytes`];
    this.limits = wholeNumbers(bounds, DEAD_LETTER_BOUNDS);
    this.operations = connection.operations.beside('dead letters');
  }

  async add(letter: DeadLetter, deadline?: number): Promise<void> {
    const { service, partition } = letter.invocation;
    const { deadLetterLimit, deadLetterBytes, deadLetterTotal, deadLetterTotalBytes } = this.limits;
    const bounds = [deadLetterLimit, deadLetterBytes, deadLetterTotal, deadLetterTotalBytes].map(String);
    const args = [nameOf(service, partition, letter.id), encodeLetter(letter), `${service}/${partition}`];
    await this.run(ADD, [...args, ...bounds], true, deadline);
  }

  async list(service: string, partition: number, limit: number): Promise<DeadLetter[]> {
    const last = Number.isFinite(limit) ? Math.max(0, limit) - 1 : -1;
    if (limit <= 0) return [];
    const args = [`${service}/${partition}`, String(last)];
    const found = (await this.run(LIST, args, false)) as Buffer[];
    return found.map(decodeLetter).filter((letter) => letter !== undefined);
  }

  async get(service: string, partition: number, id: string): Promise<DeadLetter | undefined> {
    const command = ['HGET', this.keys[0] ?? '', nameOf(service, partition, id)];
    const found = (await this.run(undefined, command, false)) as Buffer | null;
    return found === null ? undefined : decodeLetter(found);
  }

  async remove(service: string, partition: number, id: string): Promise<boolean> {
    const args = [nameOf(service, partition, id)];
    return (await this.run(REMOVE, args, true)) === 1;
  }

  private run(of: Script | undefined, args: (string | Buffer)[], writes: boolean, deadline?: number): Promise<unknown> {
    const keys = of === undefined ? [] : this.keys;
    return this.connection.run(of, keys, args, writes, deadline, this.operations);
  }
}

function nameOf(service: string, partition: number, id: string): string {
  return `${service}/${partition}\n${id}`;
}
