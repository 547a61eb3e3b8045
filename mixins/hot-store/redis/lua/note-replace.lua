#!lua
-- Replaces a note that is still there.
--
-- KEYS[1]  the note
-- ARGV[1]  what it says           ARGV[2]  what it is to say
--
-- Returns 1, or 0 when it is gone or says something else.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
