#!lua flags=allow-oom
-- Notes of messages of one conversation, in the order of their seqs, that they are in the log, are persisted, or were refused by
-- the log for good. The stable seq follows: all at or below it is in the log, persisted or void. A message that is noted twice
-- does no harm. Takes place when memory is full too, since what is persisted makes room.
--
-- KEYS[1]  the conversation            KEYS[2]  seqs logged ahead of the stable one
-- KEYS[3]  conversations with pending messages
-- KEYS[4]  its pending messages
-- then for each message: the message, and when they were refused its sender's known ids
-- ARGV[1]  `logged`, `persisted` or `refused`
-- ARGV[2]  run of the server           ARGV[3]  now (ms)
-- ARGV[4]  id of the conversation      ARGV[5]  ms for which a persisted message is kept
-- ARGV[6]  ms after which it is looked since when a conversation has pending messages
-- then for each message: seq, time of acceptance, message id, and when they were refused client message id
--
-- Returns the stable seq; -1 when the counter is lost, or when a logged message is not of its epoch: nothing was noted of logged
-- ones then, and none of them may be acknowledged.
local what, run, now, id = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local isRefused = what == 'refused'
local SHARED_KEYS, SHARED_ARGS, KEYS_EACH, ARGS_EACH = 4, 6, isRefused and 2 or 1, isRefused and 4 or 3
local count = (#ARGV - SHARED_ARGS) / ARGS_EACH
local counter = redis.call('HMGET', KEYS[1], 'run', 'base', 'seq', 'stable')
local isAlive = counter[1] == run
local base, head, stable = tonumber(counter[2] or 0), tonumber(counter[3] or 0), tonumber(counter[4] or 0)
local before = stable

local function isOurs(seq)
  return isAlive and seq > base and seq <= head
end

local function seqOf(stored)
  return string.match(stored or '', '^%d+ (%d+) ')
end

if what == 'logged' then
  for i = 1, count do
    if not isOurs(tonumber(ARGV[SHARED_ARGS + (i - 1) * ARGS_EACH + 1])) then
      return -1
    end
  end
end

for i = 1, count do
  local k, a = SHARED_KEYS + (i - 1) * KEYS_EACH, SHARED_ARGS + (i - 1) * ARGS_EACH
  local message, text = KEYS[k + 1], ARGV[a + 1]
  if what == 'logged' then
    if redis.call('EXISTS', message) == 1 then
      redis.call('SETRANGE', message, 0, now)
    end
  else
    local isPending = redis.call('ZREM', KEYS[4], ARGV[a + 2] .. ' ' .. ARGV[a + 3]) == 1
    if isPending and not isRefused then
      redis.call('PEXPIRE', message, ARGV[5])
    elseif isPending and seqOf(redis.call('GET', message)) == text then
      redis.call('DEL', message)
    end
    if isRefused and string.match(redis.call('HGET', KEYS[k + 2], ARGV[a + 4]) or '', '^(%d+) ') == text then
      redis.call('HDEL', KEYS[k + 2], ARGV[a + 4])
    end
  end
  local seq = tonumber(text)
  if isOurs(seq) then
    if seq == stable + 1 then
      stable = seq
    elseif seq > stable then
      redis.call('ZADD', KEYS[2], seq, seq)
    end
  end
end

if what ~= 'logged' then
  local oldest = redis.call('ZRANGE', KEYS[4], 0, 0)[1]
  local since = redis.call('ZSCORE', KEYS[3], id)
  if since and not oldest then
    redis.call('ZREM', KEYS[3], id)
  elseif since and tonumber(since) + tonumber(ARGV[6]) < tonumber(now) then
    redis.call('ZADD', KEYS[3], string.match(oldest, '^%d+'), id)
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
