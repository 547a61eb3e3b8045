#!lua
-- Decides about messages of one conversation in their order, and takes those that may be taken: each gets the next seq, is
-- written as pending, and its client message id is known from then on. Once the answer to one is `c`, `e` or `u`, the
-- later ones get it too.
--
-- KEYS[1]  the conversation            KEYS[2]  its members
-- KEYS[3]  pending messages            KEYS[4]  those of the conversation
-- KEYS[5]  seqs logged ahead of the stable one
-- then for each message: its sender's known ids, their order, the message
-- ARGV[1]  run of the server           ARGV[2]  time of acceptance (ms)
-- ARGV[3]  id of the conversation      ARGV[4]  ids to keep of each sender
-- ARGV[5]  ids accepted after this time (ms) are kept in any case
-- then for each message: client message id, fingerprint of its body, message id, sender, `s` when it is of the system or `-`,
-- what SQL says of the id (`u` unasked, `a` absent, else `<seq> <createdAt> <messageId> <bodyHash>`), what to store
-- Reads also the message that was accepted first under a repeated id: its key is that of the new message with its own id.
--
-- Returns { 1 when seqs run short or 0, then for each message:
--   its seq (taken) | { seq, createdAt, messageId, what was stored or nil when it is in the log } (repeated) | `x` (conflict) |
--   `n` no member | `m` muted | `f` may not write | `b` has blocked the other |
--   `c` the conversation is not loaded, or its counter is lost | `e` no seq is left |
--   `u` only SQL knows whether the id was used; `u<seq>`: and of this sender only what came from this seq on is known here }
local SHARED_KEYS, SHARED_ARGS, KEYS_EACH, ARGS_EACH = 5, 5, 3, 7
local run, now, id, kept, young = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local count = (#ARGV - SHARED_ARGS) / ARGS_EACH
local counter = redis.call('HMGET', KEYS[1], 'run', 'epoch', 'seq', 'top', 'low')
local epoch, seq, top, low = counter[2], tonumber(counter[3]), tonumber(counter[4]), tonumber(counter[5])
local switches = redis.call('HGET', KEYS[2], '.')
local answers = { 0 }

if counter[1] ~= run or not switches or string.sub(switches, 3) ~= run then
  for i = 1, count do
    answers[i + 1] = 'c'
  end
  return answers
end
local allMuted, dissolved = string.sub(switches, 1, 1) == '1', string.sub(switches, 2, 2) == '1'

-- Milliseconds in a UUIDv7, nil for other ids. Equal ids have equal times, whatever their makers' clocks say.
local function timeOf(key)
  if #key == 36 and string.sub(key, 15, 15) == '7' then
    return tonumber(string.sub(key, 1, 8) .. string.sub(key, 10, 13), 16)
  end
end

local function isLogged(one)
  return one <= tonumber(redis.call('HGET', KEYS[1], 'stable')) or redis.call('ZSCORE', KEYS[5], one)
end

local function refusal(sender)
  local member = not dissolved and redis.call('HGET', KEYS[2], sender)
  if not member then
    return 'n'
  end
  local refused = string.sub(member, 2, 2)
  if refused ~= '-' then
    return refused
  end
  local isMuted = tonumber(string.sub(member, 3)) > tonumber(now) or (allMuted and string.sub(member, 1, 1) == 'm')
  return isMuted and 'm'
end

-- Drops old ids, two for each new one, so that a burst is worked off; never one that SQL may not have yet.
local function forget(known, order, length, from, bound)
  for _ = 1, math.min(2, length - kept) do
    local oldSeq, oldKey = string.match(redis.call('LINDEX', order, 0), '^(%d+) (.*)$')
    local info = redis.call('HGET', known, oldKey)
    local infoSeq, at, messageId
    if info then
      infoSeq, at, messageId = string.match(info, '^(%d+) (%d+) (%S+)')
    end
    if infoSeq == oldSeq then
      if tonumber(at) > young or redis.call('ZSCORE', KEYS[4], messageId) == oldSeq then
        return
      end
      from, bound = tonumber(oldSeq) + 1, math.max(bound, timeOf(oldKey) or 0)
      redis.call('HDEL', known, oldKey)
      redis.call('HSET', known, ' from', from, ' until', string.format('%.0f', bound))
    end
    redis.call('LPOP', order)
  end
end

local held
for i = 1, count do
  local k, a = SHARED_KEYS + (i - 1) * KEYS_EACH, SHARED_ARGS + (i - 1) * ARGS_EACH
  local known, order, message = KEYS[k + 1], KEYS[k + 2], KEYS[k + 3]
  local key, hash, messageId, inSql = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 6]
  local answer = held
  if not answer then
    local entry = redis.call('HMGET', known, key, ' epoch', ' from', ' until', ' pending', ' born')
    if entry[2] and entry[2] ~= epoch then
      redis.call('DEL', known, order)
      entry = { false, false, false, false, false, false }
    end
    local from, bound = tonumber(entry[3]), tonumber(entry[4])
    local first = entry[1] or (#inSql > 1 and inSql)
    if first then
      local firstSeq, at, firstId, firstHash = string.match(first, '^(%d+) (%d+) (%S+) (.*)$')
      if firstHash ~= hash then
        answer = 'x'
      else
        firstSeq = tonumber(firstSeq)
        local stored = not isLogged(firstSeq) and redis.call('GET', string.sub(message, 1, -#messageId - 1) .. firstId)
        answer = { firstSeq, tonumber(at), firstId, stored }
      end
    elseif inSql == 'u' and (not from or (from > 0 and (timeOf(key) or 0) <= bound)) then
      held = 'u' .. (from and '' or entry[6] or '')
      answer = held
    else
      answer = ARGV[a + 5] ~= 's' and refusal(ARGV[a + 4])
      if not answer and seq >= top then
        held = 'e'
        answer = held
      end
    end
    if not answer then
      seq = seq + 1
      redis.call('HSET', KEYS[1], 'seq', seq)
      redis.call('SET', message, '0000000000000 ' .. seq .. ' ' .. now .. ' ' .. ARGV[a + 7])
      redis.call('ZADD', KEYS[3], now, id .. ' ' .. seq .. ' ' .. messageId)
      redis.call('ZADD', KEYS[4], seq, messageId)
      local info = seq .. ' ' .. now .. ' ' .. messageId .. ' ' .. hash
      local pending = tonumber(entry[5] or 0)
      if entry[2] then
        redis.call('HSET', known, key, info, ' pending', pending + 1)
      else
        redis.call('HSET', known, key, info, ' pending', 1, ' epoch', epoch, ' born', seq)
      end
      local length = redis.call('RPUSH', order, seq .. ' ' .. key)
      if pending == 0 and entry[2] then
        redis.call('PERSIST', known)
        redis.call('PERSIST', order)
      end
      if length > kept and from then
        forget(known, order, length, from, bound)
      end
      answer = seq
    end
  end
  answers[i + 1] = answer
end
if seq >= low then
  answers[1] = 1
end
return answers
