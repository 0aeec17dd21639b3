local refused = held(ARGV[1])
if refused then return {refused} end
local unanswered = {}
for i = 2, #ARGV do unanswered[ARGV[i]] = true end
for _, request in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  if not unanswered[request] then forget(request, redis.call('HGET', KEYS[2], request) or '') end
end
return {'ok'}
