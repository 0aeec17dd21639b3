local refused = held(ARGV[1])
if refused then return {refused} end
local slot = redis.call('HGET', KEYS[2], ARGV[2])
if not slot then return {'none'} end
if string.sub(slot, 1, 1) ~= 'R' or string.sub(slot, 19) ~= ARGV[3] then return describe(slot) end
redis.call('HSET', KEYS[2], ARGV[2], string.sub(slot, 1, 2) .. '0000000000000000' .. ARGV[4])
return {'taken', string.sub(slot, 2, 2)}
