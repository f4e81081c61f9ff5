-- Removes the table of a process that ends.
--
-- KEYS[1]  the table: see presence_write.lua
-- KEYS[2]  the list of tables
-- ARGV[1]  the name of the table

redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
