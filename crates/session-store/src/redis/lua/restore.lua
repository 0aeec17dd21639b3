-- What is there and is no session's stands in nobody's way but this one's.
for i, count in ipairs({'HLEN', 'HLEN', 'ZCARD'}) do
  local found = redis.pcall(count, KEYS[i])
  if type(found) == 'table' and found.err then redis.call('UNLINK', KEYS[i]) end
end
local s = redis.call('HMGET', KEYS[1], 'e', 't', 'a', 'h')
if s[1] then
  if s[2] ~= ARGV[1] or s[3] ~= ARGV[2] then return {'exists'} end
  local known, mine = tonumber(s[1]), tonumber(ARGV[7])
  -- Each resume makes a token: another one under this epoch is of another holder.
  if known > mine or (known == mine and s[4] ~= ARGV[3]) then return {'stale'} end
end
redis.call('HSET', KEYS[1], 'e', ARGV[7], 't', ARGV[1], 'a', ARGV[2], 'h', ARGV[3], 'p', ARGV[4], 's', ARGV[5],
  'on', 1, 'run', run(), 'lossy', 1)
redis.call('HDEL', KEYS[1], 'turn')
keep(ARGV[6])
return {'ok'}
