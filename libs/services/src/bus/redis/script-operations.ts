/** What processes ask for: the part of the script that reads arguments. See {@link busScript}. */
export const SCRIPT_OPERATIONS = `
local function send(caller, scope, target, remaining, number, body)
  if remaining <= 0 then return tell(caller, number, 'T') end
  local deadline = now + remaining
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
  local length = call('RPUSH', PREFIX .. lane .. ':queue', record)
  if length == 1 then
    call('ZADD', QUEUED, deadline, lane)
  elseif length > most then
    call('RPOP', PREFIX .. lane .. ':queue')
    tell(caller, number, 'B')
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
  freeOf[agent] = tonumber(concurrency)
  changed[agent] = true
  if object ~= '' and call('HGET', PREFIX .. scope .. ':busy', object) == 'W' then
    -- It waited for an agent of every object, or for an earlier one of its own.
    unready(scope, object)
    makeReady(scope, object, 'RPUSH')
  end
  feed(scope, agent)
  return true
end

local function unjoin(worker, number)
  local served = call('HGET', PREFIX .. 'w:' .. worker, number)
  if not served then return end
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
end

-- Takes nothing new, and gives back what it has not begun.
local function leave(worker, number, begun)
  unjoin(worker, number)
  local work = PREFIX .. 'work:' .. worker
  for _, entry in ipairs(call('XREVRANGE', work, '+', '-')) do
    if entry[2][1] == number and not begun[entry[1]] then
      call('XDEL', work, entry[1])
      putBack(entry[2][2], parse(entry[2][2]))
    end
  end
end

local function cut(worker, ids)
  local work = PREFIX .. 'work:' .. worker
  for i = #ids, 1, -1 do
    local entry = call('XRANGE', work, ids[i], ids[i])[1]
    if entry then
      call('XDEL', work, ids[i])
      lose(entry[2][2])
    end
  end
end

-- @return whether there is more to do: one call must not hold the broker for long
local function reap(worker)
  for _, number in ipairs(call('HKEYS', PREFIX .. 'w:' .. worker)) do unjoin(worker, number) end
  local work = PREFIX .. 'work:' .. worker
  local entries = call('XREVRANGE', work, '+', '-', 'COUNT', 200)
  for _, entry in ipairs(entries) do
    call('XDEL', work, entry[1])
    lose(entry[2][2])
  end
  if #entries == 200 then return true end
  call('DEL', work)
  call('ZREM', WORKERS, worker)
  return false
end

-- Drops what expired in queues that nobody reads.
local function sweep()
  for _, lane in ipairs(call('ZRANGEBYSCORE', QUEUED, '-inf', now, 'LIMIT', 0, 20)) do
    local queue = PREFIX .. lane .. ':queue'
    local first, left = nil, 200
    while left > 0 do
      first = call('LINDEX', queue, 0)
      if not first then break end
      local parsed = parse(first)
      if parsed.deadline > now then
        call('ZADD', QUEUED, parsed.deadline, lane)
        break
      end
      call('LPOP', queue)
      expire(first, parsed)
      left = left - 1
    end
    if not first then
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
  end
end

local function slice(from, n)
  local values = {}
  for i = 1, n do values[i] = ARGV[from + i - 1] end
  return values
end

-- When a worker that was heard of now is suspected.
local function heard()
  return math.floor(now + WORKER_MS / 2)
end

local ask, caller = ARGV[1], ARGV[2]
local process, inbox = PREFIX .. 'proc:' .. caller, PREFIX .. 'in:' .. caller

if ask == 'batch' then
  local sequence, last = tonumber(ARGV[3]), call('HGET', process, 'seq')
  if not last then return 'LOST' end
  last = tonumber(last)
  if sequence <= last then return 'DONE' end
  if sequence > last + 1 then return 'GAP' end
  call('HSET', process, 'seq', sequence)
  if ARGV[4] ~= '' then call('XTRIM', inbox, 'MINID', '~', ARGV[4]) end
  turn = sequence
  local answer = 'DONE'
  local i, n = 5, #ARGV
  while i <= n do
    local op = ARGV[i]
    if op == 'S' then
      send(caller, ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), ARGV[i + 4], ARGV[i + 5])
      i = i + 6
    elseif op == 'D' then
      done(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7], ARGV[i + 8], ARGV[i + 9])
      i = i + 10
    elseif op == 'J' then
      local count = tonumber(ARGV[i + 6])
      if not join(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], slice(i + 7, count)) then
        answer = 'GONE'
      end
      i = i + 7 + count
    elseif op == 'L' then
      local count = tonumber(ARGV[i + 3])
      local begun = {}
      for _, id in ipairs(slice(i + 4, count)) do begun[id] = true end
      leave(ARGV[i + 1], ARGV[i + 2], begun)
      i = i + 4 + count
    elseif op == 'X' then
      local count = tonumber(ARGV[i + 2])
      cut(ARGV[i + 1], slice(i + 3, count))
      i = i + 3 + count
    elseif op == 'C' then
      call('SET', PREFIX .. 'left:' .. caller .. ':' .. ARGV[i + 1], '', 'PX', ARGV[i + 2])
      i = i + 3
    elseif op == 'R' then
      reap(ARGV[i + 1])
      i = i + 2
    elseif op == 'Q' then
      reap(ARGV[i + 1])
      call('DEL', process, inbox)
      i = i + 2
    else
      return redis.error_reply('ERR unknown operation')
    end
  end
  writeFree()
  return answer
end

if ask == 'hello' then
  local worker, known, workerKnown = ARGV[3], ARGV[4] == '1', ARGV[5] == '1'
  local sequence = call('HGET', process, 'seq')
  if not sequence then
    if known then return { now, 'LOST', 0 } end
    sequence = 0
    call('HSET', process, 'seq', 0)
    call('XADD', inbox, '*', '0', '')
  end
  call('PEXPIRE', process, CALLER_MS)
  call('PEXPIRE', inbox, CALLER_MS)
  if workerKnown and not call('ZSCORE', WORKERS, worker) then return { now, 'GONE', tonumber(sequence) } end
  call('ZADD', WORKERS, heard(), worker)
  return { now, 'DONE', tonumber(sequence) }
end

-- beat
local worker = ARGV[3]
if not call('HGET', process, 'seq') then return { now, 'LOST', 0 } end
call('PEXPIRE', process, CALLER_MS)
call('PEXPIRE', inbox, CALLER_MS)
if ARGV[4] ~= '' then call('XTRIM', inbox, 'MINID', '=', ARGV[4]) end
local status = 'DONE'
if call('ZSCORE', WORKERS, worker) then call('ZADD', WORKERS, heard(), worker) else status = 'GONE' end
local more = 0
if ARGV[5] == '1' then
  local silent = call('ZRANGEBYSCORE', WORKERS, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 2)
  if silent[1] then
    -- Twice silent is dead: a clock that was put forward makes all seem so once.
    local suspected = string.find(silent[2], '.', 1, true)
    if not suspected then
      call('ZADD', WORKERS, math.floor(now + WORKER_MS / 2) + 0.5, silent[1])
    elseif reap(silent[1]) then
      more = 1
    end
    if silent[3] then more = 1 end
  end
end
sweep()
writeFree()
return { now, status, more }
`;
