-- Random bytes, by libcrypto.
local ffi = require("ffi")
local crypto = require("libcrypto")

local M = {}

--- So many random bytes as hex digits.
function M.hex(size)
  local bytes = ffi.new("unsigned char[?]", size)
  assert(crypto.RAND_bytes(bytes, size) == 1, "no random numbers")
  return (ffi.string(bytes, size):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

return M
