-- KEYS: a lease. ARGV: its token. Ends it, where it is still the same one.
if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
