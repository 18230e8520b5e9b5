-- KEYS: the counter, the tags' versions. ARGV: a random start, how long the versions have to be kept (ms).
-- Returns the versions. A tag without one gets the number of the last invalidation: it was not invalidated since.
local keep = tonumber(ARGV[2])
local current
local versions = {}
for i = 2, #KEYS do
    local version = number(KEYS[i])
    if version then
        -- Twice as long, so that a tag which is read all the time is written once in a while only.
        local left = redis.call('PTTL', KEYS[i])
        if left >= 0 and left < keep then redis.call('PEXPIRE', KEYS[i], keep * 2) end
    else
        if not current then
            current = number(KEYS[1])
            if not current then
                current = tonumber(ARGV[1])
                redis.call('SET', KEYS[1], text(current))
            end
        end
        version = current
        redis.call('SET', KEYS[i], text(version), 'PX', keep * 2)
    end
    versions[#versions + 1] = text(version)
end
return versions
