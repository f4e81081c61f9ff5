-- Appends a message to a topic, drops its old entries, and publishes it.
--
-- KEYS[1]  the log: see log_begin.lua
-- KEYS[2]  the head of the topic: a hash with last and dropped (the numbers of its
--          latest entry, and of the latest that was dropped), and seconds
-- KEYS[3]  the topic: a stream with one entry for each message, whose id is its number
--          and the time in milliseconds
-- KEYS[4]  the idempotency key
-- ARGV[1]  the epoch that the names of the keys are of
-- ARGV[2]  the channel to publish on
-- ARGV[3]  the message
-- ARGV[4]  the number of entries to keep
-- ARGV[5]  the seconds to keep them
-- ARGV[6]  the time in seconds; empty for that of Redis
-- ARGV[7]  "1" to append only if the idempotency key is not in use
-- returns  the epoch of the log, and the number of the entry: 0 when the key is in use.
--          If the epoch is another one, nothing else was done.

local HOUR = 3600

local known = redis.call('HMGET', KEYS[1], 'epoch', 'mark_time', 'mark', 'marked')
local epoch = known[1]
if epoch ~= ARGV[1] then
  return {epoch}
end

local most, seconds, now = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end

if ARGV[7] == '1' then
  local expires = redis.call('GET', KEYS[4])
  if expires and now < tonumber(expires) then
    return {epoch, 0}
  end
  local ends = string.format('%.6f', now + seconds)
  redis.call('SET', KEYS[4], ends, 'PX', math.max(1, math.ceil(seconds * 1000)))
end

local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
local name = string.format('%.0f', number)

-- What a topic without a head may have lost: see log_read.lua.
local mark = tonumber(known[4] or 0)
local time = tonumber(known[2] or 0)
if now >= time + HOUR or not known[2] then
  local before = string.format('%.0f', number - 1)
  if known[2] then
    mark = now <= time + 2 * HOUR and tonumber(known[3]) or number - 1
  end
  redis.call('HSET', KEYS[1], 'mark_time', string.format('%.3f', now),
    'mark', before, 'marked', string.format('%.0f', mark))
end

local had = redis.call('HMGET', KEYS[2], 'last', 'dropped')
local dropped = tonumber(had[2] or mark)
local count = redis.call('XLEN', KEYS[3])
if had[1] and count == 0 then
  dropped = tonumber(had[1])
end

local function number_of(entry)
  return tonumber(string.match(entry[1], '^(%d+)-'))
end
local function drop(some)
  for _, entry in ipairs(some) do
    redis.call('XDEL', KEYS[3], entry[1])
    dropped = number_of(entry)
  end
  count = count - #some
end

if most > 0 then
  redis.call('XADD', KEYS[3], name .. '-' .. string.format('%.0f', now * 1000),
    'm', ARGV[3])
  count = count + 1
else
  dropped = number
end
if count > most then
  drop(redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', count - most))
end
-- Few at a time: those that are too old are skipped by readers, too.
local before = (now - seconds) * 1000
local old = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 2)) do
  if tonumber(string.match(entry[1], '-(%d+)$')) <= before then
    old[#old + 1] = entry
  end
end
drop(old)

redis.call('HSET', KEYS[2], 'last', name, 'dropped', string.format('%.0f', dropped),
  'seconds', ARGV[5])
redis.call('EXPIRE', KEYS[2], math.ceil(seconds) + 3 * HOUR)
redis.call('PEXPIRE', KEYS[3], math.max(1, math.ceil(seconds * 1000)))
redis.call('PUBLISH', ARGV[2], epoch .. '-' .. name .. ' ' .. ARGV[3])
return {epoch, number}
