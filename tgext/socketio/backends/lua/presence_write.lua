-- Writes changes of a process to its table, and renews the table's time.
--
-- KEYS[1]  the table: a hash with an entry for each reference, and the number in #
-- KEYS[2]  the list of tables: a sorted set of names; each score is the time in
--          milliseconds until which the table is valid
-- ARGV[1]  the name of the table
-- ARGV[2]  the milliseconds for which the table is valid
-- ARGV[3]  the number that the table has; empty to begin it anew
-- ARGV[4]  the number that it has afterwards
-- ARGV[5]  how many references and entries follow: twice the number of entries
-- ARGV[6…] references and entries, then the references of entries that are gone
-- returns  1; or 0 if the table has another number, or is gone. Nothing was done then.

local first = 6
local last = first + tonumber(ARGV[5]) - 1

if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
elseif redis.pcall('HGET', KEYS[1], '#') ~= ARGV[3] then
  return 0  -- also if the key has another type of value
end
for index = first, last, 2 do
  redis.call('HSET', KEYS[1], ARGV[index], ARGV[index + 1])
end
for index = last + 1, #ARGV do
  redis.call('HDEL', KEYS[1], ARGV[index])
end
redis.call('HSET', KEYS[1], '#', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[2])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return 1
