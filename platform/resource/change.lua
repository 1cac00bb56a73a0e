-- One change of one document, with everything that belongs to it.
-- KEYS: revision, docs, order, unique, changes, audit, children (of these docs),
--       docs and children of the parents' kind
-- ARGV: op, kind, id, event, expected revision, document, audit type, principal,
--       audit object, feed length, audit length, parent id or "", number of old
--       unique values, old unique values..., new unique values...
-- children counts, by parent id.
-- A stored document is "revision created updated event\n" and its bytes; times
-- are microseconds since 1970.
local op, kind, id, event, expected, doc = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local parent = ARGV[12]
local first_unique, olds = 14, tonumber(ARGV[13])

local current = redis.call('HGET', KEYS[2], id)
local revision, created, updated, last_event
if current then
  local head = string.sub(current, 1, string.find(current, '\n', 1, true))
  revision, created, updated, last_event = string.match(head, '^(%d+) (%d+) (%d+) (%S+)\n$')
  if last_event == event then -- the client sent the request twice
    return {'ok', revision, created, updated}
  end
end

if op == 'create' and current then return {'exists'} end
if op ~= 'create' then
  if not current then return {'missing'} end
  if revision ~= expected then return {'conflict'} end
end
if op == 'create' and parent ~= '' and redis.call('HEXISTS', KEYS[8], parent) == 0 then return {'orphan', parent} end
if op == 'delete' and redis.call('HEXISTS', KEYS[7], id) == 1 then return {'parent', redis.call('HGET', KEYS[7], id)} end
for i = first_unique + olds, #ARGV do
  local holder = redis.call('HGET', KEYS[4], ARGV[i])
  if holder and holder ~= id then return {'taken', ARGV[i], holder} end
end

local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000000 + clock[2])
revision = string.format('%.0f', redis.call('INCR', KEYS[1]))
created = created or now

for i = first_unique, first_unique + olds - 1 do redis.call('HDEL', KEYS[4], ARGV[i]) end
for i = first_unique + olds, #ARGV do redis.call('HSET', KEYS[4], ARGV[i], id) end
if op == 'delete' then
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
else
  redis.call('HSET', KEYS[2], id, revision .. ' ' .. created .. ' ' .. now .. ' ' .. event .. '\n' .. doc)
end
if op == 'create' then redis.call('ZADD', KEYS[3], revision, id) end
if parent ~= '' and op == 'create' then redis.call('HINCRBY', KEYS[9], parent, 1) end
if parent ~= '' and op == 'delete' and redis.call('HINCRBY', KEYS[9], parent, -1) <= 0 then redis.call('HDEL', KEYS[9], parent) end

redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[10], revision .. '-0',
  'op', op, 'kind', kind, 'id', id, 'doc', doc, 'created', created, 'updated', now)
redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[11], revision .. '-0',
  'event', event, 'type', ARGV[7], 'principal', ARGV[8], 'id', id, 'object', ARGV[9], 'time', now)
return {'ok', revision, created, now}
