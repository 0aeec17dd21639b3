local refused = held(ARGV[1])
if refused then return {refused} end
redis.call('HSET', KEYS[1], 'on', ARGV[3])
keep(ARGV[2])
return {'ok'}
