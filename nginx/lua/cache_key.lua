-- The cache key: canonical path, accept class, generations. Nothing else of a request is in it.
local digest = require("digest")
local slot = require("generations").slot

local concat = table.concat

local M = {}

--- The slots of the scopes that an address (and its preset, or nil) belongs to: { scopes = {…}, preset = {…} or nil }.
function M.slots(address, preset)
  local organization = address.organization
  local tenant = organization .. "/" .. address.tenant
  local space = tenant .. "/" .. address.space
  return {
    scopes = {
      slot("*"), slot("o:" .. organization), slot("t:" .. tenant), slot("s:" .. space), slot("a:" .. address.asset),
    },
    preset = preset and {
      slot("p:" .. organization .. "/" .. preset), slot("p:" .. tenant .. "/" .. preset),
      slot("p:" .. space .. "/" .. preset),
    },
  }
end

--- The generations at those slots, as the key spells them.
function M.generations(slots, generations)
  local out = {}
  for i, scope in ipairs(slots.scopes) do
    out[i] = generations:at(scope)
  end
  local preset = ""
  if slots.preset then
    preset = 0
    for _, scope in ipairs(slots.preset) do
      preset = preset + generations:at(scope)
    end
  end
  out[#out + 1] = preset
  return concat(out, ".")
end

--- The key: the asset, by which an entry can be found on disk, and a digest of all that counts, since nginx reads the
-- key at every hit. `class` is "" unless the client's Accept header chooses the format.
function M.compose(asset, canonical_path, class, generations)
  return asset .. "." .. digest.short(canonical_path .. "|" .. class .. "|" .. generations)
end

return M
