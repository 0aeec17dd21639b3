-- KEYS: what is revoked, by the end of each, and the list's version. ARGV: what, for how long, the most, a version.
local time = now()
local deadline = time + tonumber(ARGV[2]) * 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time)
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not known and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return {'full'} end
if not known or tonumber(known) < deadline then
  redis.call('ZADD', KEYS[1], string.format('%.0f', deadline), ARGV[1])
  redis.call('SET', KEYS[2], ARGV[4])
end
local last = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
keep(string.format('%.0f', math.ceil((last - time) / 1000)))
return {'ok'}
