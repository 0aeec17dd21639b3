-- KEYS: the log's state, its events, and perhaps the publisher's key.
local m = redis.call('HMGET', KEYS[1], 'e', 'n', 'r', 'c')
if KEYS[3] then
  local first = redis.call('GET', KEYS[3])
  if first then return {'ok', string.sub(first, 1, 16), tonumber(string.sub(first, 17))} end
end
local time, server = now(), run()
local epoch, last, bytes = m[1], tonumber(m[2] or 0), tonumber(m[4] or 0)
if not epoch then redis.call('UNLINK', KEYS[2]) end
if m[3] ~= server then
  succeed(epoch, last)
  epoch = ARGV[1]
end
last = last + 1
bytes = bytes + #ARGV[2] + #ARGV[3] + 64
redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[4], string.format('%.0f-0', last),
  't', string.format('%.0f', time), 'c', string.format('%.0f', bytes), 'n', ARGV[2], 'd', ARGV[3])
redis.call('HSET', KEYS[1], 'e', epoch, 'r', server, 'n', string.format('%.0f', last),
  'c', string.format('%.0f', bytes))
local most, oldest = tonumber(ARGV[5]), time - tonumber(ARGV[6]) * 1000
local step = 1
while true do
  local cut
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', step)) do
    local offset, f = tonumber(string.match(entry[1], '^%d+')), entry[2]
    local before = tonumber(f[4]) - #f[6] - #f[8] - 64
    if offset == last or (bytes - before <= most and tonumber(f[2]) > oldest) then step = 0 break end
    cut = offset
  end
  if cut then redis.call('XTRIM', KEYS[2], 'MINID', '=', string.format('%.0f-0', cut + 1)) end
  if step == 0 then break end
  step = math.min(step * 4, 64)
end
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
if KEYS[3] then redis.call('SET', KEYS[3], epoch .. string.format('%.0f', last), 'PX', ARGV[8]) end
redis.call(ARGV[10], ARGV[9], epoch .. string.format('%016.0f%03d', last, #ARGV[2]) .. ARGV[2] .. ARGV[3])
return {'ok', epoch, last}
