-- KEYS: for each write the entry and its lease. ARGV: for each the lease's token, the value, how long it is kept (ms).
-- Returns for each 1 where it was written, 0 where the lease is gone.
local written = {}
for i = 1, #KEYS, 2 do
    local first = (i - 1) / 2 * 3 + 1
    if redis.pcall('GET', KEYS[i + 1]) == ARGV[first] then
        redis.call('SET', KEYS[i], ARGV[first + 1], 'PX', ARGV[first + 2])
        redis.call('DEL', KEYS[i + 1])
        written[#written + 1] = 1
    else
        written[#written + 1] = 0
    end
end
return written
