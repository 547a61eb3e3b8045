#!lua
-- Adds to the client message ids that are known of a sender those that SQL has from before, so that it need not be asked for each
-- message.
--
-- KEYS[1]  the sender's known ids
-- ARGV[1]  the seq since which they are known: when it is another one, they were dropped since SQL was asked
-- ARGV[2]  0 when these are all; else those from this seq on
-- ARGV[3]  no older one is a UUIDv7 of after this time (ms)
-- then for each id: the id, `<seq> <createdAt> <messageId> <bodyHash>`
--
-- Returns 1, or 0 when they are complete already or were dropped.
local state = redis.call('HMGET', KEYS[1], ' born', ' from')
if state[1] ~= ARGV[1] or state[2] then
  return 0
end
for i = 4, #ARGV, 2 do
  redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('HSET', KEYS[1], ' from', ARGV[2], ' until', ARGV[3])
return 1
