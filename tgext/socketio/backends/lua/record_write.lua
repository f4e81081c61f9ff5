-- Writes records, without those that another process has.
--
-- A record whose key has another type of value in Redis is left as it is; any other error
-- is one of all records, and ends the script.
--
-- KEYS     the records: each a hash with owner (a process) and text
-- ARGV[1]  the process that writes
-- ARGV[2]  the milliseconds for which records are valid
-- ARGV[3…] the text of each record; empty to renew the one that is there
-- returns  for each record
--            1  it is written, or renewed
--            0  another process has it
--           -1  there is none to renew
--           -2  its key has another type of value

local answer = {}
for each = 1, #KEYS do
  local key, text = KEYS[each], ARGV[each + 2]
  local owner = redis.pcall('HGET', key, 'owner')
  if type(owner) == 'table' then
    if not string.find(owner.err, 'WRONGTYPE', 1, true) then
      return owner
    end
    answer[each] = -2
  elseif owner and owner ~= ARGV[1] then
    answer[each] = 0
  elseif text == '' and (not owner or redis.call('HSTRLEN', key, 'text') == 0) then
    answer[each] = -1
  else
    if text ~= '' then
      redis.call('HSET', key, 'owner', ARGV[1], 'text', text)
    end
    redis.call('PEXPIRE', key, ARGV[2])
    answer[each] = 1
  end
end
return answer
