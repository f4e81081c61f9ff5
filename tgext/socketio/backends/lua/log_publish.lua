-- Publishes a message, unless its topic is one to keep.
--
-- KEYS[1]  the note of log_declare.lua, which is kept for a week more
-- ARGV[1]  the channel to publish on
-- ARGV[2]  the message
-- ARGV[3]  "1" to publish nothing
-- returns  the note if there is one; nothing was published then. Else 0.

local kept = redis.call('GET', KEYS[1])
if kept then
  redis.call('EXPIRE', KEYS[1], 604800)
  return kept
end
if ARGV[3] ~= '1' then
  redis.call('PUBLISH', ARGV[1], ARGV[2])
end
return 0
