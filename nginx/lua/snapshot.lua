-- What an edge knows, in a file beside its configuration: with it an edge starts while Redis is away. Signing secrets
-- are in it as Redis has them: sealed.
local ffi = require("ffi")
local base64 = require("base64")
local json = require("cjson.safe")

local FORMAT, MAX_AGE = 1, 86400 -- seconds; longer ago, too much may have been revoked since
local CREATE, OWNER_ONLY = 0x241, 384 -- O_WRONLY | O_CREAT | O_TRUNC, 0600

ffi.cdef([[
int open(const char *path, int flags, ...);
ssize_t write(int fd, const void *bytes, size_t size);
int close(int fd);
]])

local M = {}

--- Write { keys, slots (bytes) } at `now` (Unix seconds), whole or not at all. Returns nil and a message when it
-- can't be. Not synced: what a power failure leaves in pieces is not read, and that is as if there were none.
function M.save(path, known, now)
  local text = json.encode({
    format = FORMAT, saved = now, keys = known.keys, slots = base64.standard(known.slots),
  })
  local draft = path .. ".new"
  local file = ffi.C.open(draft, CREATE, ffi.cast("int", OWNER_ONLY))
  if file < 0 then
    return nil, draft .. " can't be written"
  end
  local written = ffi.C.write(file, text, #text)
  ffi.C.close(file)
  if written ~= #text then
    return nil, draft .. " could not be written whole"
  end
  return os.rename(draft, path)
end

--- What was saved at most a day before `now`: { keys, slots (bytes) }; nil and a message when there is none.
function M.load(path, now)
  local file, problem = io.open(path, "r")
  if not file then
    return nil, problem
  end
  local known = json.decode(file:read("*a"))
  file:close()
  local sound = type(known) == "table" and known.format == FORMAT and type(known.saved) == "number"
    and type(known.keys) == "table" and type(known.slots) == "string"
  local slots = sound and base64.decode(known.slots)
  if not slots then
    return nil, path .. " is damaged"
  elseif known.saved > now or known.saved < now - MAX_AGE then
    return nil, path .. " is too old"
  end
  return { keys = known.keys, slots = slots }
end

return M
