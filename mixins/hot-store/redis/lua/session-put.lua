#!lua
-- Keeps a live session, unless it is known to have ended: who read it from SQL before must not bring it back.
--
-- KEYS[1]  the session
-- ARGV[1]  the session as JSON
-- ARGV[2]  milliseconds to keep it
--
-- Returns 1 when it is kept, 0 when it has ended.
if redis.call('GET', KEYS[1]) == 'ended' then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
