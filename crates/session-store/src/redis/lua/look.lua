local s = redis.call('HMGET', KEYS[1], 't', 'a', 'p', 'e', 'on', 's', 'b')
if not s[4] then return {'none'} end
local ended = redis.call('ZCARD', KEYS[3])
local running = redis.call('HLEN', KEYS[2]) - ended
local left = redis.call('PTTL', KEYS[1])
return {'seen', s[1], s[2], s[3], s[4], s[5] or 0, left, s[6] or '', running, ended, s[7] or 0}
