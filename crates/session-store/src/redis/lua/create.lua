if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists'} end
redis.call('HSET', KEYS[1], 'e', 1, 't', ARGV[1], 'a', ARGV[2], 'h', ARGV[3], 'p', ARGV[4], 's', ARGV[5],
  'on', 1, 'run', run())
keep(ARGV[6])
return {'ok'}
