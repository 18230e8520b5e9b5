-- Counts one invalidation, makes its number the version of the tags, and tells everybody.
-- A counter that was lost begins somewhere else, at random, so that no number means two things.
local function bump(counter, tags, start, keep, channel, notice)
    local value = number(counter)
    if value then value = value + 1 else value = tonumber(start) end
    local shown = text(value)
    redis.call('SET', counter, shown)
    for _, tag in ipairs(tags) do
        local left = redis.call('PTTL', tag)
        if left < tonumber(keep) then left = keep end
        redis.call('SET', tag, shown, 'PX', left)
    end
    redis.call('PUBLISH', channel, '1\n' .. shown .. '\n' .. notice)
    return shown
end
