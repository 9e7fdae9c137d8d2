-- A client of the Redis protocol (RESP2) over a cosocket. Every call returns nil and a message when it fails; the
-- connection is then of no more use.
local concat = table.concat

local Connection = {}
Connection.__index = Connection

local M = {}

--- What a URL says (unix://PATH, redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]): { host, port, user, password,
-- database }.
function M.address(url)
  local socket, query = url:match("^unix://([^?]+)%??(.*)$")
  if socket then
    return { host = "unix:" .. socket, database = query:match("db=(%d+)") }
  end
  local credentials, host, database = url:match("^redis://([^/]-)@?([^@/]+)/?(%d*)$")
  assert(host, "the Redis URL is not of a form known here")
  local user, password = credentials:match("^([^:]*):(.*)$")
  return {
    host = host:match("^(.-):%d+$") or host, port = tonumber(host:match(":(%d+)$") or 6379),
    user = user ~= "" and user or nil, password = password, database = database ~= "" and database or nil,
  }
end

local function encode(command)
  local parts = { "*" .. #command .. "\r\n" }
  for i, argument in ipairs(command) do
    local text = tostring(argument)
    parts[i + 1] = "$" .. #text .. "\r\n" .. text .. "\r\n"
  end
  return concat(parts)
end

local read

local function read_array(socket, size)
  local items = {}
  for i = 1, size do
    local item, problem = read(socket)
    if item == nil then
      return nil, problem
    end
    items[i] = item
  end
  return items
end

-- A null is false, so that an array keeps its length and nil always means failure.
function read(socket)
  local line, problem = socket:receive()
  if not line then
    return nil, problem
  end
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "+" then
    return rest
  elseif kind == ":" then
    return tonumber(rest)
  elseif kind == "-" then
    return nil, rest
  end
  local size = tonumber(rest)
  if not size or (kind ~= "$" and kind ~= "*") then
    return nil, "Redis speaks another protocol"
  elseif size < 0 then
    return false
  elseif kind == "*" then
    return read_array(socket, size)
  end
  local text
  text, problem = socket:receive(size + 2)
  if not text then
    return nil, problem
  end
  return text:sub(1, size)
end

--- Connect a fresh cosocket to an address. `timeout` in milliseconds goes for every step.
function M.connect(socket, address, timeout)
  socket:settimeout(timeout)
  local connected, problem
  if address.port then
    connected, problem = socket:connect(address.host, address.port)
  else
    connected, problem = socket:connect(address.host)
  end
  if not connected then
    return nil, problem
  end
  local self = setmetatable({ socket = socket }, Connection)
  local greeting = {}
  if address.password then
    greeting[1] = { "AUTH", address.user or "default", address.password }
  end
  if address.database then
    greeting[#greeting + 1] = { "SELECT", address.database }
  end
  local answers
  answers, problem = self:pipeline(greeting)
  return answers and self, problem
end

--- The answers to commands sent at once, in order.
function Connection:pipeline(commands)
  local parts = {}
  for i, command in ipairs(commands) do
    parts[i] = encode(command)
  end
  local sent, problem = self.socket:send(concat(parts))
  if not sent then
    return nil, problem
  end
  return read_array(self.socket, #commands)
end

--- Done with it: back to the pool of this worker, or closed.
function Connection:release(idle_milliseconds, pool_size)
  self.socket:setkeepalive(idle_milliseconds, pool_size)
end

function Connection:close()
  self.socket:close()
end

return M
