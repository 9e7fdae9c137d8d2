-- Who sends wrong API keys: counted by client address, so that whoever goes on guessing waits and nobody else does.
local network = require("network")

local MOST, SECONDS = 50, 60

local Guesses = {}
Guesses.__index = Guesses

local M = {}

--- `counts`: a shared dictionary.
function M.new(counts)
  return setmetatable({ counts = counts }, Guesses)
end

--- A request of this address (in binary) was refused for its key.
function Guesses:wrong(address)
  self.counts:incr(network(address), 1, 0, SECONDS)
end

--- For how many seconds more nothing of this address is listened to; nil: it may speak.
function Guesses:wait(address)
  local key = network(address)
  if (self.counts:get(key) or 0) >= MOST then
    return math.max(1, math.ceil(self.counts:ttl(key) or 1))
  end
end

return M
