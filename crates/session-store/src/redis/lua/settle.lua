-- KEYS: when all that was let through of a rate would have come, had it come evenly.
-- ARGV: in how long as much comes as is let through now, how long ago that began, the furthest ahead.
local time = now()
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), time - tonumber(ARGV[2])) + tonumber(ARGV[1])
local ahead = math.min(math.max(due - time, 0), tonumber(ARGV[3]))
if ahead > 0 then
  local ttl = string.format('%.0f', math.ceil(ahead / 1000))
  redis.call('SET', KEYS[1], string.format('%.0f', time + ahead), 'PX', ttl)
end
return {'ok', string.format('%.0f', ahead)}
