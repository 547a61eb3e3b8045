#!lua
-- Replaces the members of a conversation, unless someone changed them since they were read.
--
-- KEYS[1]  its members                 KEYS[2]  their generation
-- KEYS[3]  the conversation            KEYS[4]  members that were brought before
-- ARGV[1]  run of the server           ARGV[2]  the generation that was read
-- ARGV[3]  switches: `0` or `1` for all muted, the same for dissolved
-- ARGV[4]  ms for which they are kept
-- ARGV[5]  how many were brought before; 0: none
-- then for each other member: user, state
--
-- Returns 0 when they were changed or some of those that were brought are lost, 1 when they are loaded and the conversation has no
-- seq to give, 2 when it has.
local brought = tonumber(ARGV[5])
if redis.call('GET', KEYS[2]) ~= ARGV[2] or redis.call('HLEN', KEYS[4]) ~= brought then
  redis.call('UNLINK', KEYS[4])
  return 0
end
redis.call('UNLINK', KEYS[1])
if brought > 0 then
  redis.call('RENAME', KEYS[4], KEYS[1])
end
redis.call('HSET', KEYS[1], '.', ARGV[3] .. ARGV[1])
for i = 6, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local counter = redis.call('HMGET', KEYS[3], 'run', 'seq', 'top')
return counter[1] == ARGV[1] and tonumber(counter[2]) < tonumber(counter[3]) and 2 or 1
