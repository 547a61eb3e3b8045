#!lua
-- Gives a conversation the seqs that were reserved for its epoch; or takes its counter away, when another epoch has begun
-- elsewhere.
--
-- KEYS[1]  the conversation
-- ARGV[1]  its epoch
-- ARGV[2]  the last seq that is reserved; `-` takes the counter away
-- ARGV[3]  from this seq on more are to be reserved
--
-- Returns 1, or 0 when the conversation is in another epoch or has them already.
local counter = redis.call('HMGET', KEYS[1], 'epoch', 'top')
if counter[1] ~= ARGV[1] then
  return 0
end
if ARGV[2] == '-' then
  redis.call('HDEL', KEYS[1], 'run')
  return 1
end
if tonumber(ARGV[2]) <= tonumber(counter[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'top', ARGV[2], 'low', ARGV[3])
return 1
