#!lua
-- Prolongs a lease. A holder that comes late keeps it as long as nobody else took it.
--
-- KEYS[1]  the lease
-- ARGV[1]  its holder
-- ARGV[2]  its token
-- ARGV[3]  milliseconds for which it is given; 0 gives it back
--
-- Returns 1, or 0 when it was lost.
local held = redis.call('HMGET', KEYS[1], 'holder', 'token')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then
  return 0
end
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], 'holder', 'expiresAt')
  return 1
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'expiresAt', string.format('%.0f', now + tonumber(ARGV[3])))
return 1
