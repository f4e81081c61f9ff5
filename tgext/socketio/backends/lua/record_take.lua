-- Takes a record from another process.
--
-- KEYS[1]  the record: see record_write.lua
-- ARGV[1]  the process that has it
-- ARGV[2]  the process that takes it
-- ARGV[3]  the milliseconds for which it is valid
-- returns  its text; nothing if the first process does not have it any more

-- An error: its key has another type of value, and is no record.
if redis.pcall('HGET', KEYS[1], 'owner') ~= ARGV[1] then
  return false
end
redis.call('HSET', KEYS[1], 'owner', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('HGET', KEYS[1], 'text')
