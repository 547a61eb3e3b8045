#!lua
-- Keeps what was said last of a key for a time.
--
-- KEYS[1]  what was said
-- ARGV[1]  what is said now
-- ARGV[2]  milliseconds for which it is kept
--
-- Returns 1 when it is something else, or the time is over, and is kept from now on, else 0.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
