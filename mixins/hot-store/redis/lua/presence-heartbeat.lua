#!lua
-- Heartbeats of connections of one gateway and one bucket. A connection of another gateway is left as it is.
--
-- KEYS[1]    the users of the bucket whose leaving is to be told
-- KEYS[2..]  for each connection: its user's connections
-- ARGV[1]    now (ms)
-- ARGV[2]    milliseconds without a heartbeat after which a connection is gone
-- ARGV[3]    milliseconds after which what is known of a user is forgotten
-- ARGV[4]    the gateway
-- ARGV[5..]  for each connection: the user's id and the connection's
--
-- Returns the places (from 1) of the connections that are not known and were not closed.
local now, ttl, keep, gateway = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local lost = {}
for i = 2, #KEYS do
  local userId, connectionId = ARGV[2 * i + 1], ARGV[2 * i + 2]
  local connection = redis.call('HGET', KEYS[i], 'c:' .. connectionId)
  if not connection then
    if redis.call('HEXISTS', KEYS[i], 'x:' .. connectionId) == 0 then
      table.insert(lost, i - 1)
    end
  elseif cjson.decode(connection).gatewayNodeId == gateway then
    redis.call('HSET', KEYS[i], 'h:' .. connectionId, now)
    redis.call('PEXPIRE', KEYS[i], keep)
    redis.call('ZADD', KEYS[1], 'GT', now + ttl, userId)
  end
end
return lost
