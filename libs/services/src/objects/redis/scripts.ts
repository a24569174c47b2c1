import { createHash } from 'node:crypto';

/** A Lua script that the server runs as one step. */
export interface Script {
  readonly text: string;
  /** by which the server knows it */
  readonly sha: string;
}

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** Characters of a writer's token, half of them its name and half a count that never comes round; no dot is among them. */
export const TOKEN_LENGTH = 16;
/** Tokens kept with an object: a repeated write recognises its own if at most this many changes came meanwhile. */
export const KEPT_TOKENS = 32;

/*
 * An object is one hash:
 *   v  version, only while there is an object
 *   s  state, JSON
 *   t  version at its deletion, only while there is none; the hash expires then
 *   c  version at its last deletion: replies remembered below it are forgotten
 *   p  tokens of the last changes, the newest first
 * Each change of v or t counts one up and puts its writer's token in front of p, so
 * that place i of p tells who made version (v or t) - i. A write that is sent again
 * because its answer was lost looks itself up there, and is neither done twice nor
 * taken for somebody else's. The same holds when the first one comes after its repetition,
 * out of the buffer of a connection that is gone.
 */

const LOOK_UP = `
local f = redis.call('HMGET', KEYS[1], 'v', 't', 'p')
local v, t, p = tonumber(f[1] or 0), tonumber(f[2] or 0), f[3] or ''
local last = math.max(v, t)
local function place(token)
  local at = string.find(p, token, 1, true)
  if at and (at - 1) % ${TOKEN_LENGTH} == 0 then return (at - 1) / ${TOKEN_LENGTH} end
end
local function with(token) return string.sub(token .. p, 1, ${TOKEN_LENGTH * KEPT_TOKENS}) end
`;

/**
 * KEYS: object[, reply]; ARGV: known version or ''.
 * Returns [version or 0, state or nil, version at the last deletion or 0, reply or nil].
 */
export const LOAD = script(`
local f = redis.call('HMGET', KEYS[1], 'v', 'c')
local state = false
if f[1] and f[1] ~= ARGV[1] then state = redis.call('HGET', KEYS[1], 's') end
local reply = false
if KEYS[2] then reply = redis.call('GET', KEYS[2]) end
return {tonumber(f[1] or 0), state, tonumber(f[2] or 0), reply}
`);

/**
 * KEYS: object[, reply]; ARGV: '1' when sent again, token, expected version, '1' with a state,
 * state[, reply, its ttl in ms].
 * Returns the version, nil when somebody else was faster, -1 when it cannot be told any more.
 */
export const SAVE = script(`${LOOK_UP}
local expected = tonumber(ARGV[3])
local i = place(ARGV[2])
-- Whoever repeats itself made a version above the one that it knew; below it is another change with this token.
if i and last - i > expected then return last - i end
if v ~= expected then
  local all = #p < ${TOKEN_LENGTH * KEPT_TOKENS} or (expected > 0 and last - expected <= ${KEPT_TOKENS})
  if ARGV[1] == '1' and not all then return -1 end
  return false
end
if ARGV[4] == '1' then
  last = last + 1
  v = last
  redis.call('HSET', KEYS[1], 'v', last, 's', ARGV[5], 'p', with(ARGV[2]))
  if t > 0 then
    redis.call('HDEL', KEYS[1], 't')
    redis.call('PERSIST', KEYS[1])
  end
end
if KEYS[2] then redis.call('SET', KEYS[2], string.format('%.0f:', last) .. ARGV[6], 'PX', ARGV[7]) end
return v
`);

/**
 * KEYS: object; ARGV: '1' when sent again, token, for how long the deletion is known, ms.
 * Returns 1 when there was an object, else 0; the token of a deletion of nothing is kept with a dot in front.
 */
export const DELETE = script(`${LOOK_UP}
local nothing = '.' .. string.sub(ARGV[2], 2)
if place(ARGV[2]) then return 1 end
if place(nothing) then return 0 end
last = last + 1
redis.call('HDEL', KEYS[1], 'v', 's')
redis.call('HSET', KEYS[1], 't', last, 'c', last, 'p', with(v > 0 and ARGV[2] or nothing))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return v > 0 and 1 or 0
`);
