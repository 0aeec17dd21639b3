local s = redis.call('HMGET', KEYS[1], 't', 'a', 'h', 'e', 'p', 'on', 's', 'turn')
if not s[4] then return {'unknown'} end
if s[1] ~= ARGV[1] or s[2] ~= ARGV[2] then return {'foreign'} end
if s[3] == ARGV[4] then
  -- The token that it is to have is its token already: the same attempt once more, after its answer was lost. What a
  -- network held back is older than what was taken since.
  if tonumber(ARGV[7]) <= tonumber(s[8] or 0) then return {'late'} end
elseif s[3] ~= ARGV[3] then
  return {'token'}
end
local epoch = tonumber(s[4]) + 1
redis.call('HSET', KEYS[1], 'e', epoch, 'h', ARGV[4], 'p', ARGV[5], 'on', 1, 'turn', ARGV[7])
keep(ARGV[6])
return {'taken', epoch, s[5], s[6], s[7]}
