-- Who sends wrong API keys: counted by client, so that whoever goes on guessing waits and nobody else does.
local MOST, SECONDS = 50, 60

local Guesses = {}
Guesses.__index = Guesses

local M = {}

--- `counts`: a shared dictionary.
function M.new(counts)
  return setmetatable({ counts = counts }, Guesses)
end

--- A request of this client was refused for its key.
function Guesses:wrong(client)
  self.counts:incr(client, 1, 0, SECONDS)
end

--- For how many seconds more nothing of this client is listened to; nil: it may speak.
function Guesses:wait(client)
  if (self.counts:get(client) or 0) >= MOST then
    return math.max(1, math.ceil(self.counts:ttl(client) or 1))
  end
end

return M
