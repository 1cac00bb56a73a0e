-- Moves a delivery on.
-- KEYS: lease, pair, destination, dead letters
-- ARGV: token, position, delivered, now in ms, subscription, dead letters kept,
--       number refused, then event id, reason and event of each refused record
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
if redis.call('EXISTS', KEYS[2]) == 0 then return 'gone' end
local refused = tonumber(ARGV[7])
if ARGV[2] ~= '' then redis.call('HSET', KEYS[2], 'position', ARGV[2]) end
for i = 2, 3 do
  if ARGV[3] ~= '0' then
    redis.call('HINCRBY', KEYS[i], 'delivered', ARGV[3])
    redis.call('HSET', KEYS[i], 'last_success_at', ARGV[4])
  end
  if refused > 0 then
    redis.call('HINCRBY', KEYS[i], 'rejected', refused)
    redis.call('HSET', KEYS[i], 'last_error_at', ARGV[4], 'last_error', ARGV[5 + 3 * refused + 1])
  end
end
for i = 0, refused - 1 do
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'subscription', ARGV[5], 'event_id', ARGV[8 + 3 * i],
    'reason', ARGV[9 + 3 * i], 'event', ARGV[10 + 3 * i], 'time', ARGV[4])
end
return 'ok'
