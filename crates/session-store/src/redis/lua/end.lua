if held(ARGV[1]) == 'stale' then return {'stale'} end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
return {'ok'}
