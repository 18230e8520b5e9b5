-- What a key holds, where that is one of our numbers (positive, below 2^53, so that Lua's doubles are exact).
-- Anything else that may be there, another type too, is as good as nothing.
local function number(key)
    local held = redis.pcall('GET', key)
    if type(held) == 'string' and #held <= 16 and string.find(held, '^[1-9]%d*$') then
        local value = tonumber(held)
        if value < 9007199254740991 then return value end
    end
    return nil
end

-- Lua itself would write a large number with an exponent.
local function text(value)
    return string.format('%.0f', value)
end
