-- Runs the edge's pure modules in a bare interpreter: one JSON question a line on standard input, one answer a line.
-- luajit modules.lua LUA_FOLDER GRAMMAR_JSON
package.path = arg[1] .. "/?.lua;" .. package.path

local json = require("cjson.safe")
local accept = require("accept")
local base64 = require("base64")
local cache_key = require("cache_key")
local crowd = require("crowd")
local delivery = require("delivery")
local disposition = require("disposition")
local generations = require("generations")
local grammar = require("grammar")
local keys = require("keys")
local memo = require("memo")
local network = require("network")
local path = require("path")
local problem = require("problem")
local resp = require("resp")
local seal = require("seal")
local signature = require("signature")

local file = assert(io.open(arg[2]))
local language = grammar.new(assert(json.decode(file:read("*a"))))
file:close()

local function bytes(hex)
  return (hex:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

local function absent(value)
  if value == json.null then
    return nil
  end
  return value
end

-- A shared dictionary as far as keys.lua uses one.
local function dictionary(room)
  local held, count = {}, 0
  local function add(key, value)
    if held[key] == nil then
      if count >= room then
        return nil, "no memory"
      end
      count = count + 1
    end
    held[key] = value
    return true
  end
  return {
    get = function(_, key) return held[key] end,
    set = function(_, key, value) held[key] = value end,
    safe_set = function(_, key, value) return add(key, value) end,
    safe_add = function(_, key, value)
      if held[key] ~= nil then
        return nil, "exists"
      end
      return add(key, value)
    end,
    delete = function(_, key)
      count = held[key] ~= nil and count - 1 or count
      held[key] = nil
    end,
    get_keys = function()
      local out = {}
      for key in pairs(held) do
        out[#out + 1] = key
      end
      return out
    end,
  }
end

local answers = {}

function answers.canonical(q)
  local plan, fault = language:canonical(q.operations, q.ext)
  return plan or { fault = fault }
end

function answers.read(q)
  local reading, fault = delivery.read(language, q.uri)
  return reading or { fault = fault }
end

function answers.accept(q)
  return accept.class(absent(q.header))
end

function answers.plain(q)
  return path.plain(q.path)
end

function answers.sign(q)
  return signature.sign(bytes(q.secret_hex), q.path, tostring(q.exp), q.hostname:lower(), q.organization, q.tenant)
end

function answers.judge(q)
  local reading, fault = delivery.read(language, q.path .. "?" .. q.query)
  if not reading then
    return fault.code
  end
  local organization, tenant = q.key_scope:match("^(.-)/(.*)$")
  local key = reading.arguments.kid == "k1" and {
    organization = organization, tenant = tenant, status = q.key_status, grace_until = absent(q.grace_until) or 0,
    max_lifetime = q.key_max_lifetime, secret = bytes(q.secret_hex),
  } or nil
  local host = q.host:lower():gsub(":%d+$", "") -- as nginx's $host
  return signature.judge(reading.arguments, key, reading.address, reading.path, host, q.now)
end

function answers.disposition(q)
  return disposition.attachment(q.download)
end

function answers.unseal(q)
  local text = seal.open(bytes(q.key_hex), base64.decode(q.sealed), q.kid)
  return text and base64.url(text) or false
end

function answers.address(q)
  return resp.address(q.url)
end

function answers.network(q)
  return (network(bytes(q.address)):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

function answers.problems()
  return problem.codes
end

function answers.cache_key(q)
  local table_ = generations.new()
  table_:take(q.generations)
  for _, change in ipairs(q.changes or {}) do
    table_:raise(change[1], change[2])
  end
  local slots = cache_key.slots(q.address, absent(q.preset))
  return cache_key.compose(q.address.asset, q.canonical, q.class, cache_key.generations(slots, table_))
end

function answers.readings(q)
  local table_ = generations.new()
  local out = {}
  for i, reading in ipairs(q.readings) do
    table_:take(reading)
    out[i] = table_:at(generations.slot(q.scope))
  end
  return out
end

function answers.memo(q)
  local memory = memo.new(q.size)
  for _, key in ipairs(q.put) do
    memory:put(key, key)
    memory:get(q.put[1])
  end
  local held = 0
  for _, key in ipairs(q.put) do
    held = held + (memory:get(key) and 1 or 0)
  end
  return { held = held, first = memory:get(q.put[1]) ~= nil }
end

-- Shared memory with a clock.
local function clocked()
  local held, ends, now = {}, {}, 0
  local function there(key)
    return held[key] ~= nil and now < ends[key]
  end
  return {
    add = function(_, key, value, seconds)
      if not there(key) then
        held[key], ends[key] = value, now + seconds
      end
    end,
    incr = function(_, key, by)
      if not there(key) then
        return nil, "not found"
      end
      held[key] = held[key] + by
      return held[key]
    end,
    expire = function(_, key, seconds) ends[key] = now + seconds end,
    delete = function(_, key) held[key] = nil end,
    wait = function(_, seconds) now = now + seconds end,
    get = function(_, key) return there(key) and held[key] or nil end,
  }
end

-- The free places after each step, -1 while nothing is known; of `in`, whether it was let in.
function answers.crowd(q)
  local places, out, lucky = clocked(), {}, false
  local gate = crowd.new(places, function() return lucky and 1 or 2 end)
  for _, step in ipairs(q.steps) do
    local what, number = step[1], step[2]
    lucky = step[3]
    for _ = 1, what == "wait" and 1 or number do
      if what == "in" then
        out[#out + 1] = gate:let_in("t")
      elseif what == "full" then
        gate:was_full("t")
      elseif what == "wait" then
        places:wait(number)
      else
        gate:came_out("t", what == "made")
      end
    end
    out[#out + 1] = places:get("t") or -1
  end
  return out
end

-- A look-up that raced with a change must not bring the old record back.
function answers.raced(q)
  local held = keys.new(dictionary(8), dictionary(8), bytes(q.key_hex))
  held:remember_unknown(q.kid)
  held:put(q.kid, q.newer)
  held:add(q.kid, q.older)
  return { status = held:get(q.kid, 1).status, unknown = held:is_unknown(q.kid) }
end

function answers.whole(q)
  local held = keys.new(dictionary(8), dictionary(8), bytes(q.key_hex))
  held:put("gone", q.record)
  held:take({ [q.kid] = q.record })
  return { kept = held:get(q.kid, 1) and true, gone = held:get("gone", 1) == nil }
end

for line in io.lines() do
  local question = assert(json.decode(line))
  io.write(json.encode({ answers[question.ask](question) }), "\n")
end
