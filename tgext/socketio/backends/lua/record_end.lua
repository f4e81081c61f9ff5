-- Removes records, without those that another process has.
--
-- KEYS     the records: see record_write.lua
-- ARGV[1]  the process that removes them

for _, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'owner') == ARGV[1] then
    redis.call('DEL', key)
  end
end
return 0
