-- KEYS: for each request the entry and its lease. ARGV: how long a lease is kept (ms), then for each request whether an
-- entry that is there is to be replaced (1 or 0), and a new token. Returns for each the entry with its remaining time (ms),
-- or the token that holds.
local answers = {}
for i = 1, #KEYS, 2 do
    local entry, lease, refresh, token = KEYS[i], KEYS[i + 1], ARGV[i + 1], ARGV[i + 2]
    local answer
    if refresh == '0' then
        local value = redis.pcall('GET', entry)
        if type(value) == 'string' then
            local left = redis.call('PTTL', entry)
            if left > 0 then answer = {value, left} end
        end
    end
    if not answer then
        local held = redis.pcall('GET', lease)
        if type(held) == 'string' and #held <= 20 and string.find(held, '^[1-9]%d*$') then
            answer = held
        else
            redis.call('SET', lease, token, 'PX', ARGV[1])
            answer = token
        end
    end
    answers[#answers + 1] = answer
end
return answers
