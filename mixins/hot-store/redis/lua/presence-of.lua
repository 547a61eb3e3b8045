#!lua flags=no-writes
-- Reads what is known of users of one bucket.
--
-- KEYS  for each user: the user's connections
--
-- Returns for each user the fields and values of the hash, one after the other.
local found = {}
for i, key in ipairs(KEYS) do
  found[i] = redis.call('HGETALL', key)
end
return found
