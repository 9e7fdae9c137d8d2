-- Signing keys: sealed records in memory that all workers share, opened once per worker and change.
local base64 = require("base64")
local json = require("cjson.safe")
local memo = require("memo")
local seal = require("seal")

local UNKNOWN_SECONDS, OPENED_MAX = 2, 1024

local Keys = {}
Keys.__index = Keys

local M = {}

--- `records` and `unknown` are shared dictionaries: what is known, and kids that Redis lately did not know either
-- (apart, so that a flood of made-up kids pushes no key out).
function M.new(records, unknown, seal_key)
  local self = { records = records, unknown = unknown, seal_key = seal_key, opened = memo.new(OPENED_MAX) }
  return setmetatable(self, Keys)
end

function Keys:open(kid, text)
  local record = json.decode(text)
  local blob = record and base64.decode(record.secret)
  local secret = blob and seal.open(self.seal_key, blob, kid)
  if not secret then
    return false -- made with another seal key, or damaged: as good as unknown
  end
  return {
    organization = record.organization, tenant = record.tenant, status = record.status, secret = secret,
    grace_until = tonumber(record.grace_until) or 0, max_lifetime = record.max_lifetime,
  }
end

--- The key of a kid: { organization, tenant, status, grace_until, max_lifetime, secret }; false when its record can't
-- be opened, nil when there is none. `version` is that of all keys.
function Keys:get(kid, version)
  local found = self.opened:get(kid)
  if found and found.version == version then
    return found.key
  end
  local text = self.records:get(kid)
  if not text then
    return nil
  end
  local key = self:open(kid, text)
  self.opened:put(kid, { version = version, key = key })
  return key
end

function Keys:is_unknown(kid)
  return self.unknown:get(kid) ~= nil
end

function Keys:remember_unknown(kid)
  self.unknown:set(kid, true, UNKNOWN_SECONDS)
end

--- Take in what a look-up found. Never over what is there: that came by the stream and is newer.
function Keys:add(kid, text)
  return self.records:safe_add(kid, text)
end

--- Take in a change; an empty text removes. Returns nil and a message when memory is full.
function Keys:put(kid, text)
  self.unknown:delete(kid)
  if text == "" then
    self.records:delete(kid)
    return true
  end
  return self.records:safe_set(kid, text)
end

--- All records, a table of kid to text, for a snapshot.
function Keys:all()
  local all = {}
  for _, kid in ipairs(self.records:get_keys(0)) do
    all[kid] = self.records:get(kid)
  end
  return all
end

--- Take in a whole reading, a table of kid to text; what it lacks goes.
function Keys:take(reading)
  for _, kid in ipairs(self.records:get_keys(0)) do
    if not reading[kid] then
      self.records:delete(kid)
    end
  end
  for kid, text in pairs(reading) do
    local kept, problem = self:put(kid, text)
    if not kept then
      return nil, problem
    end
  end
  return true
end

return M
