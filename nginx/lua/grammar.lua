-- The URL language: interprets grammar.json and knows no operation by name. Its twin is mezzotint.grammar in Python.
local find, match, gmatch, lower, rep = string.find, string.match, string.gmatch, string.lower, string.rep
local floor, max, min = math.floor, math.max, math.min
local concat = table.concat

local AUTO = "auto"

local Grammar = {}
Grammar.__index = Grammar

local M = {}

local function set(list)
  local members = {}
  for _, member in ipairs(list or {}) do
    members[member] = true
  end
  return members
end

-- Decimals are whole numbers of hundredths, so all arithmetic is exact.
local function hundredths(text)
  local whole, fraction = match(text, "^(%d+)%.?(%d*)$")
  return tonumber(whole) * 100 + tonumber(fraction .. rep("0", 2 - #fraction))
end

local function decimal_text(amount)
  local whole, rest = floor(amount / 100), amount % 100
  if rest == 0 then
    return tostring(whole)
  elseif rest % 10 == 0 then
    return whole .. "." .. rest / 10
  end
  return whole .. "." .. (rest < 10 and "0" or "") .. rest
end

local function digits(text, decimals)
  local whole, dot, fraction = match(text, "^(%d+)(%.?)(%d*)$")
  return whole and #whole <= 6 and #fraction <= 2 and (dot ~= "") == (fraction ~= "")
    and (decimals or dot == "")
end

-- A kind makes, of a token's row, a function from what was written to its canonical text, or nil and the rule broken.
local kinds = {}

function kinds.integer(row)
  local words = set(row.words)
  local rule = "takes a whole number from " .. row.min .. " to " .. row.max
  for _, word in ipairs(row.words or {}) do
    rule = rule .. " or " .. word
  end
  return function(text)
    if words[text] then
      return text
    end
    if not digits(text, row.floor) then
      return nil, rule
    end
    local number = tonumber(match(text, "^%d+"))
    if row.modulo then
      number = number % row.modulo
    end
    if row.clamp then
      number = min(max(number, row.min), row.max)
    end
    if number < row.min or number > row.max then
      return nil, rule
    end
    return tostring(number)
  end
end

function kinds.decimal(row)
  local rule = "takes a number from " .. decimal_text(row.min) .. " to " .. decimal_text(row.max)
    .. " with at most two decimals"
  return function(text)
    local amount = digits(text, true) and hundredths(text) or -1
    if amount < row.min or amount > row.max then
      return nil, rule
    end
    return decimal_text(amount)
  end
end

function kinds.choice(row)
  local choices, aliases = set(row.choices), row.aliases or {}
  local rule = "is one of " .. concat(row.choices, ", ")
  return function(text)
    local word = aliases[text] or text
    if not choices[word] then
      return nil, rule
    end
    return word
  end
end

function kinds.colour()
  return function(text)
    local size = #text
    if not find(text, "^%x+$") or not (size == 3 or size == 4 or size == 6 or size == 8) then
      return nil, "is a colour of 3, 4, 6 or 8 hex digits"
    end
    local hex = lower(text)
    if size < 6 then
      hex = hex:gsub(".", "%0%0")
    end
    if hex:sub(7) == "ff" then
      hex = hex:sub(1, 6)
    end
    return hex
  end
end

function kinds.name()
  return function(text)
    if #text > 64 or not find(text, "^[a-z0-9_]+$") or find("_" .. text .. "_", "__", 1, true) then
      return nil, "is a name of a-z, 0-9 and single _ inside, at most 64 characters"
    end
    return text
  end
end

function kinds.flag()
  return function(text)
    if text ~= "" then
      return nil, "is a flag and takes no value"
    end
    return ""
  end
end

-- A condition looks only at tokens earlier in the order, at their final values.
local function condition(wanted)
  local tests = {}
  for key, list in pairs(wanted or {}) do
    local members = set(list)
    if key == "all" or key == "any" then
      tests[#tests + 1] = function(present)
        for _, other in ipairs(list) do
          if (present[other] ~= nil) == (key == "any") then
            return key == "any"
          end
        end
        return key == "all"
      end
    else
      tests[#tests + 1] = function(present)
        return present[key] ~= nil and members[present[key]] == true
      end
    end
  end
  return function(present)
    for i = 1, #tests do
      if not tests[i](present) then
        return false
      end
    end
    return true
  end
end

local function default_of(rule)
  if not rule then
    return function() end
  elseif rule.by then
    return function(present) return rule.values[present[rule.by]] end
  end
  return function() return rule.value end
end

local function compile(row)
  local drops = {}
  for i, drop in ipairs(row.drop or {}) do
    drops[i] = { value = tostring(drop.value), when = condition(drop.when) }
  end
  return {
    key = row.key, redirect = row.redirect or {}, max = row.max, scales = row.scales,
    spell = assert(kinds[row.kind], row.kind)(row), needs = condition(row.needs),
    default = default_of(row.default), drops = drops,
  }
end

--- An interpreter of the decoded grammar.json.
function M.new(table_)
  local self = setmetatable({
    digest = table_.digest, fallback = table_.auto_fallback, order = {}, tokens = {}, extensions = {}, negotiated = {},
    originals = {},
  }, Grammar)
  local names = {}
  for _, format in ipairs(table_.formats) do
    names[#names + 1] = format.name
    self.extensions[format.name] = format.name
    self.negotiated[format.name] = format.negotiated
    for _, alias in ipairs(format.aliases) do
      self.extensions[alias] = format.name
    end
  end
  self.formats = concat(names, ", ")
  for _, name in ipairs(table_.originals) do
    self.originals[name] = name
  end
  for i, row in ipairs(table_.tokens) do
    local token = compile(row)
    self.order[i] = token
    self.tokens[row.key] = token
    if row.role then
      self[row.role .. "_token"] = token
    end
  end
  return self
end

local function refuse(detail, field)
  return nil, { code = "invalid_operation", field = field or "operations", detail = detail }
end

--- The canonical spelling of an ext, or nil and a problem.
function Grammar:extension(ext)
  local name = self.extensions[ext]
  if not name then
    return refuse("ext '" .. ext:sub(1, 16) .. "' is none of " .. self.formats, "ext")
  end
  return name
end

--- The canonical spelling of an original's ext, or nil and a problem.
function Grammar:original(ext)
  local name = self.originals[ext]
  if name then
    return name
  end
  return self:extension(ext)
end

function Grammar:read(operations)
  local given = {}
  for written in gmatch(operations .. "-", "([^-]*)-") do
    local key, separator, value = match(written, "^([^_]*)(_?)(.*)$")
    local shown = "'" .. written:sub(1, 80) .. "'"
    local token = self.tokens[key]
    if token and token.redirect[value] then
      token = self.tokens[token.redirect[value]]
    end
    if not token then
      return refuse(shown .. " is not an operation")
    elseif given[token.key] then
      return refuse(shown .. ": " .. token.key .. " is given twice")
    elseif separator ~= "" and value == "" then
      return refuse(shown .. " has no value")
    end
    local text, rule = token.spell(value)
    if not text then
      return refuse(shown .. ": " .. token.key .. " " .. rule)
    end
    given[token.key] = text
  end
  return given
end

function Grammar:fold(given)
  local scale = self.scale_token
  local written = given[scale.key]
  if not written then
    return true
  end
  local factor = hundredths(written)
  given[scale.key] = nil
  for _, key in ipairs(scale.scales) do
    if given[key] then
      local amount = max(1, floor((tonumber(given[key]) * factor + 50) / 100))
      local most = self.tokens[key].max
      if amount > most then
        return refuse("'" .. key .. "_" .. given[key] .. "' times " .. scale.key .. "_" .. written .. " is "
          .. amount .. ": " .. key .. " takes at most " .. most)
      end
      given[key] = tostring(amount)
    end
  end
  return true
end

local function write(out, key, text)
  out[#out + 1] = text == "" and key or key .. "_" .. text
end

-- The preset may set anything, so nothing is folded or defaulted: only a scale of 1 says nothing for certain.
function Grammar:beside_preset(given)
  local out = {}
  write(out, self.preset_token.key, given[self.preset_token.key])
  for _, token in ipairs(self.order) do
    local text = given[token.key]
    if text and token ~= self.preset_token and not (token == self.scale_token and text == "1") then
      write(out, token.key, text)
    end
  end
  return concat(out, "-")
end

function Grammar:beside_none(given)
  local out, present = {}, {}
  for _, token in ipairs(self.order) do
    local text = given[token.key] or token.default(present)
    local stays = text and token.needs(present)
    for _, drop in ipairs(token.drops) do
      stays = stays and not (text == drop.value and drop.when(present))
    end
    if stays then
      present[token.key] = text
      write(out, token.key, text)
    end
  end
  return concat(out, "-")
end

--- The canonical operations and ext, or nil and a problem: { operations, ext, auto = boolean, preset = name or nil }.
function Grammar:canonical(operations, ext)
  local given, problem = self:read(operations)
  if not given then
    return nil, problem
  end
  local format
  format, problem = self:extension(ext)
  if not format then
    return nil, problem
  end
  local named = given[self.format_token.key] or format
  local auto = named == AUTO
  if not auto then
    format = named
  elseif self.negotiated[format] then
    format = self.fallback
  end
  given[self.format_token.key] = named
  local preset = given[self.preset_token.key]
  local text
  if preset then
    text = self:beside_preset(given)
  else
    local folded
    folded, problem = self:fold(given)
    if not folded then
      return nil, problem
    end
    text = self:beside_none(given)
  end
  return { operations = text, ext = format, auto = auto, preset = preset }
end

return M
