#!lua
-- Changes the named members of a conversation and its switches, unless someone changed them since they were read. Of one that is
-- not loaded only the generation moves on.
--
-- KEYS[1]  its members                 KEYS[2]  their generation
-- ARGV[1]  run of the server           ARGV[2]  the generation that was read
-- ARGV[3]  the next generation         ARGV[4]  ms for which it is kept
-- ARGV[5]  all muted: `0`, `1`, or `-` to leave it    ARGV[6]  dissolved: the same
-- then for each member: user, state or `-` to remove them
--
-- Returns 0 when they were changed, else 1.
if redis.call('GET', KEYS[2]) ~= ARGV[2] then
  return 0
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
local switches = redis.call('HGET', KEYS[1], '.')
if not switches or string.sub(switches, 3) ~= ARGV[1] then
  return 1
end
local allMuted = ARGV[5] == '-' and string.sub(switches, 1, 1) or ARGV[5]
local dissolved = ARGV[6] == '-' and string.sub(switches, 2, 2) or ARGV[6]
redis.call('HSET', KEYS[1], '.', allMuted .. dissolved .. ARGV[1])
for i = 7, #ARGV, 2 do
  if ARGV[i + 1] == '-' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
return 1
