/** What processes ask for: the part of the script that reads arguments and answers. See {@link busScript}. */
export const SCRIPT_REQUESTS = `
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
  local answer, failures = 'DONE', {}
  local function failed(place, why)
    failures[#failures + 1] = place
    failures[#failures + 1] = type(why) == 'table' and why.err or tostring(why)
  end
  transit = now - (tonumber(ARGV[5]) or now)
  if not (transit > 0) then transit = 0 end
  local i, n, at = 6, #ARGV, 0
  while i <= n do
    local op = ARGV[i]
    -- The batch counts as done: a step that fails must not take the others along.
    local ok, result = true, nil
    if op == 'S' then
      ok, result = pcall(send, caller, ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), ARGV[i + 4], ARGV[i + 5])
      i = i + 6
    elseif op == 'D' then
      ok, result = pcall(done, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7], ARGV[i + 8], ARGV[i + 9])
      i = i + 10
    elseif op == 'J' then
      local count = tonumber(ARGV[i + 6])
      ok, result = pcall(join, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], slice(i + 7, count))
      if ok and not result then answer = 'GONE' end
      i = i + 7 + count
    elseif op == 'L' then
      local count = tonumber(ARGV[i + 3])
      local begun = {}
      for _, id in ipairs(slice(i + 4, count)) do begun[id] = true end
      ok, result = pcall(leave, ARGV[i + 1], ARGV[i + 2], begun)
      i = i + 4 + count
    elseif op == 'X' then
      local count = tonumber(ARGV[i + 2])
      ok, result = pcall(cut, ARGV[i + 1], slice(i + 3, count))
      i = i + 3 + count
    elseif op == 'C' then
      ok, result = pcall(left, caller, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
      i = i + 5
    elseif op == 'R' then
      ok, result = pcall(reap, ARGV[i + 1])
      i = i + 2
    elseif op == 'Q' then
      ok, result = pcall(reap, ARGV[i + 1])
      call('DEL', process, inbox)
      i = i + 2
    elseif op == 'P' then
      i = i + 1
    else
      return redis.error_reply('ERR unknown operation')
    end
    if not ok then failed(at, result) end
    at = at + 1
  end
  writeFree()
  local why = writeAllTold()
  if why then failed(at, why) end
  if #failures > 0 then return { answer, unpack(failures) } end
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
writeAllTold()
return { now, status, more }
`;
