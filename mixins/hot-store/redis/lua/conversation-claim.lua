#!lua
-- Gives one node the right to begin an epoch of a conversation that has no seq to give.
--
-- KEYS[1]  the conversation            KEYS[2]  the claim
-- ARGV[1]  run of the server           ARGV[2]  token of who asks
-- ARGV[3]  ms for which the claim holds
--
-- Returns 1 when it is given, 0 when someone else has it, 2 when the conversation can give seqs.
local counter = redis.call('HMGET', KEYS[1], 'run', 'seq', 'top')
if counter[1] == ARGV[1] and tonumber(counter[2]) < tonumber(counter[3]) then
  return 2
end
return redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) and 1 or 0
