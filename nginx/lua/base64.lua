-- Base64 of byte strings, by libcrypto.
local ffi = require("ffi")
local crypto = require("libcrypto")

local M = {}

--- The standard spelling of bytes, padded.
function M.standard(bytes)
  local out = ffi.new("unsigned char[?]", 4 * math.ceil(#bytes / 3) + 1)
  return ffi.string(out, crypto.EVP_EncodeBlock(out, bytes, #bytes))
end

--- The URL-safe spelling of bytes, without padding.
function M.url(bytes)
  local text = M.standard(bytes):gsub("[+/=]", { ["+"] = "-", ["/"] = "_", ["="] = "" })
  return text
end

--- The bytes of a padded standard spelling; nil when it is none.
function M.decode(text)
  if #text % 4 ~= 0 or text:find("[^%w+/=]") then
    return nil
  end
  local out = ffi.new("unsigned char[?]", #text + 1)
  local size = crypto.EVP_DecodeBlock(out, text, #text)
  if size < 0 then
    return nil
  end
  return ffi.string(out, size - #text:match("=*$"))
end

return M
