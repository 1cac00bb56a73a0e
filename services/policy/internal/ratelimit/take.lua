-- Takes permits of one sliding-window bucket; see window.go for the algorithm.
-- KEYS: bucket
-- ARGV: capacity, rate in microseconds, permits wanted
-- Answers: permits given, permits now held, microseconds until the next permit (0
-- when all wanted were given), the time in microseconds.
--
-- The bucket is a string: held (u32), first slot (u16), groups (u16), and a ring of
-- records: start (u64, microseconds), span (u32: last permit minus start), permits
-- (u32).
local HEAD, RECORD, SLOTS, PARTS = 8, 16, 130, 128
local key, capacity, rate, wanted = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local width = math.ceil(rate / PARTS)

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local held, first, groups = 0, 0, 0
local state = redis.call('GET', key)
if state then held, first, groups = struct.unpack('<I4I2I2', state) end

local function offset(i) return HEAD + (first + i) % SLOTS * RECORD end
local function group(i) return struct.unpack('<I8I4I4', state, offset(i) + 1) end

if groups > 0 then -- the clock may have been set back
  local start, span = group(groups - 1)
  if start + span > now + rate then
    held, groups = 0, 0
  elseif start + span > now then
    now = start + span
  end
end

while groups > 0 do -- groups that have left the window
  local start, span, permits = group(0)
  if start + span + rate > now then break end
  held, first, groups = held - permits, (first + 1) % SLOTS, groups - 1
end

local given = math.max(0, math.min(wanted, capacity - held))
local last_start, last_span, last_permits
if given > 0 then
  if groups > 0 then last_start, last_span, last_permits = group(groups - 1) end
  if last_start and now - last_start < width then
    last_span, last_permits = now - last_start, last_permits + given
  else
    last_start, last_span, last_permits = now, 0, given
    groups = groups + 1
  end
  held = held + given
  redis.call('SETRANGE', key, offset(groups - 1), struct.pack('<I8I4I4', last_start, last_span, last_permits))
  redis.call('SETRANGE', key, 0, struct.pack('<I4I2I2', held, first, groups))
  if last_span == 0 then redis.call('PEXPIRE', key, math.ceil((rate + width) / 1000) + 1) end
end

local wait = 0
if given < wanted then -- until enough groups have left that one more fits
  local freed = 0
  for i = 0, groups - 1 do
    local start, span, permits
    if i == groups - 1 and last_start then
      start, span, permits = last_start, last_span, last_permits
    else
      start, span, permits = group(i)
    end
    freed = freed + permits
    if held - freed < capacity then
      wait = start + span + rate - now
      break
    end
  end
end
return {given, held, wait, now}
