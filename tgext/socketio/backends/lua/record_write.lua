-- Writes records, without those that another process has.
--
-- KEYS     the records: each a hash with owner (a process) and text
-- ARGV[1]  the process that writes
-- ARGV[2]  the milliseconds for which records are valid
-- ARGV[3…] the text of each record
-- returns  for each record 1, or 0 if another process has it

local answer = {}
for each = 1, #KEYS do
  local owner = redis.call('HGET', KEYS[each], 'owner')
  if owner and owner ~= ARGV[1] then
    answer[each] = 0
  else
    redis.call('HSET', KEYS[each], 'owner', ARGV[1], 'text', ARGV[each + 2])
    redis.call('PEXPIRE', KEYS[each], ARGV[2])
    answer[each] = 1
  end
end
return answer
