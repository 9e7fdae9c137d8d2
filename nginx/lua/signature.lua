-- Signatures of private URLs: what is right for a request, and why one is refused.
local ffi = require("ffi")
local base64 = require("base64")
local crypto = require("libcrypto")

local find = string.find

local SECRET_MIN, TOLERANCE = 32, 60

local M = {}

--- The signature over what a URL says: path as sent, exp as sent, host in lower case without port.
function M.sign(secret, path, exp, host, organization, tenant)
  assert(#secret >= SECRET_MIN, "a signing secret has at least 32 bytes")
  local text = "GET\n" .. path .. "\n" .. exp .. "\n" .. host .. "\n" .. organization .. "/" .. tenant
  local digest, size = ffi.new("unsigned char[32]"), ffi.new("unsigned int[1]")
  crypto.HMAC(crypto.EVP_sha256(), secret, #secret, text, #text, digest, size)
  return base64.url(ffi.string(digest, 32))
end

--- nil when sig, exp and kid are all there and well formed, else the code of the refusal.
function M.malformed(arguments)
  local sig, exp, kid = arguments.sig, arguments.exp, arguments.kid
  if not (sig and exp and kid) then
    return "signature_required"
  end
  if #sig ~= 43 or find(sig, "[^%w_-]") or #exp > 15 or not find(exp, "^[1-9]%d*$")
    or #kid > 64 or not find(kid, "^[%w_-]+$") then
    return "signature_invalid"
  end
end

--- Whether a key may vouch for an address until `exp` (a number): its scope, its state, its longest lifetime.
function M.vouches(key, address, exp, now)
  return key.organization == address.organization
    and (key.tenant == "*" or key.tenant == address.tenant)
    and (key.status == "active" or (key.status == "grace" and now < key.grace_until))
    and exp <= now + key.max_lifetime + TOLERANCE
end

--- The whole verdict: "ok" or the code of the refusal. `key` is nil when the kid is unknown.
function M.judge(arguments, key, address, path, host, now)
  local code = M.malformed(arguments)
  if code then
    return code
  end
  local exp = tonumber(arguments.exp)
  if not key or not M.vouches(key, address, exp, now)
    or M.sign(key.secret, path, arguments.exp, host, address.organization, address.tenant) ~= arguments.sig then
    return "signature_invalid"
  end
  return now > exp and "signature_expired" or "ok"
end

return M
