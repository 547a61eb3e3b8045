#!lua
-- Decides about messages of one conversation in their order, and takes those that may be taken: each gets the next seq, is
-- written as pending, and its client message id is known from then on. Once the answer to one is `c`, `e` or `u`, the later ones
-- get it too.
--
-- KEYS[1]  the conversation            KEYS[2]  its members
-- KEYS[3]  conversations with pending messages
-- KEYS[4]  its pending messages        KEYS[5]  seqs logged ahead of the stable one
-- then for each message: its sender's known ids, the message
-- ARGV[1]  run of the server           ARGV[2]  time of acceptance (ms)
-- ARGV[3]  id of the conversation      ARGV[4]  ids to keep of each sender
-- ARGV[5]  ms for which they are kept after the last one, at most twice as long
-- ARGV[6]  ids accepted after this time (ms) are kept in any case
-- ARGV[7]  how fast messages may come, or `-`: messages a second at most, at least, deliveries a second, ms of a burst
-- then for each message: client message id, fingerprint of its body, message id, sender, `s` when it is of the system or `-`,
-- what SQL says of the id (`u` unasked, `a` absent, else `<seq> <createdAt> <messageId> <bodyHash>`), what to store
-- Reads also messages that were accepted before: their keys are those of the new ones with other ids.
--
-- Returns { 1 when seqs run short or 0, then for each message:
--   its seq (taken) | { seq, createdAt, messageId, what was stored or nil when it is in the log } (repeated) | `x` (conflict) |
--   `t<ms>` too many, again after so long | `n` no member | `m` muted | `f` may not write | `b` has blocked the other |
--   `c` the conversation is not loaded, or its counter is lost | `e` no seq is left |
--   `u` only SQL knows whether the id was used; `u<seq>`: and of this sender only what came from this seq on is known here }
local SHARED_KEYS, SHARED_ARGS, KEYS_EACH, ARGS_EACH = 5, 7, 2, 7
local MOST_FIELDS, LOOK_EVERY = 500, 512
local run, now, id = ARGV[1], ARGV[2], ARGV[3]
local kept, keptMs, young = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local count = (#ARGV - SHARED_ARGS) / ARGS_EACH
local counter = redis.call('HMGET', KEYS[1], 'run', 'epoch', 'seq', 'top', 'low', 'stable', 'paid')
local epoch, seq, top, low = counter[2], tonumber(counter[3]), tonumber(counter[4]), tonumber(counter[5])
local stable = tonumber(counter[6])
local switches = redis.call('HGET', KEYS[2], '.')
local answers = { 0 }

if counter[1] ~= run or not switches or string.sub(switches, 3) ~= run then
  for i = 1, count do
    answers[i + 1] = 'c'
  end
  return answers
end
local allMuted, dissolved = string.sub(switches, 1, 1) == '1', string.sub(switches, 2, 2) == '1'
local hadPending = redis.call('EXISTS', KEYS[4]) == 1

-- The clock of the server, since those of nodes differ. `paidUntil`: when the messages would end if each came at its interval.
local interval, burst, clock, paidUntil
if ARGV[7] ~= '-' then
  local most, least, deliveries, burstMs = string.match(ARGV[7], '^(%S+) (%S+) (%S+) (%S+)$')
  local members = math.max(1, redis.call('HLEN', KEYS[2]) - 1)
  local time = redis.call('TIME')
  clock = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  interval = 1000 / math.max(tonumber(least), math.min(tonumber(most), tonumber(deliveries) / members))
  burst = math.max(tonumber(burstMs), interval)
  paidUntil = math.max(clock, math.min(tonumber(counter[7]) or 0, clock + burst))
end
local paidBefore = paidUntil

-- Milliseconds in a UUIDv7, nil for other ids. Equal ids have equal times, whatever their makers' clocks say.
local function timeOf(key)
  if #key == 36 and string.sub(key, 15, 15) == '7' then
    return tonumber(string.sub(key, 1, 8) .. string.sub(key, 10, 13), 16)
  end
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

-- What is known of an id whose message has been pending for longer than its sender's ids are kept.
local function longPending(sender, key, prefix)
  local at = 0
  while true do
    local oldest = redis.call('ZRANGE', KEYS[4], at, at)[1]
    if not oldest then
      return false
    end
    local acceptedAt, messageId = string.match(oldest, '^(%d+) (.*)$')
    if tonumber(acceptedAt) + keptMs > tonumber(now) then
      return false
    end
    local its, since, hash, stored = string.match(redis.call('GET', prefix .. messageId) or '', '^%d+ (%d+) (%d+) (%S*) (.*)$')
    local head = '["' .. id .. '","' .. messageId .. '","' .. sender .. '","' .. key .. '",'
    if its and string.sub(stored, 1, #head) == head then
      return its .. ' ' .. since .. ' ' .. messageId .. ' ' .. hash
    end
    at = at + 1
  end
end

-- Drops a sender's oldest ids, many at once and so rarely, also when nothing can be dropped; none that SQL may not have yet.
local function forget(known, length, bound)
  local pending = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2]
  local fields = redis.call('HGETALL', known)
  local old = {}
  for f = 1, #fields, 2 do
    if string.sub(fields[f], 1, 1) ~= ' ' then
      local its, acceptedAt = string.match(fields[f + 1], '^(%d+) (%d+) ')
      its = tonumber(its)
      if tonumber(acceptedAt) <= young and not (pending and its >= tonumber(pending)) then
        old[#old + 1] = { its, fields[f] }
      end
    end
  end
  table.sort(old, function(a, b)
    return a[1] < b[1]
  end)
  local last = math.min(#old, length - kept)
  for first = 1, last, MOST_FIELDS do
    local keys = {}
    for o = first, math.min(last, first + MOST_FIELDS - 1) do
      keys[#keys + 1] = old[o][2]
      bound = math.max(bound, timeOf(old[o][2]) or 0)
    end
    redis.call('HDEL', known, unpack(keys))
  end
  if last > 0 then
    redis.call('HSET', known, ' from', old[last][1] + 1, ' until', string.format('%.0f', bound))
  end
end

local function take(known, message, isKnown, key, hash, messageId, stored)
  seq = seq + 1
  local its = tostring(seq)
  redis.call('HSET', KEYS[1], 'seq', its)
  redis.call('SET', message, '0000000000000 ' .. its .. ' ' .. now .. ' ' .. hash .. ' ' .. stored)
  redis.call('ZADD', KEYS[4], its, now .. ' ' .. messageId)
  if not hadPending then
    redis.call('ZADD', KEYS[3], now, id)
    hadPending = true
  end
  local info = its .. ' ' .. now .. ' ' .. messageId .. ' ' .. hash
  if isKnown then
    redis.call('HSET', known, key, info)
  else
    redis.call('HSET', known, key, info, ' epoch', epoch, ' born', its)
  end
  if redis.call('PTTL', known) < keptMs then
    redis.call('PEXPIRE', known, 2 * keptMs)
  end
end

local held
for i = 1, count do
  local k, a = SHARED_KEYS + (i - 1) * KEYS_EACH, SHARED_ARGS + (i - 1) * ARGS_EACH
  local known, message = KEYS[k + 1], KEYS[k + 2]
  local key, hash, messageId, sender, inSql = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4], ARGV[a + 6]
  local prefix = string.sub(message, 1, -#messageId - 1)
  local answer = held
  if not answer then
    local entry = redis.call('HMGET', known, key, ' epoch', ' from', ' until', ' born')
    if entry[2] and entry[2] ~= epoch then
      redis.call('DEL', known)
      entry = { false, false, false, false, false }
    end
    local from, bound = tonumber(entry[3]), tonumber(entry[4])
    local first = entry[1] or (not entry[2] and hadPending and longPending(sender, key, prefix)) or (#inSql > 1 and inSql)
    if first then
      local its, acceptedAt, firstId, firstHash = string.match(first, '^(%d+) (%d+) (%S+) (.*)$')
      its = tonumber(its)
      if firstHash ~= hash then
        answer = 'x'
      else
        local isLogged = its <= stable or redis.call('ZSCORE', KEYS[5], its)
        answer = { its, tonumber(acceptedAt), firstId, not isLogged and redis.call('GET', prefix .. firstId) }
      end
    elseif inSql == 'u' and (not from or (from > 0 and (timeOf(key) or 0) <= bound)) then
      held = 'u' .. (from and '' or entry[5] or '')
      answer = held
    else
      local bySystem = ARGV[a + 5] == 's'
      answer = not bySystem and refusal(sender)
      if not answer and interval and not bySystem then
        local early = paidUntil + interval - clock - burst
        if early > 0 then
          answer = 't' .. math.ceil(early)
        elseif seq < top then
          paidUntil = paidUntil + interval
        end
      end
      if not answer and seq >= top then
        held = 'e'
        answer = held
      end
    end
    if not answer then
      take(known, message, entry[2], key, hash, messageId, ARGV[a + 7])
      local length = from and redis.call('HLEN', known) or 0
      if length > 2 * kept and length % LOOK_EVERY == 0 then
        forget(known, length, bound)
      end
      answer = seq
    end
  end
  answers[i + 1] = answer
end
if paidUntil ~= paidBefore then
  redis.call('HSET', KEYS[1], 'paid', string.format('%.3f', paidUntil))
end
if seq >= low then
  answers[1] = 1
end
return answers
