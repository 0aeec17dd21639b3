local refused = held(ARGV[1])
if refused then return {refused} end
age(tonumber(ARGV[7]))
local slot = redis.call('HGET', KEYS[2], ARGV[2])
if slot then
  -- The same attempt once more, after its answer was lost.
  if slot == 'R' .. ARGV[4] .. ARGV[8] .. ARGV[3] then return {'begun'} end
  return describe(slot)
end
if ARGV[5] == '1' and ARGV[4] == '0' then
  local s = redis.call('HMGET', KEYS[1], 'lossy', 'run')
  if s[1] or s[2] ~= run() then return {'doubtful'} end
end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[6]) then
  local oldest = redis.call('ZRANGE', KEYS[3], 0, 0)
  if #oldest == 0 then return {'full'} end
  drop(oldest)
end
redis.call('HSET', KEYS[2], ARGV[2], 'R' .. ARGV[4] .. ARGV[8] .. ARGV[3])
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return {'begun'}
