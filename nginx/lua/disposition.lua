-- The Content-Disposition of a download (RFC 6266).
local char, find, format, gsub = string.char, string.find, string.format, string.gsub

local MAX_NAME = 255

local M = {}

--- The header's text for a raw `download` argument; without a name the browser takes the URL's.
function M.attachment(raw)
  local name = gsub(raw, "%%(%x%x)", function(byte) return char(tonumber(byte, 16)) end)
  if #name > MAX_NAME then
    name = gsub(name:sub(1, MAX_NAME), "[\192-\255]?[\128-\191]*$", "") -- no part of a character at the end
  end
  name = gsub(name, "[%c/\\]", "_")
  if name == "" then
    return "attachment"
  end
  local ascii = gsub(name, "[\"\128-\255]", "_")
  local header = 'attachment; filename="' .. ascii .. '"'
  if find(name, "[\128-\255]") then
    local encoded = gsub(name, "[^%w!#$&+.^_`|~-]", function(byte) return format("%%%02X", byte:byte()) end)
    header = header .. "; filename*=UTF-8''" .. encoded
  end
  return header
end

return M
