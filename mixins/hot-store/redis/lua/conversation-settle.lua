#!lua flags=allow-oom
-- Notes of messages of one conversation, in the order of their seqs, that they are in the log, are persisted, or were refused by
-- the log for good. The stable seq follows: all at or below it is in the log, persisted or void. A message that is noted twice
-- does no harm. Takes place when memory is full too, since what is persisted makes room.
--
-- KEYS[1]  the conversation            KEYS[2]  seqs logged ahead of the stable one
-- KEYS[3]  pending messages            KEYS[4]  those of the conversation
-- then for each message: the message, its sender's known ids, their order
-- ARGV[1]  `logged`, `persisted` or `refused`
-- ARGV[2]  run of the server           ARGV[3]  now (ms)
-- ARGV[4]  id of the conversation      ARGV[5]  ms for which a persisted message is kept
-- ARGV[6]  ms for which the ids of a sender are kept after nothing of them is pending
-- then for each message: seq, message id, client message id
--
-- Returns the stable seq; -1 when the counter is lost, or when a logged message is not of its epoch: nothing was noted of logged
-- ones then, and none of them may be acknowledged.
local SHARED_KEYS, SHARED_ARGS, KEYS_EACH, ARGS_EACH = 4, 6, 3, 3
local what, run, now, id = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local count = (#ARGV - SHARED_ARGS) / ARGS_EACH
local counter = redis.call('HMGET', KEYS[1], 'run', 'base', 'seq', 'stable')
local isAlive = counter[1] == run
local base, head, stable = tonumber(counter[2] or 0), tonumber(counter[3] or 0), tonumber(counter[4] or 0)
local before = stable

local function isOurs(seq)
  return isAlive and seq > base and seq <= head
end

if what == 'logged' then
  for i = 1, count do
    if not isOurs(tonumber(ARGV[SHARED_ARGS + (i - 1) * ARGS_EACH + 1])) then
      return -1
    end
  end
end

-- It is counted once, however often it is told.
local function endPending(seq, messageId, message, known, order)
  if redis.call('ZREM', KEYS[3], id .. ' ' .. seq .. ' ' .. messageId) == 0 then
    return
  end
  if redis.call('ZSCORE', KEYS[4], messageId) == seq then
    redis.call('ZREM', KEYS[4], messageId)
  end
  local left = redis.call('HINCRBY', known, ' pending', -1)
  if left < 0 then
    redis.call('HDEL', known, ' pending')
  elseif left == 0 then
    redis.call('PEXPIRE', known, ARGV[6])
    redis.call('PEXPIRE', order, ARGV[6])
  end
  if what == 'persisted' then
    redis.call('PEXPIRE', message, ARGV[5])
  elseif string.match(redis.call('GET', message) or '', '^%d+ (%d+) ') == seq then
    redis.call('DEL', message)
  end
end

for i = 1, count do
  local k, a = SHARED_KEYS + (i - 1) * KEYS_EACH, SHARED_ARGS + (i - 1) * ARGS_EACH
  local message, known = KEYS[k + 1], KEYS[k + 2]
  local text = ARGV[a + 1]
  local seq = tonumber(text)
  if what == 'logged' then
    if redis.call('EXISTS', message) == 1 then
      redis.call('SETRANGE', message, 0, now)
    end
  else
    endPending(text, ARGV[a + 2], message, known, KEYS[k + 3])
    if what == 'refused' and string.match(redis.call('HGET', known, ARGV[a + 3]) or '', '^(%d+) ') == text then
      redis.call('HDEL', known, ARGV[a + 3])
    end
  end
  if isOurs(seq) then
    if seq == stable + 1 then
      stable = seq
    elseif seq > stable then
      redis.call('ZADD', KEYS[2], seq, seq)
    end
  end
end

if stable ~= before then
  local ahead = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  while ahead and tonumber(ahead) <= stable + 1 do
    redis.call('ZREM', KEYS[2], ahead)
    stable = math.max(stable, tonumber(ahead))
    ahead = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  end
  redis.call('HSET', KEYS[1], 'stable', stable)
end
return isAlive and stable or -1
