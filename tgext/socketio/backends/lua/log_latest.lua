-- Reads the latest entries of a topic.
--
-- KEYS[1]  the log: see log_begin.lua
-- KEYS[2]  the head of the topic: see log_append.lua
-- KEYS[3]  its stream
-- ARGV[1]  the epoch that the names of the keys are of
-- ARGV[2]  the number of entries
-- ARGV[3]  the time in seconds; empty for that of Redis
-- returns  the epoch of the log; the number of its latest entry; 1 if there are
--          as many as asked for, or none was dropped; and a list of number, message, …, the
--          latest first. If the epoch is another one, nothing else is returned.

local known = redis.call('HMGET', KEYS[1], 'epoch', 'number')
local epoch = known[1]
if epoch ~= ARGV[1] then
  return {epoch}
end

local count, now = tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local head = redis.call('HMGET', KEYS[2], 'last', 'dropped', 'seconds')
local oldest = (now - tonumber(head[3] or 0)) * 1000
local entries = {}
local all = {}
if count > 0 then
  all = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', count)
end
for _, entry in ipairs(all) do
  local number, time = string.match(entry[1], '^(%d+)-(%d+)$')
  if tonumber(time) > oldest then
    entries[#entries + 1] = number
    entries[#entries + 1] = entry[2][2]
  end
end

local has_dropped = head[1]
  and (tonumber(head[2]) > 0 or #all == 0 or #entries < 2 * #all)
local complete = #entries == 2 * count or not has_dropped
return {epoch, tonumber(known[2]), complete and 1 or 0, entries}
