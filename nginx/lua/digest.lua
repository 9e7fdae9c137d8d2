-- Digests of texts, by libcrypto.
local ffi = require("ffi")
local base64 = require("base64")
local crypto = require("libcrypto")

local SHORT = 18 -- bytes, whose spelling has 24 characters

local M = {}

--- The first 144 bits of a text's SHA-256, in URL-safe base64.
function M.short(text)
  local bytes = ffi.new("unsigned char[32]")
  crypto.SHA256(text, #text, bytes)
  return base64.url(ffi.string(bytes, SHORT))
end

return M
