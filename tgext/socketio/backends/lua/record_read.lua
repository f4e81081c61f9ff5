-- Reads a record.
--
-- KEYS[1]  the record: see record_write.lua
-- returns  the process that has it, and its text; twice nothing without the record

if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then
  return {false, false}
end
return redis.call('HMGET', KEYS[1], 'owner', 'text')
