-- Stores a monitor's state, with the change that led to it and the notifications
-- that the change causes.
-- KEYS: lease, monitor, transitions, outbox items, outbox due
-- ARGV: token, expected version, state, now in ms, transitions kept, prefix of
--       results, transition ('' for none), then key and item of each notification
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
local version = redis.call('HGET', KEYS[2], 'version') or '0'
if version ~= ARGV[2] then return 'conflict' end
redis.call('HSET', KEYS[2], 'state', ARGV[3], 'version', string.format('%d', tonumber(version) + 1))
if ARGV[7] == '' then return 'ok' end
redis.call('LPUSH', KEYS[3], ARGV[7])
while redis.call('LLEN', KEYS[3]) > tonumber(ARGV[5]) do
  local old = cjson.decode(redis.call('RPOP', KEYS[3]))
  redis.call('DEL', ARGV[6] .. old.id)
end
for i = 8, #ARGV, 2 do
  redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[5], ARGV[4], ARGV[i])
end
return 'ok'
