#!lua
-- Counts points in a fixed window, which begins with the first points of a key.
--
-- KEYS[1]  the counter
-- ARGV[1]  points
-- ARGV[2]  length of the window in milliseconds
--
-- Returns { points counted in the window, milliseconds until it is over }.
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
return { count, left }
