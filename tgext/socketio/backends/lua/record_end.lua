-- Removes records, without those that another process has.
--
-- KEYS     the records: see record_write.lua
-- ARGV[1]  the process that removes them

for _, key in ipairs(KEYS) do
  -- An error: its key has another type of value, and is no record.
  if redis.pcall('HGET', key, 'owner') == ARGV[1] then
    redis.call('DEL', key)
  end
end
return 0
