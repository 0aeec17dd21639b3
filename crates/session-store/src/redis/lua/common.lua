-- What every script begins with. Redis' own clock is the one that all pods share.
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end
-- Which run of which server this is: after a restart or a failover, writes may have been lost.
local function run()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
-- Logs: KEYS[1] is the log's state. Its epoch ends, and with this last event goes over into the next one.
local function succeed(epoch, last)
  if epoch then redis.call('HSET', KEYS[1], 'pe', epoch, 'pn', string.format('%.0f', last)) end
end
-- Sessions: KEYS are the session, its calls, and those of its calls that ended, by time.
local function held(epoch)
  local known = redis.call('HGET', KEYS[1], 'e')
  if not known then return 'unknown' end
  if known ~= epoch then return 'stale' end
end
local function keep(ttl)
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ttl) end
end
local function forget(request, slot)
  if string.sub(slot, 1, 1) == 'D' then redis.call('HINCRBY', KEYS[1], 'b', 1 - #slot) end
  redis.call('HDEL', KEYS[2], request)
  redis.call('ZREM', KEYS[3], request)
end
local function drop(requests)
  for _, request in ipairs(requests) do
    forget(request, redis.call('HGET', KEYS[2], request) or '')
    redis.call('HSET', KEYS[1], 'lossy', 1)
  end
end
local function age(ms)
  drop(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now() - ms * 1000, 'LIMIT', 0, 100))
end
local function describe(slot)
  local kind = string.sub(slot, 1, 1)
  if kind == 'R' then return {'running', string.sub(slot, 19), string.sub(slot, 2, 2)} end
  if kind == 'D' then return {'done', string.sub(slot, 2)} end
  return {'forgotten'}
end
