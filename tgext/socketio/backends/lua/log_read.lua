-- Reads the entries of topics after a number.
--
-- A topic without a head had no entry for 3 hours at least. What it may have lost ends
-- at a mark: the number of the latest entry at a time that is so long ago that heads of
-- later entries are still there.
--
-- KEYS[1]  the log: see log_begin.lua
-- KEYS[2…] the head and the stream of each topic: see log_append.lua
-- ARGV[1]  the epoch that the names of the keys are of
-- ARGV[2]  the number
-- ARGV[3]  the time in seconds; empty for that of Redis
-- ARGV[4]  "1" if there was an entry with the number. If Redis does not know it, its
--          entries before the gap are lost; the log notes that for all readers.
-- returns  the epoch of the log; the number of its latest entry; 1 when nothing after
--          the number was dropped or lost, or cannot be read; and for each topic a list of number,
--          message, number, message, …
--          If the epoch is another one, nothing else is returned.

local HOUR = 3600

local known = redis.call('HMGET', KEYS[1],
  'epoch', 'number', 'gap_from', 'gap_to', 'mark_time', 'mark', 'marked', 'lost')
local epoch, number = known[1], tonumber(known[2])
if epoch ~= ARGV[1] then
  return {epoch}
end

local after, now = tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local mark, marked_at = tonumber(known[7] or 0), tonumber(known[5] or now)
if now >= marked_at + HOUR then
  mark = now <= marked_at + 2 * HOUR and tonumber(known[6]) or number
end

local lost = tonumber(known[8] or 0)
if known[3] and tonumber(known[3]) < after and after < tonumber(known[4]) then
  lost = tonumber(known[4])
  if ARGV[4] == '1' then
    redis.call('HSET', KEYS[1], 'lost', known[4])
  end
end
local complete = lost <= after and after <= number
local answer = {epoch, number, 0}

for each = 2, #KEYS, 2 do
  local first = string.format('%.0f-0', after + 1)
  local head = redis.pcall('HMGET', KEYS[each], 'last', 'dropped', 'seconds')
  local found = redis.pcall('XRANGE', KEYS[each + 1], first, '+')
  local entries = {}
  if head.err or found.err then
    -- A key has another type of value. The other topics are read nevertheless.
    complete = false
  else
    local dropped = tonumber(head[2] or mark)
    local oldest = (now - tonumber(head[3] or 0)) * 1000
    if head[1] and redis.call('XLEN', KEYS[each + 1]) == 0 then
      dropped = tonumber(head[1])
    end
    for _, entry in ipairs(found) do
      local count, time = string.match(entry[1], '^(%d+)-(%d+)$')
      if tonumber(time) > oldest then
        entries[#entries + 1] = count
        entries[#entries + 1] = entry[2][2]
      else
        dropped = tonumber(count)
      end
    end
    complete = complete and dropped <= after
  end
  answer[#answer + 1] = entries
end

answer[3] = complete and 1 or 0
return answer
