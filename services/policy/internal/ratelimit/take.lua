-- Takes permits of one sliding-window bucket; see window.go for the algorithm.
-- KEYS: bucket
-- ARGV: capacity, rate in microseconds, permits for requests that wait, further
-- permits for a lease, within how many microseconds all of them will be used
-- Answers: permits given to those that wait, permits leased, permits now held,
-- microseconds until the next permit and until asking again makes sense (both 0
-- while some are left), the time, the end and the start of the group (times in
-- microseconds; the last two 0 when nothing was given).
--
-- The bucket is a string: held (u32), first slot (u16), groups (u16), and a ring of
-- records: start (u64, microseconds), span (u32: last use minus start), permits
-- (u32). read.go reads it too, give.lua changes it.
local HEAD, RECORD, SLOTS = 8, 16, 260
local SETTLE = 500000 -- by then whoever had a lease has given back what is left
local key, capacity, rate = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local waiting, further, within = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local width, reach = math.ceil(rate / 256), math.ceil(rate / 128)

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local held, first, groups = 0, 0, 0
local state = redis.call('GET', key)
if state then held, first, groups = struct.unpack('<I4I2I2', state) end

local function offset(i) return HEAD + (first + i) % SLOTS * RECORD end
local function group(i) return struct.unpack('<I8I4I4', state, offset(i) + 1) end

if groups > 0 then -- the clock may have been set back
  local start = group(groups - 1)
  if start > now + rate then
    held, groups = 0, 0
  elseif start > now then
    now = start
  end
end

while groups > 0 do -- groups that have left the window
  local start, span, permits = group(0)
  if start + span + rate > now then break end
  held, first, groups = held - permits, (first + 1) % SLOTS, groups - 1
end

local given = math.max(0, math.min(waiting, capacity - held))
local leased = math.max(0, math.min(further, math.floor((capacity - held - given) / 2)))
if further > 0 then -- less than was wanted is used sooner
  local needed = math.floor(within * (given + leased) / (waiting + further))
  within = math.max(math.min(within, math.floor(rate / 1024)), needed)
end
local last_start, last_span, last_permits = 0, 0, 0
if groups > 0 then last_start, last_span, last_permits = group(groups - 1) end
local ends, lease = 0, 0
if given + leased > 0 then
  local fresh = groups == 0 or now - last_start >= width
  if fresh then
    last_start, last_span, last_permits = now, 0, 0
    groups = groups + 1
  end
  last_span = math.max(last_span, math.min(now + within - last_start, reach))
  last_permits = last_permits + given + leased
  held = held + given + leased
  ends, lease = last_start + last_span, last_start
  redis.call('SETRANGE', key, offset(groups - 1), struct.pack('<I8I4I4', last_start, last_span, last_permits))
  redis.call('SETRANGE', key, 0, struct.pack('<I4I2I2', held, first, groups))
  if fresh then redis.call('PEXPIRE', key, math.ceil((rate + reach) / 1000) + 1) end
end

local wait, hold_off = 0, 0
if held >= capacity then -- until enough groups have left that one more fits
  local freed, last = 0, 0
  for i = 0, groups - 1 do
    local start, span, permits = last_start, last_span, last_permits
    if i < groups - 1 then start, span, permits = group(i) end
    freed, last = freed + permits, math.max(last, start + span) -- none leaves before those in front of it
    if held - freed < capacity then
      wait = last + rate - now
      break
    end
  end
  hold_off = wait
  local settled = last_start + last_span + SETTLE - now
  if settled > 0 then hold_off = math.min(wait, settled) end
end
return {given, leased, held, wait, hold_off, now, ends, lease}
