#!lua
-- One change of a user's presence. Whatever it is, connections without a heartbeat are dropped first.
--
-- KEYS[1]  the user's connections
-- KEYS[2]  the users of the bucket whose leaving is to be told
-- ARGV[1]  connect, disconnect, arrival or departure
-- ARGV[2]  the user's id
-- ARGV[3]  now (ms)
-- ARGV[4]  milliseconds without a heartbeat after which a connection is gone
-- ARGV[5]  milliseconds after which what is known of the user is forgotten
-- ARGV[6]  connect, disconnect: the connection's id
-- ARGV[7]  connect: the connection as JSON
-- ARGV[8]  connect: how many live connections the user may have
--
-- Returns
--   connect     0 refused, 1 taken, 2 taken and the user was offline
--   disconnect  1 when the user is offline now, else 0
--   arrival     1 when the user is online and the caller is the one to tell, else 0
--   departure   1 when the user is offline and the caller is the one to tell, else 0
local change, userId, connectionId = ARGV[1], ARGV[2], ARGV[6]
local now, ttl = tonumber(ARGV[3]), tonumber(ARGV[4])

local beats, closed, isShown = {}, {}, false
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local kind, id = fields[i]:sub(1, 2), fields[i]:sub(3)
  if kind == 'h:' then
    beats[id] = tonumber(fields[i + 1])
  elseif kind == 'x:' then
    closed[id] = tonumber(fields[i + 1])
  elseif fields[i] == 'shown' then
    isShown = true
  end
end

if change == 'disconnect' and beats[connectionId] then
  beats[connectionId] = now
end

local known, live, newest, newestLive = 0, 0, 0, 0
for id, beat in pairs(beats) do
  known = known + 1
  newest = math.max(newest, beat)
  if beat + ttl <= now then
    redis.call('HDEL', KEYS[1], 'c:' .. id, 'h:' .. id)
    beats[id] = nil
  else
    live = live + 1
    if id ~= connectionId then
      newestLive = math.max(newestLive, beat)
    end
  end
end
for id, at in pairs(closed) do
  if at + ttl <= now then
    redis.call('HDEL', KEYS[1], 'x:' .. id)
    closed[id] = nil
  end
end
if known > 0 and live == 0 then
  redis.call('HSET', KEYS[1], 'seen', newest)
end

local function offlineAt(time)
  redis.call('ZADD', KEYS[2], time, userId)
end

if change == 'connect' then
  local others = live - (beats[connectionId] and 1 or 0)
  if closed[connectionId] or others >= tonumber(ARGV[8]) then
    return 0
  end
  redis.call('HSET', KEYS[1], 'c:' .. connectionId, ARGV[7], 'h:' .. connectionId, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  offlineAt(math.max(newestLive, now) + ttl)
  return others == 0 and 2 or 1
end

if change == 'disconnect' then
  local wasKnown = beats[connectionId] ~= nil
  redis.call('HDEL', KEYS[1], 'c:' .. connectionId, 'h:' .. connectionId)
  redis.call('HSET', KEYS[1], 'x:' .. connectionId, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  if not wasKnown then
    return 0
  end
  if live > 1 then
    offlineAt(newestLive + ttl)
    return 0
  end
  redis.call('HSET', KEYS[1], 'seen', ARGV[3])
  if isShown then
    offlineAt(now)
  else
    redis.call('ZREM', KEYS[2], userId)
  end
  return 1
end

if change == 'arrival' then
  if live == 0 or isShown then
    return 0
  end
  redis.call('HSET', KEYS[1], 'shown', 1)
  return 1
end

if live > 0 then
  offlineAt(newestLive + ttl)
  return 0
end
redis.call('ZREM', KEYS[2], userId)
return redis.call('HDEL', KEYS[1], 'shown')
