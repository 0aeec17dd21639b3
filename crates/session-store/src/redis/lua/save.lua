local refused = held(ARGV[1])
if refused then return {refused} end
redis.call('HSET', KEYS[1], 's', ARGV[2])
return {'ok'}
