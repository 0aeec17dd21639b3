local ttl = redis.call('PTTL', KEYS[1])
if ttl <= 0 then return {'unknown'} end
age(tonumber(ARGV[5]))
local slot = redis.call('HGET', KEYS[2], ARGV[1])
if not slot then return {'unknown'} end
if string.sub(slot, 1, 1) ~= 'R' or string.sub(slot, 19) ~= ARGV[2] then return {'notowner'} end
local most, size = tonumber(ARGV[4]), #ARGV[3]
local answer, ended = 'stored', 'D' .. ARGV[3]
if size > most then
  answer, ended, size = 'forgotten', 'F', 0
else
  local bytes = tonumber(redis.call('HGET', KEYS[1], 'b') or 0)
  local place = 0
  while bytes + size > most do
    local oldest = redis.call('ZRANGE', KEYS[3], place, place)[1]
    if not oldest then break end
    local known = redis.call('HGET', KEYS[2], oldest)
    if string.sub(known, 1, 1) == 'D' then
      redis.call('HSET', KEYS[2], oldest, 'F')
      redis.call('HINCRBY', KEYS[1], 'b', 1 - #known)
      bytes = bytes + 1 - #known
    end
    place = place + 1
  end
end
redis.call('HSET', KEYS[2], ARGV[1], ended)
redis.call('HINCRBY', KEYS[1], 'b', size)
redis.call('ZADD', KEYS[3], now(), ARGV[1])
keep(ttl)
return {answer, redis.call('HGET', KEYS[1], 'p')}
