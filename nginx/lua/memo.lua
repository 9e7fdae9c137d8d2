-- A bounded memory of things derived: two tables of which the older is dropped when the younger is full.
local Memo = {}
Memo.__index = Memo

local M = {}

--- Holds at least the last `size` things put in or found, at most twice as many.
function M.new(size)
  return setmetatable({ size = size, count = 0, young = {}, old = {} }, Memo)
end

function Memo:get(key)
  local value = self.young[key]
  if value ~= nil then
    return value
  end
  value = self.old[key]
  if value ~= nil then
    self:put(key, value)
  end
  return value
end

function Memo:put(key, value)
  if self.count >= self.size then
    self.old, self.young, self.count = self.young, {}, 0
  end
  if self.young[key] == nil then
    self.count = self.count + 1
  end
  self.young[key] = value
end

return M
