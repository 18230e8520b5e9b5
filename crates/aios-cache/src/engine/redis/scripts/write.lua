-- KEYS: for each write the entry and its lease. ARGV: for each the lease's token, the value, how long it is kept (ms).
-- Returns for each 1 where it was written, 0 where the lease is gone. Before the value stands when it ends (ms, by this
-- server's clock, as Redis keeps it beside the key, where it takes a command of its own to read it).
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local written = {}
for i = 1, #KEYS, 2 do
    local first = (i - 1) / 2 * 3 + 1
    if redis.pcall('GET', KEYS[i + 1]) == ARGV[first] then
        local keep = ARGV[first + 2]
        local ends = string.format('%.0f:', now + tonumber(keep))
        redis.call('SET', KEYS[i], ends .. ARGV[first + 1], 'PX', keep)
        redis.call('DEL', KEYS[i + 1])
        written[#written + 1] = 1
    else
        written[#written + 1] = 0
    end
end
return written
