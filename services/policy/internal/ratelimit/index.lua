-- Notes buckets of one endpoint, for lists; see index.go.
-- KEYS: by when they are forgotten (sorted set), what they are (hash)
-- ARGV: how many to keep; then of each bucket its id, for how many milliseconds to
-- remember it, and its label
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local longest = math.max(redis.call('PTTL', KEYS[1]), 0)
for i = 2, #ARGV, 3 do
  local ttl = tonumber(ARGV[i + 1])
  longest = math.max(longest, ttl)
  redis.call('ZADD', KEYS[1], now + ttl, ARGV[i])
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
end
local function forget(ids)
  for _, id in ipairs(ids) do
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
  end
end
forget(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now))
local excess = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[1])
if excess > 0 then forget(redis.call('ZRANGE', KEYS[1], 0, excess - 1)) end
redis.call('PEXPIRE', KEYS[1], longest)
redis.call('PEXPIRE', KEYS[2], longest)
return redis.call('ZCARD', KEYS[1])
