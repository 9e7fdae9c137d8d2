-- What a raw request URI asks for.
local arguments = require("arguments")
local cache_key = require("cache_key")
local path = require("path")

local find, sub = string.find, string.sub

local M = {}

local function canonical(grammar, address)
  if address.operations == "info" then
    return { operations = "info", ext = "json", auto = false }
  elseif address.operations == "original" then
    local ext, problem = grammar:original(address.ext)
    return ext and { operations = "original", ext = ext, auto = false }, problem
  end
  return grammar:canonical(address.operations, address.ext)
end

--- The path and query of a raw request URI (query nil: none).
function M.split(uri)
  local mark = find(uri, "?", 1, true)
  if mark then
    return sub(uri, 1, mark - 1), sub(uri, mark + 1)
  end
  return uri
end

--- nil and a problem, or { path (as sent), canonical (path), auto, address, arguments, slots }.
function M.read(grammar, uri)
  local raw, query = M.split(uri)
  local address, problem = path.parse(raw)
  if not address then
    return nil, problem
  end
  local plan
  plan, problem = canonical(grammar, address)
  if not plan then
    return nil, problem
  end
  local given
  given, problem = arguments.parse(query)
  if not given then
    return nil, problem
  end
  return {
    path = raw, address = address, arguments = given, auto = plan.auto,
    canonical = path.spell(address, plan.operations, plan.ext), slots = cache_key.slots(address, plan.preset),
  }
end

return M
