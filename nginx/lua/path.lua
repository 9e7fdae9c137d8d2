-- Delivery paths: the one form that is served, read from the raw bytes of the request line. Nothing is decoded.
local match, find, upper = string.match, string.find, string.upper

local MAX_PATH, MAX_OPERATIONS, MAX_SLUG = 1024, 512, 100
local FORM = "^/v1/(%l+)/([a-z0-9-]+)/([a-z0-9-]+)/([a-z0-9-]+)/img/(%w+)/v([1-9]%d*)/([%w._~:,-]+)%.([a-z0-9]+)$"
local ULID = "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]+$"

local M = {}

local function slug(text)
  return #text <= MAX_SLUG and not find(text, "^-") and not find(text, "-$")
end

--- The parts of a raw path (without its query), or nil and a problem. The asset comes back in upper case.
function M.parse(raw)
  if #raw > MAX_PATH then
    return nil, { code = "path_too_long", detail = "a path has at most " .. MAX_PATH .. " bytes" }
  end
  local access, organization, tenant, space, asset, version, operations, ext = match(raw, FORM)
  if not access or (access ~= "pub" and access ~= "priv")
    or not (slug(organization) and slug(tenant) and slug(space))
    or #asset ~= 26 or not find(asset, ULID) or #version > 6 or #ext > 10 then
    return nil, { code = "invalid_path", detail = "a delivery path is "
      .. "/v1/{pub|priv}/{organization}/{tenant}/{space}/img/{asset}/v{version}/{operations}.{ext}" }
  end
  if #operations > MAX_OPERATIONS then
    return nil, { code = "invalid_path", field = "operations",
      detail = "the operations have at most " .. MAX_OPERATIONS .. " bytes" }
  end
  if (ext == "json") ~= (operations == "info") then
    return nil, { code = "invalid_path", field = "ext", detail = "json goes with info, and with nothing else" }
  end
  return {
    access = access, organization = organization, tenant = tenant, space = space,
    asset = upper(asset), version = version, operations = operations, ext = ext,
  }
end

--- The canonical path of an address whose operations and ext have been made canonical.
function M.spell(address, operations, ext)
  return "/v1/" .. address.access .. "/" .. address.organization .. "/" .. address.tenant .. "/" .. address.space
    .. "/img/" .. address.asset .. "/v" .. address.version .. "/" .. operations .. "." .. ext
end

--- Whether a raw path says what it seems to say: no `%`, `//`, `.` or `..` segment, no byte outside visible ASCII.
function M.plain(raw)
  return not (find(raw, "[^\33-\126]") or find(raw, "[%%\\]") or find(raw, "//", 1, true)
    or find(raw .. "/", "/%.%.?/"))
end

return M
