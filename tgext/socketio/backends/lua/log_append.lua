-- Appends messages to topics, drops their old entries, and publishes the messages, all in
-- their order.
--
-- KEYS[1]  the log: see log_begin.lua
-- KEYS[2…] the head and the stream of each topic. The head is a hash with last and
--          dropped (the numbers of its latest entry, and of the latest that was
--          dropped), and seconds. The stream has one entry for each message, whose id is
--          its number and the time in milliseconds
-- KEYS[…]  the idempotency keys
-- ARGV[1]  the epoch that the names of the keys are of
-- ARGV[2]  the time in seconds; empty for that of Redis
-- ARGV[3]  the number of topics. One is given twice if two amounts of it are to be kept
-- ARGV[4…] for each topic: the channel to publish on, the number of entries to keep, and
--          the seconds to keep them
-- ARGV[…]  for each message: the number of its topic, from 1; the message; and the
--          number of its idempotency key, from 1, or 0. If the key is in use, the
--          message is not appended
-- returns  the epoch of the log, and for each message the number of its entry, 0 when
--          its key is in use, or as text why Redis refuses it.
--          If the epoch is another one, nothing else was done.

local HOUR = 3600

local known = redis.call('HMGET', KEYS[1], 'epoch', 'mark_time', 'mark', 'marked')
local epoch = known[1]
if epoch ~= ARGV[1] then
  return {epoch}
end

local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local milliseconds = string.format('-%.0f', now * 1000)

-- What a topic without a head may have lost: see log_read.lua.
local mark = tonumber(known[4] or 0)
local function move_mark(number)
  local time = tonumber(known[2] or 0)
  if now < time + HOUR and known[2] then
    return
  end
  if known[2] then
    mark = now <= time + 2 * HOUR and tonumber(known[3]) or number - 1
  end
  known[2] = string.format('%.3f', now)
  redis.call('HSET', KEYS[1], 'mark_time', known[2],
    'mark', string.format('%.0f', number - 1), 'marked', string.format('%.0f', mark))
end

local function number_of(entry)
  return tonumber(string.match(entry[1], '^(%d+)-'))
end

local topics = {}
local by_name = {}
local topic_count = tonumber(ARGV[3])

-- A topic as it is, when its first message comes.
local function topic_of(number)
  local topic = topics[number]
  if topic then
    return topic
  end
  local head, stream = KEYS[2 * number], KEYS[2 * number + 1]
  topic = by_name[stream]
  if not topic then
    local had = redis.call('HMGET', head, 'last', 'dropped')
    local count = redis.call('XLEN', stream)
    local dropped = tonumber(had[2] or mark)
    if had[1] and count == 0 then
      dropped = tonumber(had[1])
    end
    -- room: how many entries may be left, with all that the messages keep.
    topic = {head = head, stream = stream, count = count, dropped = dropped,
      room = count, appended = 0}
    by_name[stream] = topic
  end
  topics[number] = topic
  return topic
end

local function drop(topic, some)
  for first = 1, #some, 1000 do
    local ids = {}
    for each = first, math.min(first + 999, #some) do
      ids[#ids + 1] = some[each][1]
    end
    redis.call('XDEL', topic.stream, unpack(ids))
  end
  if #some > 0 then
    topic.dropped = math.max(topic.dropped, number_of(some[#some]))
    topic.count = topic.count - #some
  end
end

local function append(given, message)
  local most = tonumber(ARGV[3 * given + 2])
  local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
  move_mark(number)
  local topic = topic_of(given)
  local name = string.format('%.0f', number)
  if most > 0 then
    redis.call('XADD', topic.stream, name .. milliseconds, 'm', message)
    topic.count = topic.count + 1
  else
    topic.dropped = number
  end
  topic.room = math.min(topic.room + 1, most)
  topic.appended = topic.appended + 1
  topic.last, topic.seconds = name, ARGV[3 * given + 3]
  return number
end

-- Few at a time: those that are too old are skipped by readers, too.
local function drop_old(topic)
  local before = (now - topic.seconds) * 1000
  local old = {}
  local function find(count)
    local some = redis.call('XRANGE', topic.stream, '-', '+', 'COUNT', count)
    for each = #old + 1, #some do
      if tonumber(string.match(some[each][1], '-(%d+)$')) > before then
        return
      end
      old[each] = some[each]
    end
  end
  find(1)
  if #old > 0 then
    find(2 * topic.appended)
  end
  drop(topic, old)
end

local function finish(topic)
  if topic.count > topic.room then
    local more = topic.count - topic.room
    drop(topic, redis.call('XRANGE', topic.stream, '-', '+', 'COUNT', more))
  end
  drop_old(topic)
  redis.call('HSET', topic.head, 'last', topic.last,
    'dropped', string.format('%.0f', topic.dropped), 'seconds', topic.seconds)
  redis.call('EXPIRE', topic.head, math.ceil(topic.seconds) + 3 * HOUR)
  redis.call('PEXPIRE', topic.stream, math.max(1, math.ceil(topic.seconds * 1000)))
end

local function is_in_use(key, seconds)
  local expires = redis.call('GET', key)
  if expires and now < tonumber(expires) then
    return true
  end
  local ends = string.format('%.6f', now + seconds)
  redis.call('SET', key, ends, 'PX', math.max(1, math.ceil(seconds * 1000)))
  return false
end

local function refuse(message, problem)
  message.refused = type(problem) == 'table' and problem.err or tostring(problem)
  if message.key then
    redis.call('DEL', message.key)
  end
end

local messages = {}
for at = 4 + 3 * topic_count, #ARGV, 3 do
  local given, key = tonumber(ARGV[at]), tonumber(ARGV[at + 2])
  local each = {given = given, text = ARGV[at + 1]}
  messages[#messages + 1] = each
  -- What Redis refuses in one topic must not keep the others back.
  local done, answer = pcall(function()
    if key > 0 then
      local name = KEYS[1 + 2 * topic_count + key]
      if is_in_use(name, tonumber(ARGV[3 * given + 3])) then
        return nil
      end
      each.key = name
    end
    return append(given, each.text)
  end)
  if done then
    each.number = answer
  else
    refuse(each, answer)
  end
end

for _, topic in pairs(by_name) do
  if topic.last then
    local done, problem = pcall(finish, topic)
    topic.problem = not done and problem
  end
end

local answer = {epoch}
for _, each in ipairs(messages) do
  if each.number then
    local problem = topics[each.given].problem
    if not problem then
      local logged = string.format('%s-%.0f ', epoch, each.number) .. each.text
      local sent = redis.pcall('PUBLISH', ARGV[3 * each.given + 1], logged)
      problem = type(sent) == 'table' and sent
    end
    if problem then
      refuse(each, problem)
    end
  end
  answer[#answer + 1] = each.refused or each.number or 0
end
return answer
