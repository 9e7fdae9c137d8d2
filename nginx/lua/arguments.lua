-- Query arguments of a delivery URL, read undecoded: sig, exp, kid, download. Any other one is ignored.
local find, gmatch, lower, sub = string.find, string.gmatch, string.lower, string.sub

local KNOWN = { sig = true, exp = true, kid = true, download = true }

local M = {}

--- { sig, exp, kid, download } of a raw query (nil: none was sent), or nil and a problem.
-- nginx reads names without regard to case, so two spellings of one name count as that name given twice.
function M.parse(query)
  local given, seen = {}, {}
  for argument in gmatch(query or "", "[^&]+") do
    local equals = find(argument, "=", 1, true)
    local name = equals and sub(argument, 1, equals - 1) or ""
    local known = lower(name)
    if KNOWN[known] then
      if seen[known] then
        return nil, { code = "bad_request", field = known, detail = known .. " is given twice" }
      end
      seen[known] = true
      if name == known then
        given[name] = sub(argument, equals + 1)
      end
    end
  end
  return given
end

return M
