-- KEYS: the counter, the identity of the servers at the last check, the version of the tag that every entry bears.
-- ARGV: as in invalidate.lua, then the servers' identity now. Returns the number, 1 where everything was made stale, and
-- the time by this server's clock (ms).
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local held = number(KEYS[1])
if held and redis.pcall('GET', KEYS[2]) == ARGV[5] then return {text(held), 0, text(now)} end
redis.call('SET', KEYS[2], ARGV[5])
return {bump(KEYS[1], {KEYS[3]}, ARGV[1], ARGV[2], ARGV[3], ARGV[4]), 1, text(now)}
