-- The accept class of a client: which of the negotiated formats its Accept header names.
local find, gmatch, lower, match = string.find, string.gmatch, string.lower, string.match

local M = {}

local function trim(text)
  return match(text, "^[ \t]*(.-)[ \t]*$")
end

-- Only whether a weight is above 0 counts; one that is no number is 0.
local function positive(weight)
  return find(weight, "^%d*%.?%d*$") ~= nil and find(weight, "[1-9]") ~= nil
end

local function entry(text)
  local media_type, parameters = match(text, "^([^;]*)(.*)$")
  media_type = lower(trim(media_type))
  for parameter in gmatch(parameters, ";([^;]*)") do
    local weight = match(trim(parameter), "^[qQ]=(.*)$")
    if weight then
      return media_type, positive(weight)
    end
  end
  return media_type, true
end

--- "avif", "webp" or "base" for a header's text (nil: none was sent). Wildcards name nothing.
function M.class(header)
  local webp = false
  for text in gmatch(header or "", "[^,]+") do
    local media_type, wanted = entry(text)
    if wanted and media_type == "image/avif" then
      return "avif"
    end
    webp = webp or (wanted and media_type == "image/webp")
  end
  return webp and "webp" or "base"
end

return M
