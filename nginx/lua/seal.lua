-- Sealed secrets: AES-256-GCM; a blob is nonce (12 bytes), ciphertext, tag (16 bytes).
local ffi = require("ffi")
local crypto = require("libcrypto")

local NONCE, TAG, SET_TAG = 12, 16, 0x11

local M = {}

--- The 32-byte key in a file of 64 hex digits. Raises an error that names the file.
function M.key(file)
  local handle = assert(io.open(file, "r"))
  local digits = handle:read("*l") or ""
  handle:close()
  assert(#digits == 64 and not digits:find("%X"), file .. " does not hold 64 hex digits")
  return (digits:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

local function decrypt(ctx, key, blob, additional)
  local text = ffi.new("unsigned char[?]", #blob)
  local size = ffi.new("int[1]")
  local cipher, tag = blob:sub(NONCE + 1, -TAG - 1), ffi.new("unsigned char[?]", TAG)
  ffi.copy(tag, blob:sub(-TAG), TAG)
  if crypto.EVP_DecryptInit_ex(ctx, crypto.EVP_aes_256_gcm(), nil, key, blob:sub(1, NONCE)) ~= 1
    or crypto.EVP_DecryptUpdate(ctx, nil, size, additional, #additional) ~= 1
    or crypto.EVP_DecryptUpdate(ctx, text, size, cipher, #cipher) ~= 1
    or crypto.EVP_CIPHER_CTX_ctrl(ctx, SET_TAG, TAG, tag) ~= 1
    or crypto.EVP_DecryptFinal_ex(ctx, text + #cipher, size) ~= 1 then
    return nil
  end
  return ffi.string(text, #cipher)
end

--- The plain bytes of a blob; nil when key, additional data or blob is not the one it was sealed with.
function M.open(key, blob, additional)
  if #blob < NONCE + TAG then
    return nil
  end
  local ctx = crypto.EVP_CIPHER_CTX_new()
  local text = decrypt(ctx, key, blob, additional)
  crypto.EVP_CIPHER_CTX_free(ctx)
  return text
end

return M
