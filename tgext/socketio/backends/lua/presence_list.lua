-- Lists the tables that are valid.
--
-- KEYS[1]  the list of tables: see presence_write.lua
-- returns  their names

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')
