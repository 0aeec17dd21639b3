-- KEYS: what is revoked, by the end of each, and the list's version.
local time, list = now(), {}
local entries = redis.call('ZRANGE', KEYS[1], string.format('(%.0f', time), '+inf', 'BYSCORE', 'WITHSCORES')
for i = 1, #entries, 2 do
  list[i] = entries[i]
  list[i + 1] = string.format('%.0f', math.ceil((tonumber(entries[i + 1]) - time) / 1000))
end
return {'ok', redis.call('GET', KEYS[2]) or '', list}
