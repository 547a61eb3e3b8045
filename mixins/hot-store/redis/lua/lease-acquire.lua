#!lua
-- Gives a lease to a holder when nobody else has it. Its token is greater than every earlier one: also when the leases were
-- lost, since it is never smaller than the time of day in microseconds.
--
-- KEYS[1]  the lease
-- ARGV[1]  who asks
-- ARGV[2]  milliseconds for which it is given
--
-- Returns the token, or nil when someone else has the lease.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'holder', 'token', 'expiresAt')
local token = tonumber(held[2] or 0)
local isLive = tonumber(held[3] or 0) > now
if isLive and held[1] ~= ARGV[1] then
  return false
end
if not isLive then
  token = math.max(token + 1, time[1] * 1000000 + time[2])
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'token', string.format('%.0f', token), 'expiresAt',
  string.format('%.0f', now + tonumber(ARGV[2])))
return token
