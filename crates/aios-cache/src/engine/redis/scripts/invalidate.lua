-- KEYS: the counter, the tags' versions. ARGV: a random start, how long versions are kept at least (ms), the channel,
-- the notice without version and number. Returns the number.
local tags = {}
for i = 2, #KEYS do tags[#tags + 1] = KEYS[i] end
return bump(KEYS[1], tags, ARGV[1], ARGV[2], ARGV[3], ARGV[4])
