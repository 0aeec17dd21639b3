local slot = redis.call('HGET', KEYS[2], ARGV[1])
if slot and string.sub(slot, 1, 1) == 'R' and string.sub(slot, 3) == ARGV[3] .. ARGV[2] then
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return {'ok'}
