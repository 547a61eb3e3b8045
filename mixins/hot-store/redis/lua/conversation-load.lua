#!lua
-- Replaces the members of a conversation, unless someone changed them since they were read.
--
-- KEYS[1]  its members                 KEYS[2]  their generation
-- KEYS[3]  the conversation
-- ARGV[1]  run of the server           ARGV[2]  the generation that was read
-- ARGV[3]  switches: `0` or `1` for all muted, the same for dissolved
-- ARGV[4]  ms for which they are kept
-- then for each member: user, state
--
-- Returns 0 when they were changed, 1 when they are loaded and the conversation has no seq to give, 2 when it has.
if redis.call('GET', KEYS[2]) ~= ARGV[2] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '.', ARGV[3] .. ARGV[1])
for i = 5, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local counter = redis.call('HMGET', KEYS[3], 'run', 'seq', 'top')
return counter[1] == ARGV[1] and tonumber(counter[2]) < tonumber(counter[3]) and 2 or 1
