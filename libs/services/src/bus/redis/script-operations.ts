/** The longest that a deadline may be away, ms, some 30 years: later ones count as this. */
export const LONGEST_MS = 1_000_000_000_000;

/** What can be done: the part of the script that changes who has what. See {@link busScript}. */
export const SCRIPT_OPERATIONS = `
local function send(caller, scope, target, remaining, number, body)
  -- Also what is no number.
  if not (remaining > 0) then return tell(caller, number, 'T') end
  -- It stood still for long on its way, or a clock was set: its caller knows whether it is too late.
  if transit >= math.min(remaining, WORKER_MS) then return tell(caller, number, 'A') end
  remaining = remaining - transit
  -- A larger number is written with an exponent, which nobody could read.
  local deadline = now + math.ceil(math.min(remaining, ${LONGEST_MS}))
  -- What is in a queue can be read by whoever takes it out.
  if not string.find(body, '^%d,%d+,oprc/[^\\n]*\\n') then error('a record that has no key') end
  local record = deadline .. ',1,' .. caller .. ',' .. number .. ',' .. body
  local kind, name = string.sub(target, 1, 1), string.sub(target, 2)
  local lane, most, agent = scope .. '/invokes/' .. name, MAX_METHOD, nil
  if kind == 'm' then
    if #agents(lane) == 0 then return tell(caller, number, 'N') end
    agent = pick(lane)
    if agent then return give(agent, record) end
    awaitAgent(scope, lane)
  else
    lane, most = scope .. '/objects/' .. name, MAX_OBJECT
    local state = call('HGET', PREFIX .. scope .. ':busy', name)
    if state ~= 'R' then
      local group = groupOf(scope, name)
      if #agents(group) == 0 then return tell(caller, number, 'N') end
      if not state then
        agent = pick(group)
        if agent then
          call('HSET', PREFIX .. scope .. ':busy', name, 'R')
          return give(agent, record)
        end
        makeReady(scope, name, 'RPUSH')
      end
    end
  end
  local queue = PREFIX .. lane .. ':queue'
  local length = call('RPUSH', queue, record)
  if length > most then
    call('RPOP', queue)
    if not dropDead(lane) then return tell(caller, number, 'B') end
    length = call('RPUSH', queue, record)
  end
  if length == 1 then sweepAt(lane, deadline) end
end

-- The caller of an invocation has left: who may run it is told, by a reply to nobody.
local function left(caller, number, keepMs, scope, target)
  call('SET', PREFIX .. 'left:' .. caller .. ':' .. number, '', 'PX', keepMs)
  local name = string.sub(target, 2)
  local groups = { scope .. '/objects', scope .. '/objects/' .. name }
  if string.sub(target, 1, 1) == 'm' then groups = { scope .. '/invokes/' .. name } end
  local seen = {}
  local function tellAll(list)
    for _, agent in ipairs(list) do
      local process = string.match(agent, '^[^./]+')
      if not seen[process] then
        seen[process] = true
        tell(process, '0', 'C' .. caller .. ',' .. number)
      end
    end
  end
  for _, group in ipairs(groups) do
    tellAll(agents(group))
    tellAll(call('LRANGE', PREFIX .. group .. ':leaving', 0, -1))
  end
end

-- The answer of a handler; it counts if the entry still is its worker's.
local function done(worker, number, id, scope, target, caller, callNumber, failure, reply)
  local work = PREFIX .. 'work:' .. worker
  local entry = failure ~= '' and call('XRANGE', work, id, id)[1]
  if call('XDEL', work, id) == 0 then return end
  if entry then
    local record = entry[2][2]
    local parsed = parse(record)
    if failure == 'expired' then
      expire(record, parsed)
    else
      bury(record, parsed, 'failed', string.sub(failure, 2))
    end
  end
  if reply ~= '' then tell(caller, callNumber, reply) end
  local agent = worker .. '/' .. number
  take(agent, 1)
  if string.sub(target, 1, 1) == 'o' then release(scope, string.sub(target, 2)) end
  feed(scope, agent)
end

local function join(worker, number, scope, concurrency, object, methods)
  if not call('ZSCORE', WORKERS, worker) then return false end
  local agent = worker .. '/' .. number
  local groups = { scope .. '/objects' .. (object == '' and '' or '/' .. object) }
  for i = 1, #methods do groups[i + 1] = scope .. '/invokes/' .. methods[i] end
  for _, group in ipairs(groups) do
    call('LREM', PREFIX .. group .. ':agents', 0, agent)
    call('RPUSH', PREFIX .. group .. ':agents', agent)
  end
  call('HSET', PREFIX .. 'w:' .. worker, number, table.concat(groups, '\\n'))
  agentsOf = {}
  -- One that is known already may run something.
  if not free(agent) then
    freeOf[agent] = tonumber(concurrency)
    changed[agent] = true
  end
  if object ~= '' and call('HGET', PREFIX .. scope .. ':busy', object) == 'W' then
    -- It waited for an agent of every object, or for an earlier one of its own.
    unready(scope, object)
    makeReady(scope, object, 'RPUSH')
  end
  feed(scope, agent)
  return true
end

-- @return what it served, if it did
local function unjoin(worker, number)
  local served = call('HGET', PREFIX .. 'w:' .. worker, number)
  if not served then return nil end
  local agent = worker .. '/' .. number
  call('HDEL', PREFIX .. 'w:' .. worker, number)
  call('HDEL', FREE, agent)
  freeOf[agent], changed[agent] = false, nil
  agentsOf = {}
  for group in string.gmatch(served, '[^\\n]+') do
    call('LREM', PREFIX .. group .. ':agents', 0, agent)
    local scope, object = string.match(group, '^(oprc/[^/]+/%d+)/objects/([^/]+)$')
    if scope and #agents(group) == 0 and call('HGET', PREFIX .. scope .. ':busy', object) == 'W' then
      unready(scope, object)
      drain(scope, makeReady(scope, object, 'RPUSH'))
    end
  end
  return served
end

-- It takes nothing new, and is told who leaves until what it has begun has ended.
local function stays(worker, number, served)
  call('HSET', PREFIX .. 'w:' .. worker, 'leaving:' .. number, served)
  for group in string.gmatch(served, '[^\\n]+') do
    call('RPUSH', PREFIX .. group .. ':leaving', worker .. '/' .. number)
  end
end

local function ended(worker, number)
  local served = call('HGET', PREFIX .. 'w:' .. worker, 'leaving:' .. number)
  if not served then return end
  call('HDEL', PREFIX .. 'w:' .. worker, 'leaving:' .. number)
  for group in string.gmatch(served, '[^\\n]+') do
    call('LREM', PREFIX .. group .. ':leaving', 0, worker .. '/' .. number)
  end
end

-- Takes nothing new, and gives back what it has not begun.
local function leave(worker, number, begun)
  local served = unjoin(worker, number)
  if not next(begun) then
    ended(worker, number)
  elseif served then
    stays(worker, number, served)
  end
  local work = PREFIX .. 'work:' .. worker
  for _, entry in ipairs(call('XREVRANGE', work, '+', '-')) do
    if entry[2][1] == number and not begun[entry[1]] then
      call('XDEL', work, entry[1])
      local parsed = parse(entry[2][2])
      if parsed then putBack(entry[2][2], parsed) end
    end
  end
end

local function cut(worker, ids)
  local work = PREFIX .. 'work:' .. worker
  for i = #ids, 1, -1 do
    local entry = call('XRANGE', work, ids[i], ids[i])[1]
    if entry then
      call('XDEL', work, ids[i])
      local record, agent = entry[2][2], worker .. '/' .. entry[2][1]
      -- It may be open still: what it could not read takes no place of it.
      take(agent, 1)
      lose(record)
      local parsed = parse(record)
      if parsed then feed(laneOf(parsed.key), agent) end
    end
  end
end

-- @return whether there is more to do: one call must not hold the broker for long
local function reap(worker)
  for _, number in ipairs(call('HKEYS', PREFIX .. 'w:' .. worker)) do
    local leaving = string.match(number, '^leaving:(.*)$')
    if leaving then ended(worker, leaving) else unjoin(worker, number) end
  end
  local work = PREFIX .. 'work:' .. worker
  local entries = call('XREVRANGE', work, '+', '-', 'COUNT', 200)
  for _, entry in ipairs(entries) do
    call('XDEL', work, entry[1])
    -- One that fails must not keep the rest from others, again and again.
    pcall(lose, entry[2][2])
  end
  if #entries == 200 then return true end
  call('DEL', work)
  call('ZREM', WORKERS, worker)
  return false
end

local function sweepLane(lane)
  local queue = PREFIX .. lane .. ':queue'
  local first, left = nil, 200
  while left > 0 do
    first = call('LINDEX', queue, 0)
    if not first then break end
    local parsed = parse(first)
    if parsed and parsed.deadline > now then
      sweepAt(lane, parsed.deadline)
      break
    end
    call('LPOP', queue)
    if parsed then expire(first, parsed) end
    left = left - 1
  end
  if first then return end
  call('ZREM', QUEUED, lane)
  local scope, object = string.match(lane, '^(oprc/[^/]+/%d+)/objects/([^/]+)$')
  if not scope then
    call('SREM', PREFIX .. string.match(lane, '^(oprc/[^/]+/%d+)/') .. ':waiting', lane)
  else
    local waits = call('HGET', PREFIX .. scope .. ':busy', object) == 'W'
    if waits then call('HDEL', PREFIX .. scope .. ':busy', object) end
    unready(scope, object)
  end
end

-- Drops what expired in queues that nobody reads.
local function sweep()
  for _, lane in ipairs(call('ZRANGEBYSCORE', QUEUED, '-inf', now, 'LIMIT', 0, 20)) do
    if not pcall(sweepLane, lane) then call('ZREM', QUEUED, lane) end
  end
end
`;
