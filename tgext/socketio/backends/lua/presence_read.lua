-- Reads the table of a process.
--
-- KEYS[1]  the table: see presence_write.lua
-- returns  the milliseconds for which it is valid, and its fields: reference, entry,
--          reference, entry, …, among them the number; none if it is gone

local fields = redis.pcall('HGETALL', KEYS[1])
if fields.err then
  fields = {}  -- the key has another type of value: there is no table
end
return {redis.call('PTTL', KEYS[1]), fields}
