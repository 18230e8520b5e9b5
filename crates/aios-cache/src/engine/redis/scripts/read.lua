-- KEYS: entries. Returns for each the value with its remaining time (ms), or false.
local entries = {}
for i = 1, #KEYS do
    local value = redis.pcall('GET', KEYS[i])
    entries[i] = type(value) == 'string' and {value, redis.call('PTTL', KEYS[i])} or false
end
return entries
