-- Stores a document in another form, unless it changed since it was read.
-- KEYS: docs; ARGV: id, as it was read, as it is to be
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
