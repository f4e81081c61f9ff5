-- Notes how much of a topic is kept, for a week.
--
-- KEYS[1]  the note: two numbers
-- ARGV[1]  the number of entries
-- ARGV[2]  the seconds

redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'EX', 604800)
return 1
