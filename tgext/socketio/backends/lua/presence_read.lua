-- Reads the table of a process.
--
-- KEYS[1]  the table: see presence_write.lua
-- returns  the milliseconds for which it is valid, and its fields: reference, entry,
--          reference, entry, …, among them the number; none if it is gone

return {redis.call('PTTL', KEYS[1]), redis.call('HGETALL', KEYS[1])}
