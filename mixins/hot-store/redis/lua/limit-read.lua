#!lua flags=no-writes
-- Reads a counter.
--
-- KEYS[1]  the counter
--
-- Returns { points counted in the window that runs, milliseconds (at least 1) until it is over }; { 0, 0 } when none runs.
local count = redis.call('GET', KEYS[1])
if not count then
  return { 0, 0 }
end
return { tonumber(count), math.max(1, redis.call('PTTL', KEYS[1])) }
