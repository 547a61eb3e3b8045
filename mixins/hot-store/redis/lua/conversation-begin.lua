#!lua
-- Begins an epoch of a conversation. Only whoever holds the claim may: a call that was held up on its way does nothing, since
-- SQL may have gone on without it. What is pending of an earlier epoch was never acknowledged, its seqs are void or it is in SQL:
-- it is dropped.
--
-- KEYS[1]  the conversation            KEYS[2]  seqs logged ahead of the stable one
-- KEYS[3]  conversations with pending messages
-- KEYS[4]  its pending messages        KEYS[5]  the claim
-- KEYS[6]  key of a message of the bucket, without its id: those that are dropped have such keys
-- ARGV[1]  token of the claim          ARGV[2]  run of the server
-- ARGV[3]  the epoch                   ARGV[4]  the seq behind which it begins
-- ARGV[5]  the last seq that is reserved
-- ARGV[6]  from this seq on more are to be reserved
-- ARGV[7]  id of the conversation
--
-- Returns 1, or 0 when the claim was lost.
if redis.call('GET', KEYS[5]) ~= ARGV[1] then
  return 0
end
for _, entry in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
  redis.call('DEL', KEYS[6] .. string.match(entry, '%S+$'))
end
redis.call('ZREM', KEYS[3], ARGV[7])
redis.call('HSET', KEYS[1], 'run', ARGV[2], 'epoch', ARGV[3], 'base', ARGV[4], 'seq', ARGV[4], 'stable', ARGV[4],
  'top', ARGV[5], 'low', ARGV[6])
redis.call('DEL', KEYS[2], KEYS[4], KEYS[5])
return 1
