local refused = held(ARGV[1])
if refused then return {refused} end
for i = 2, #ARGV do
  local slot = redis.call('HGET', KEYS[2], ARGV[i])
  if slot and string.sub(slot, 1, 1) ~= 'R' then forget(ARGV[i], slot) end
end
return {'ok'}
