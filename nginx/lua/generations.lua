-- Generations of scopes, in memory that all workers share: a table of fixed size indexed by hash.
-- A slot holds the sum over the scopes that meet in it and only grows, so a collision costs a needless miss,
-- never a stale picture, and nothing overflows.
local ffi = require("ffi")
local bit = require("bit")

local byte, max = string.byte, math.max
local band, bxor, rshift, tobit = bit.band, bit.bxor, bit.rshift, bit.tobit

local SLOTS = 65536
local READ_WRITE, SHARED_ANONYMOUS = 3, 0x21

ffi.cdef([[
void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset);
int munmap(void *address, size_t length);
typedef struct {
  volatile uint32_t version, following, keys, restored;
  volatile uint32_t slot[65536];
} mezzotint_generations;
]])

local Generations = {}
Generations.__index = Generations

local M = {}

--- The slot of a scope.
function M.slot(scope)
  local hash = 5381
  for i = 1, #scope do
    hash = bxor(tobit(hash * 33), byte(scope, i))
  end
  return band(bxor(hash, rshift(hash, 16)), SLOTS - 1)
end

--- A fresh table that processes forked from here share. Raises when there is no memory.
function M.new()
  local size = ffi.sizeof("mezzotint_generations")
  local memory = ffi.C.mmap(nil, size, READ_WRITE, SHARED_ANONYMOUS, -1, 0)
  assert(ffi.cast("intptr_t", memory) ~= -1, "no memory for the generations")
  local page = ffi.gc(ffi.cast("mezzotint_generations *", memory), function(it) ffi.C.munmap(it, size) end)
  return setmetatable({ page = page }, Generations)
end

--- Raised by every change; 0 until the first whole read, and then nothing is known.
function Generations:version()
  return self.page.version
end

--- Raised by every change to the signing keys.
function Generations:keys_version()
  return self.page.keys
end

--- Whether the one who writes is in touch with Redis just now.
function Generations:following()
  return self.page.following == 1
end

function Generations:at(slot)
  return self.page.slot[slot]
end

--- All slots as bytes, for a snapshot.
function Generations:bytes()
  return ffi.string(ffi.cast("const char *", self.page.slot), SLOTS * 4)
end

--- Begin with what a snapshot held, before anyone reads. It stays unconfirmed: `version` is 0 until a whole reading.
-- False when the bytes are not all there.
function Generations:restore(bytes)
  if #bytes ~= SLOTS * 4 then
    return false
  end
  ffi.copy(ffi.cast("char *", self.page.slot), bytes, #bytes)
  self.page.restored = 1
  return true
end

--- Whether the slots are those of a snapshot, or better.
function Generations:restored()
  return self.page.restored == 1
end

-- The rest is for the one writer.

--- Take in a whole reading, a table of scope to generation. Any difference raises the slot, never lowers it: a reading
-- that is behind what was said before must not bring an old key back.
function Generations:take(reading)
  local sums = ffi.new("uint32_t[?]", SLOTS)
  for scope, generation in pairs(reading) do
    local slot = M.slot(scope)
    sums[slot] = sums[slot] + generation
  end
  for slot = 0, SLOTS - 1 do
    local held = self.page.slot[slot]
    if sums[slot] ~= held then
      self.page.slot[slot] = max(sums[slot], held + 1)
    end
  end
end

function Generations:raise(scope, delta)
  local slot = M.slot(scope)
  self.page.slot[slot] = self.page.slot[slot] + delta
end

--- Make readers look again at what they derived from the slots (last, after the slots are written).
function Generations:publish()
  self.page.version = self.page.version + 1
end

function Generations:publish_keys()
  self.page.keys = self.page.keys + 1
end

function Generations:follow(in_touch)
  self.page.following = in_touch and 1 or 0
end

return M
