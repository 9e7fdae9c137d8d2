-- Tenants of whose pictures as many wait at the origin as may. Of such a one's misses the next is let in when one comes
-- out: the origin's queue stays full, and who finds no place in it costs the origin nothing.
local M = {}
M.__index = M

local SECONDS = 0.5 -- without an answer, after which nothing is known any more
local ROOM = 8 -- that so many went and nobody came means that the crowd has gone
local MORE = 16 -- of so many that come out, one makes room for two: there may be more places than were seen taken

--- `places`: shared memory, with the free places of each tenant that is known to be full; `random` as Lua's.
function M.new(places, random)
  return setmetatable({ places = places, random = random }, M)
end

--- Whether a miss of this tenant may go to the origin.
function M:let_in(tenant)
  local left = self.places:incr(tenant, -1)
  if left and left < 0 then
    self.places:incr(tenant, 1)
    return false
  end
  return true
end

--- One that was let in found its place taken, so there is one less.
function M:was_full(tenant)
  self.places:add(tenant, 0, SECONDS)
end

--- One that was let in has come out; `made`: with a picture for which others had to wait. Of what else comes out, as
-- quickly as it went in, nothing is learned.
function M:came_out(tenant, made)
  local free = self.places:incr(tenant, made and self.random(MORE) == 1 and 2 or 1)
  if free and free > ROOM then
    self.places:delete(tenant)
  elseif free and made then
    self.places:expire(tenant, SECONDS)
  end
end

return M
