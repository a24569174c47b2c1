/** Who takes what: the part of the script that knows queues, agents and objects. See {@link busScript}. */
export const SCRIPT_ROUTING = `
local call = redis.call
local FREE, WORKERS, QUEUED = PREFIX .. 'free', PREFIX .. 'workers', PREFIX .. 'queued'
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- Where turns begin is by chance: what counts batches would favour one group for ever.
local turn = tonumber(time[2])

-- How long a batch was on its way at least, ms, such as to a broker that stood still. Long may also be a clock
-- that was put forward, or one of a host that slept.
local transit = 0

-- Both are read once for all operations of a call, and what changed is written at its end.
local agentsOf, freeOf, changed = {}, {}, {}

local function agents(group)
  local list = agentsOf[group]
  if not list then
    list = call('LRANGE', PREFIX .. group .. ':agents', 0, -1)
    agentsOf[group] = list
  end
  return list
end

local function free(agent)
  local n = freeOf[agent]
  if n == nil then
    n = call('HGET', FREE, agent)
    n = n and tonumber(n)
    freeOf[agent] = n
  end
  return n
end

local function take(agent, n)
  local have = free(agent)
  if have then
    freeOf[agent] = have + n
    changed[agent] = true
  end
end

local function writeFree()
  for agent in pairs(changed) do
    if freeOf[agent] then call('HSET', FREE, agent, freeOf[agent]) end
  end
end

-- The next one by turns that is free.
local function pick(group)
  local list = agents(group)
  local n = #list
  for _ = 1, n do
    turn = turn + 1
    local agent = list[turn % n + 1]
    if (free(agent) or 0) > 0 then return agent end
  end
  return nil
end

local function give(agent, record)
  local slash = string.find(agent, '/', 1, true)
  call('XADD', PREFIX .. 'work:' .. string.sub(agent, 1, slash - 1), '*', string.sub(agent, slash + 1), record)
  take(agent, -1)
end

-- A record: deadline,attempt,caller,call,atLeastOnce,maxDeliveries,key LF JSON LF payload
-- @return nil for what is none
local function parse(record)
  local deadline, attempt, rest, caller, number, again, most, key =
    string.match(record, '^(%d+),(%d+),()([^,]*),(%d+),(%d),(%d+),([^\\n]*)\\n')
  if not key then return nil end
  return { deadline = tonumber(deadline), attempt = tonumber(attempt), rest = rest, caller = caller,
    number = number, again = again == '1', most = tonumber(most), key = key }
end

local function laneOf(key)
  local scope, object = string.match(key, '^(oprc/[^/]+/%d+)/objects/([^/]+)/invokes/')
  if scope then return scope, 'o', object end
  local method
  scope, method = string.match(key, '^(oprc/[^/]+/%d+)/invokes/(.*)$')
  return scope, 'm', method
end

-- All that one call of the script tells a caller is one entry of its inbox, or few.
local told, untold = {}, nil

-- One inbox that cannot be written must not keep others from theirs, nor a step from what else it does.
local function writeTold(caller, entry)
  told[caller] = nil
  local ok, result = pcall(call, 'XADD', PREFIX .. 'in:' .. caller, 'NOMKSTREAM', '*', unpack(entry))
  if not ok then untold = result end
end

local function tell(caller, number, text)
  local entry = told[caller]
  if not entry then
    entry = {}
    told[caller] = entry
  end
  local n = #entry
  entry[n + 1], entry[n + 2] = number, text
  -- More values than these would not fit on the stack.
  if n >= 1000 then writeTold(caller, entry) end
end

-- @return what it failed with, if any did
local function writeAllTold()
  for caller, entry in pairs(told) do writeTold(caller, entry) end
  return untold
end

local function bury(record, parsed, reason, message)
  local scope = laneOf(parsed.key)
  call('XADD', PREFIX .. scope .. ':dead', 'MAXLEN', '=', MAX_DEAD, '*',
    'reason', reason, 'attempts', parsed.attempt, 'message', message, 'record', record)
end

-- An hour is the most: what names a queue that is empty by then must not stay for years.
local function sweepAt(lane, deadline)
  call('ZADD', QUEUED, math.min(deadline, now + 3600000), lane)
end

-- A caller that leaves takes along what has not begun.
local function hasLeft(parsed)
  return parsed.attempt == 1 and call('EXISTS', PREFIX .. 'left:' .. parsed.caller .. ':' .. parsed.number) == 1
end

local function expire(record, parsed)
  if hasLeft(parsed) then return end
  -- Its first delivery did not come about.
  if parsed.again then
    parsed.attempt = parsed.attempt - 1
    bury(record, parsed, 'expired', '')
  end
  tell(parsed.caller, parsed.number, 'T')
end

-- The next of a queue whose caller still waits.
local function popLive(lane)
  local queue = PREFIX .. lane .. ':queue'
  while true do
    local record = call('LPOP', queue)
    if not record then return nil end
    local parsed = parse(record)
    if parsed and parsed.deadline <= now then
      expire(record, parsed)
    elseif parsed and not hasLeft(parsed) then
      return record
    end
  end
end

-- Drops at both ends of a queue what nobody waits for. @return whether there was any
local function dropDead(lane)
  local queue, dropped = PREFIX .. lane .. ':queue', 0
  for at = -1, 0 do
    while dropped < 200 do
      local record = call('LINDEX', queue, at)
      if not record then break end
      local parsed = parse(record)
      local late = parsed and parsed.deadline <= now
      if parsed and not late and not hasLeft(parsed) then break end
      call(at == 0 and 'LPOP' or 'RPOP', queue)
      if late then expire(record, parsed) end
      dropped = dropped + 1
    end
  end
  return dropped > 0
end

local function groupOf(scope, object)
  local own = scope .. '/objects/' .. object
  if #agents(own) > 0 then return own end
  return scope .. '/objects'
end

-- Gives what waits in a group to one agent, or to all of the group, until none is free.
local function drain(scope, group, only)
  local invokes = string.sub(group, #scope + 1, #scope + 9) == '/invokes/'
  local list = PREFIX .. group .. (invokes and ':queue' or ':ready')
  while true do
    local agent = only
    if not only then
      agent = pick(group)
    elseif (free(only) or 0) <= 0 then
      agent = nil
    end
    if not agent then break end
    if invokes then
      local record = popLive(group)
      if not record then break end
      give(agent, record)
    else
      local object = call('LPOP', list)
      if not object then break end
      local record = popLive(scope .. '/objects/' .. object)
      if record then
        call('HSET', PREFIX .. scope .. ':busy', object, 'R')
        give(agent, record)
      else
        call('HDEL', PREFIX .. scope .. ':busy', object)
      end
    end
  end
  -- Also when the last place went to the last that waited: its agents may all leave before they look again.
  if call('EXISTS', list) == 0 then call('SREM', PREFIX .. scope .. ':waiting', group) end
end

-- An agent has become free.
local function feed(scope, agent)
  if (free(agent) or 0) <= 0 or call('EXISTS', PREFIX .. scope .. ':waiting') == 0 then return end
  local slash = string.find(agent, '/', 1, true)
  local served = call('HGET', PREFIX .. 'w:' .. string.sub(agent, 1, slash - 1), string.sub(agent, slash + 1))
  if not served then return end
  local groups = {}
  for group in string.gmatch(served, '[^\\n]+') do groups[#groups + 1] = group end
  turn = turn + 1
  for i = 1, #groups do
    local group = groups[(turn + i) % #groups + 1]
    drain(scope, group, agent)
  end
end

local function awaitAgent(scope, group)
  call('SADD', PREFIX .. scope .. ':waiting', group)
end

-- Takes an object out of the lists of those that wait for an agent.
local function unready(scope, object)
  for _, group in ipairs({ scope .. '/objects', scope .. '/objects/' .. object }) do
    call('LREM', PREFIX .. group .. ':ready', 0, object)
    if call('EXISTS', PREFIX .. group .. ':ready') == 0 then call('SREM', PREFIX .. scope .. ':waiting', group) end
  end
end

-- An object has an invocation at the head of its queue and nothing that runs.
local function makeReady(scope, object, side)
  local group = groupOf(scope, object)
  call('HSET', PREFIX .. scope .. ':busy', object, 'W')
  call(side, PREFIX .. group .. ':ready', object)
  awaitAgent(scope, group)
  return group
end

-- What an object ran has ended.
local function release(scope, object)
  local lane = scope .. '/objects/' .. object
  if call('EXISTS', PREFIX .. lane .. ':queue') == 1 then
    local group = groupOf(scope, object)
    local agent = call('EXISTS', PREFIX .. group .. ':ready') == 0 and pick(group)
    if not agent then
      makeReady(scope, object, 'RPUSH')
      drain(scope, group)
      return
    end
    local record = popLive(lane)
    if record then
      give(agent, record)
      return
    end
  end
  call('HDEL', PREFIX .. scope .. ':busy', object)
end

-- First again: it was accepted before all that wait.
local function putBack(record, parsed)
  local scope, kind, name = laneOf(parsed.key)
  local lane = kind == 'o' and scope .. '/objects/' .. name or scope .. '/invokes/' .. name
  if call('LPUSH', PREFIX .. lane .. ':queue', record) == 1 then sweepAt(lane, parsed.deadline) end
  local group = lane
  if kind == 'o' then group = makeReady(scope, name, 'LPUSH') else awaitAgent(scope, lane) end
  drain(scope, group)
end

-- Its worker has died with it.
local function lose(record)
  local parsed = parse(record)
  if not parsed then return end
  if parsed.again and parsed.attempt < parsed.most and parsed.deadline > now then
    putBack(parsed.deadline .. ',' .. (parsed.attempt + 1) .. ',' .. string.sub(record, parsed.rest), parsed)
    return
  end
  local late = parsed.again and parsed.attempt < parsed.most
  bury(record, parsed, late and 'expired' or 'worker-lost', '')
  tell(parsed.caller, parsed.number, late and 'T' or 'L' .. parsed.attempt)
  local scope, kind, name = laneOf(parsed.key)
  if kind == 'o' then release(scope, name) end
end
`;
