-- KEYS: the log's state and its events.
local m = redis.call('HMGET', KEYS[1], 'e', 'n', 'r')
local server, epoch, last = run(), m[1], tonumber(m[2] or 0)
if not epoch then redis.call('UNLINK', KEYS[2]) end
if m[3] ~= server then
  succeed(epoch, last)
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'e', epoch, 'r', server, 'n', string.format('%.0f', last))
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
if ARGV[2] == '' then return {'end', epoch, last} end
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
local before = first and tonumber(string.match(first[1], '^%d+')) - 1 or last
local after = tonumber(ARGV[3])
if ARGV[2] ~= epoch then
  local p = redis.call('HMGET', KEYS[1], 'pe', 'pn')
  -- What was left of the epoch before is still there, and the reader has it up to where it stands.
  if ARGV[2] == p[1] then before = math.max(before, math.min(after, tonumber(p[2]))) end
  return {'gap', epoch, last, before}
end
if after < before or after > last then return {'gap', epoch, last, before} end
local reply, left, bytes = {'page', epoch, last}, tonumber(ARGV[4]), tonumber(ARGV[5])
while left > 0 do
  local events = redis.call('XRANGE', KEYS[2], string.format('%.0f-0', after + 1), '+', 'COUNT', math.min(left, 32))
  if #events == 0 then break end
  for _, entry in ipairs(events) do
    local f = entry[2]
    bytes = bytes - #f[6] - #f[8] - 64
    if bytes < 0 and #reply > 3 then return reply end
    after = tonumber(string.match(entry[1], '^%d+'))
    reply[#reply + 1] = after
    reply[#reply + 1] = f[6]
    reply[#reply + 1] = f[8]
  end
  left = left - #events
end
return reply
