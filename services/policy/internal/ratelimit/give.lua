-- Gives back permits that were taken and will not be used; see take.lua.
-- KEYS: bucket
-- ARGV: start of the group that they were taken from, permits
-- Answers: permits given back; 0 when the group has left the window.
local HEAD, RECORD, SLOTS = 8, 16, 260
local key, lease, permits = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('GET', key)
if not state then return 0 end
local held, first, groups = struct.unpack('<I4I2I2', state)
for i = groups - 1, 0, -1 do
  local at = HEAD + (first + i) % SLOTS * RECORD
  local start, span, taken = struct.unpack('<I8I4I4', state, at + 1)
  if start < lease then break end
  if start == lease then
    permits = math.min(permits, taken)
    redis.call('SETRANGE', key, at, struct.pack('<I8I4I4', start, span, taken - permits))
    redis.call('SETRANGE', key, 0, struct.pack('<I4', held - permits))
    return permits
  end
end
return 0
