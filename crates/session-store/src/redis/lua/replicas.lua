-- KEYS: the replicas by instance, the pods by the end of their lease, the list's version.
-- ARGV: what to do, the version after a change, the pod, its lease, how long keys live, channel, publish, ...
local time, changed = now(), false
local function owner(entry) return string.sub(entry, 20, 19 + tonumber(string.sub(entry, 17, 19))) end
local answer = 'ok'
redis.call('ZADD', KEYS[2], time + tonumber(ARGV[4]) * 1000, ARGV[3])
local dead = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', time, 'LIMIT', 0, 100)
if #dead > 0 then
  local gone = {}
  for _, pod in ipairs(dead) do
    gone[pod] = true
    redis.call('ZREM', KEYS[2], pod)
  end
  local entries = redis.call('HGETALL', KEYS[1])
  for i = 1, #entries, 2 do
    if gone[owner(entries[i + 1])] then
      redis.call('HDEL', KEYS[1], entries[i])
      changed = true
    end
  end
end
if ARGV[1] == 'put' then
  local known = redis.call('HGET', KEYS[1], ARGV[8])
  local entry = string.format('%03d', #ARGV[3]) .. ARGV[3] .. ARGV[9]
  if known then
    if string.sub(known, 17) ~= entry then
      redis.call('HSET', KEYS[1], ARGV[8], string.sub(known, 1, 16) .. entry)
      changed = true
    end
  elseif redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[10]) then
    answer = 'full'
  else
    local turn = redis.call('HINCRBY', KEYS[3], 'turn', 1)
    redis.call('HSET', KEYS[1], ARGV[8], string.format('%016.0f', turn) .. entry)
    changed = true
  end
elseif ARGV[1] == 'remove' then
  local known = redis.call('HGET', KEYS[1], ARGV[8])
  if known and owner(known) == ARGV[3] then
    redis.call('HDEL', KEYS[1], ARGV[8])
    changed = true
  end
end
if changed then redis.call('HSET', KEYS[3], 'version', ARGV[2]) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[5]) end
if changed then redis.call(ARGV[7], ARGV[6], ARGV[2]) end
return {answer, redis.call('HGET', KEYS[3], 'version') or ''}
