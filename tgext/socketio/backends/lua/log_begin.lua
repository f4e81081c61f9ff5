-- Begins the log, or goes on with it after Redis has started again.
--
-- After a restart with an append-only file the log goes on, after a gap in the numbers:
-- the last entries may be lost, and no number may be used twice. After a failover, or a
-- restart from a snapshot, more may be lost, so a new epoch begins.
--
-- KEYS[1]  the log: a hash with epoch, number (of the latest entry), run (the id of the
--          Redis process), gap_from and gap_to (the numbers between them were never
--          used, or their entries are lost), lost (the number after the last gap in
--          which entries were lost), and the marks of log_read.lua
-- ARGV[1]  the name of a new epoch
-- returns  the epoch

local GAP = 1000000

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local known = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'number')
local epoch, number = known[1], tonumber(known[3])

local function is_kept()
  return string.find(redis.call('INFO', 'persistence'), 'aof_enabled:1', 1, true)
    and string.find(redis.call('INFO', 'replication'), 'second_repl_offset:-1', 1, true)
end

if epoch and number then
  if known[2] == run then
    return epoch
  end
  if is_kept() then
    local after = string.format('%.0f', number + GAP)
    redis.call('HSET', KEYS[1], 'run', run, 'number', after,
      'gap_from', known[3], 'gap_to', after)
    return epoch
  end
end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'run', run, 'number', 0)
return ARGV[1]
