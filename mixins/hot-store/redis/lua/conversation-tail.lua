#!lua flags=no-writes
-- Reads the messages of a conversation that are stable and not known to be persisted.
--
-- KEYS[1]  the conversation            KEYS[2]  its pending messages
-- KEYS[3]  key of a message of the bucket, without its id: those that are read have such keys
-- ARGV[1]  run of the server
--
-- Returns what is stored of each, by seq; nothing when the counter is lost.
local counter = redis.call('HMGET', KEYS[1], 'run', 'stable')
local found = {}
if counter[1] == ARGV[1] then
  for _, entry in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', counter[2], 'BYSCORE')) do
    local stored = redis.call('GET', KEYS[3] .. string.match(entry, '%S+$'))
    if stored then
      found[#found + 1] = stored
    end
  end
end
return found
