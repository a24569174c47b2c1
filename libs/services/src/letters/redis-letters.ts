import type { Operations } from '../objects/operations.js';
import type { RedisConnection } from '../objects/redis/connection.js';
import { type Script, script } from '../objects/redis/scripts.js';
import type { DeadLetter, DeadLetterLimits, DeadLetterStore } from './dead-letter.js';
import { decodeLetter, encodeLetter } from './letter-codec.js';

/*
 * KEYS: letters, order, bytes. A scope is a service in a partition, `:service/partition`, or all of them, ''.
 *   letters       a hash: the letters by their names, `service/partition`, a line feed and the id
 *   order{scope}  a sorted set: names, numbered as they were added
 *   bytes         a hash: the bytes of the letters of each scope
 */
const DROP = `
local letters, order, bytes = KEYS[1], KEYS[2], KEYS[3]
local function scopesOf(name) return {':' .. string.match(name, '^[^\\n]*'), ''} end
local function drop(name)
  local size = redis.call('HSTRLEN', letters, name)
  for _, scope in ipairs(scopesOf(name)) do
    -- Also of a letter that is not there: whoever drops until there is room would never end.
    redis.call('ZREM', order .. scope, name)
    if redis.call('HINCRBY', bytes, scope, 0 - size) == 0 then redis.call('HDEL', bytes, scope) end
  end
  return redis.call('HDEL', letters, name)
end
`;

/** ARGV: name, letter, and the bounds: number and bytes of its service, number and bytes of all. */
const ADD = script(`${DROP}
local name, letter = ARGV[1], ARGV[2]
-- A full server refuses this one, and with it the script: what comes after a first write would pass.
redis.call('HINCRBY', bytes, '', 0)
drop(name)
redis.call('HSET', letters, name, letter)
for at, scope in ipairs(scopesOf(name)) do
  local last = redis.call('ZRANGE', order .. scope, -1, -1, 'WITHSCORES')[2] or 0
  redis.call('ZADD', order .. scope, last + 1, name)
  redis.call('HINCRBY', bytes, scope, #letter)
  local most, mostBytes = tonumber(ARGV[1 + 2 * at]), tonumber(ARGV[2 + 2 * at])
  while true do
    local count = redis.call('ZCARD', order .. scope)
    -- What was counted of others is of letters that somebody has deleted.
    if count == 1 then redis.call('HSET', bytes, scope, #letter) end
    -- There is none where somebody has deleted the key.
    local sum = tonumber(redis.call('HGET', bytes, scope) or 0)
    if count <= most and (count <= 1 or sum <= mostBytes) then break end
    drop(redis.call('ZRANGE', order .. scope, 0, 0)[1])
  end
end
return 1
`);

/** ARGV: name. A full server takes it. Returns whether there was one, 1 or 0. */
const REMOVE = script(`${DROP} return drop(ARGV[1])`);

/** ARGV: scope, the most, -1 for all. Returns the letters. */
const LIST = script(`
local found = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2] .. ARGV[1], '-inf', '+inf', 'LIMIT', 0, ARGV[2])) do
  local letter = redis.call('HGET', KEYS[1], name)
  if letter then table.insert(found, letter) end
end
return found
`);

/** Dead letters in Redis, bounded by the script that adds them. */
export class RedisDeadLetters implements DeadLetterStore {
  private readonly keys: readonly string[];
  private readonly operations: Operations;

  constructor(
    private readonly connection: RedisConnection,
    name: string,
    private readonly limits: DeadLetterLimits,
  ) {
    this.keys = [name, `${name}:order`, `${name}:bytes`];
    this.operations = connection.operations.beside('dead letters');
  }

  async add(letter: DeadLetter, deadline?: number): Promise<void> {
    const { service, partition } = letter.invocation;
    const { deadLetterLimit, deadLetterBytes, deadLetterTotal, deadLetterTotalBytes } = this.limits;
    const bounds = [deadLetterLimit, deadLetterBytes, deadLetterTotal, deadLetterTotalBytes].map(String);
    const args = [nameOf(service, partition, letter.id), encodeLetter(letter), ...bounds];
    await this.run(ADD, args, true, deadline);
  }

  async list(service: string, partition: number, limit: number): Promise<DeadLetter[]> {
    const args = [`:${service}/${partition}`, String(Number.isFinite(limit) ? limit : -1)];
    const found = (await this.run(LIST, args, false)) as Buffer[];
    return found.map(decodeLetter).filter((letter) => letter !== undefined);
  }

  async get(service: string, partition: number, id: string): Promise<DeadLetter | undefined> {
    const command = ['HGET', this.keys[0] ?? '', nameOf(service, partition, id)];
    const found = (await this.run(undefined, command, false)) as Buffer | null;
    return found === null ? undefined : decodeLetter(found);
  }

  async remove(service: string, partition: number, id: string): Promise<boolean> {
    return (await this.run(REMOVE, [nameOf(service, partition, id)], true)) === 1;
  }

  private run(of: Script | undefined, args: (string | Buffer)[], writes: boolean, deadline?: number): Promise<unknown> {
    return this.operations.run(writes, deadline, () => this.connection.send(of, this.keys, args));
  }
}

function nameOf(service: string, partition: number, id: string): string {
  return `${service}/${partition}\n${id}`;
}
