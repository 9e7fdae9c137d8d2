-- Follows the control plane's publications in Redis: everything at first, then what its stream says.
local BLOCK_MILLISECONDS, BATCH = 1000, 1000
local FROM_NOW = "$"

local M = {}

local function pairs_of(list)
  local out = {}
  for i = 1, #list, 2 do
    out[list[i]] = list[i + 1]
  end
  return out
end

--- One whole reading: { epoch, last, keys, generations }; false when Redis holds no publication that can be trusted;
-- nil and a message when it does not answer. In one transaction, so that the stream goes on exactly where it ends.
function M.read(redis)
  local answers, problem = redis:pipeline({
    { "MULTI" },
    { "GET", "mz:epoch" }, { "GET", "mz:server" }, { "INFO", "server" },
    { "HGETALL", "mz:keys" }, { "HGETALL", "mz:generations" },
    { "XREVRANGE", "mz:events", "+", "-", "COUNT", 1 },
    { "EXEC" },
  })
  if not answers then
    return nil, problem
  end
  local epoch, server, info, keys, generations, newest = unpack(answers[#answers])
  -- A server that has restarted since may have come back with older data: in it a revoked key is good again.
  if not epoch or (server and not info:find("run_id:" .. server, 1, true)) then
    return false
  end
  return {
    epoch = epoch, keys = pairs_of(keys), generations = pairs_of(generations),
    last = newest[1] and newest[1][1] or "0-0",
  }
end

-- Whether one event came after another, by their identifiers: milliseconds, a dash, a number.
local function after(one, other)
  local time, number = one:match("^(%d+)-(%d+)$")
  local other_time, other_number = other:match("^(%d+)-(%d+)$")
  time, other_time = tonumber(time), tonumber(other_time)
  return time > other_time or (time == other_time and tonumber(number) > tonumber(other_number))
end

--- Wait for events after `last`, at most a second: { epoch, last, events = { { type, name, value, delta } }, gap = true
-- when some may have been trimmed away before they were read }.
function M.next(redis, last)
  local answers, problem = redis:pipeline({
    { "XREAD", "COUNT", BATCH, "BLOCK", BLOCK_MILLISECONDS, "STREAMS", "mz:events", last },
    { "GET", "mz:epoch" },
    { "XRANGE", "mz:events", "-", "+", "COUNT", 1 },
  })
  if not answers then
    return nil, problem
  end
  local streams, epoch, oldest = answers[1], answers[2], answers[3][1]
  local gap = oldest ~= nil and last ~= FROM_NOW and after(oldest[1], last)
  local events = {}
  for i, entry in ipairs(streams and streams[1][2] or {}) do
    last = entry[1]
    events[i] = pairs_of(entry[2])
  end
  return { epoch = epoch, last = last, events = events, gap = gap }
end

local function apply(events, keys, generations, log)
  local generation_changed, key_changed = false, false
  for _, event in ipairs(events) do
    if event.type == "generation" then
      generations:raise(event.name, tonumber(event.delta))
      generation_changed = true
    elseif event.type == "key" then
      local kept, problem = keys:put(event.name, event.value)
      if not kept then
        log("no room for signing key " .. event.name .. ": " .. problem)
      end
      key_changed = true
    end
  end
  if generation_changed then
    generations:publish()
  end
  if key_changed then
    generations:publish_keys()
  end
end

local function take(reading, keys, generations, log)
  local kept, problem = keys:take(reading.keys)
  if not kept then
    log("no room for the signing keys: " .. problem)
  end
  generations:take(reading.generations)
  generations:publish_keys()
  generations:publish()
end

-- Follow one connection until it fails (a message) or the process is to end (nil).
local function follow(redis, house)
  while not house.ending() do
    local reading, problem = M.read(redis)
    if reading == nil then
      return problem
    end
    local epoch = reading and reading.epoch
    if reading then
      take(reading, house.keys, house.generations, house.log)
      house.confirmed(true)
    end
    house.generations:follow(reading)
    house.report(epoch)
    local last = reading and reading.last or FROM_NOW
    repeat
      local turn
      turn, problem = M.next(redis, last)
      if not turn then
        return problem
      end
      -- Without an epoch Redis has lost its data: what we hold stands until all is published again.
      local same = turn.epoch == epoch and not turn.gap
      if same and epoch then
        apply(turn.events, house.keys, house.generations, house.log)
        house.confirmed(#turn.events > 0)
      end
      last = turn.last
    until not same or house.ending()
  end
end

--- Run until the process is to end. `house`: connect, keys, generations, ending, log, report(epoch), sleep(seconds),
-- confirmed(changed) at every turn in which all that is known was in force.
function M.run(house)
  local said
  while not house.ending() do
    local redis, problem = house.connect()
    if redis then
      said = nil
      problem = follow(redis, house)
      redis:close()
    end
    house.generations:follow(false)
    if problem and problem ~= said then
      house.log("Redis is away, what is known stays in force: " .. problem)
      said = problem
    end
    if problem then
      house.sleep(0.2)
    end
  end
end

return M
