-- The phases of a request: the only file that touches ngx.* and shared memory. It fetches and hands on; the other
-- modules decide.
local accept = require("accept")
local base64 = require("base64")
local cache_key = require("cache_key")
local crowd = require("crowd")
local delivery = require("delivery")
local disposition = require("disposition")
local follow = require("follow")
local generations = require("generations")
local grammar = require("grammar")
local guesses = require("guesses")
local json = require("cjson.safe")
local keys = require("keys")
local memo = require("memo")
local network = require("network")
local path = require("path")
local problem = require("problem")
local resp = require("resp")
local seal = require("seal")
local signature = require("signature")
local snapshot = require("snapshot")

local ngx, tonumber, find = ngx, tonumber, string.find
local var, shared = ngx.var, ngx.shared

local MEMO_SIZE, MEMO_URI_MAX, MEMO_ACCEPT = 8192, 2048, 256
local LOOK_UP_TIMEOUT, FOLLOW_TIMEOUT = 300, 2500 -- milliseconds; the second outlasts one blocking read
local LOOK_UP_IDLE, LOOK_UP_POOL = 10000, 8 -- milliseconds, connections of a worker
local START_PATIENCE, START_TICK = 1, 0.02 -- seconds
local SAVE_CHANGED, SAVE_UNCHANGED = 1, 60 -- seconds between two snapshots
local SAID_BY_THE_DOOR = {
  "Server", "Date", "Accept-Ranges", "X-Content-Type-Options", "Content-Security-Policy",
  "Cross-Origin-Resource-Policy", "Access-Control-Allow-Origin", "Timing-Allow-Origin", "X-Request-Id",
}
local SAID_BY_THE_ORIGIN = {
  "Content-Type", "ETag", "Last-Modified", "Cache-Control", "Content-Disposition", "X-Accel-Expires",
  "X-Mezzotint-Variant", "X-Mezzotint-Grammar", "X-Mezzotint-Size",
}
local FRAMING = { ["content-length"] = true, ["connection"] = true, ["transfer-encoding"] = true }
local ERROR_SECONDS = 2
local ABSOLUTE = { code = "invalid_path", detail = "the request line names more than a path" }

local language, state, signing_keys, wrong_api_keys, full_tenants, redis_address
local public_memo, private_memo = memo.new(MEMO_SIZE), memo.new(MEMO_SIZE)
local accept_memo = memo.new(MEMO_ACCEPT)
local started = 0
local saved, unsaved = 0, false

local M = {}

--- Before the workers fork. `options`: grammar and seal_key (files), redis (URL). Raises what keeps nginx from
-- starting.
function M.init(options)
  local file = assert(io.open(options.grammar, "r"))
  language = grammar.new(assert(json.decode(file:read("*a"))))
  file:close()
  redis_address = resp.address(options.redis)
  state = generations.new()
  signing_keys = keys.new(shared.signing_keys, shared.unknown_keys, seal.key(options.seal_key))
  wrong_api_keys = guesses.new(shared.wrong_api_keys)
  full_tenants = crowd.new(shared.full_tenants, math.random)
  M.restore()
end

local function snapshot_file()
  return ngx.config.prefix() .. "snapshot.json"
end

--- Begin with the last snapshot. After a reload the keys in shared memory are newer than any file.
function M.restore()
  local known, why = snapshot.load(snapshot_file(), ngx.time())
  if not known or not state:restore(known.slots) then
    ngx.log(ngx.NOTICE, "no snapshot to begin with: ", why or "of another size")
  elseif #shared.signing_keys:get_keys(1) == 0 then
    signing_keys:take(known.keys)
  end
end

local function save(changed)
  local now = ngx.now()
  unsaved = unsaved or changed
  if now - saved < (unsaved and SAVE_CHANGED or SAVE_UNCHANGED) then
    return
  end
  saved, unsaved = now, false
  local known = { keys = signing_keys:all(), slots = state:bytes() }
  local kept, why = snapshot.save(snapshot_file(), known, ngx.time())
  if not kept then
    ngx.log(ngx.ERR, "no snapshot saved: ", why)
  end
end

--- Whose requests are counted together.
function M.client()
  return network(var.binary_remote_addr)
end

local function connect(timeout)
  return resp.connect(ngx.socket.tcp(), redis_address, timeout)
end

local function log(message)
  ngx.log(ngx.WARN, message)
end

local function follow_publications()
  local house = {
    keys = signing_keys, generations = state, ending = ngx.worker.exiting, log = log, sleep = ngx.sleep,
    connect = function() return connect(FOLLOW_TIMEOUT) end,
    report = function(epoch) shared.edge:set("epoch", epoch) end,
    confirmed = save,
  }
  repeat
    local ended, defect = pcall(follow.run, house)
    if not ended then
      state:follow(false)
      ngx.log(ngx.ERR, "following failed and starts anew: ", defect)
      ngx.sleep(1)
    end
  until ended or ngx.worker.exiting()
end

--- One worker follows for all of them; a new one takes its number when it dies.
function M.init_worker()
  started = ngx.now()
  if ngx.worker.id() == 0 then
    ngx.timer.at(0, follow_publications)
  end
end

local function accept_class()
  local header = var.http_accept
  if not header then
    return "base"
  end
  local class = accept_memo:get(header)
  if not class then
    class = accept.class(header)
    accept_memo:put(header, class)
  end
  return class
end

-- The cache key of a reading, made anew when a generation changed.
local function key_of(reading, version)
  if reading.version ~= version then
    reading.version = version
    reading.generations = cache_key.generations(reading.slots, state)
    reading.keys = {}
  end
  local class = reading.auto and accept_class() or ""
  local key = reading.keys[class]
  if not key then
    key = cache_key.compose(reading.address.asset, reading.canonical, class, reading.generations)
    reading.keys[class] = key
  end
  return key
end

-- What the access log says of a path, put together once for many hits. It holds nothing that JSON would have escaped.
local function about(reading)
  local address = reading.address
  return ('"path":"%s","organization":"%s","tenant":"%s","asset":"%s",'):format(
    reading.path, address.organization, address.tenant, address.asset)
end

-- No key: the request goes on in another location.
local function detour(location)
  var.detour = location
  return ""
end

-- Whether the request line names more than a path: proxies are asked so, and this is none.
local function absolute()
  return not find(var.request, "^%S+ +/")
end

--- The cache key of a public request, or "" and a detour.
function M.public()
  local version = state:version()
  if absolute() then
    return detour("/_refused")
  elseif version == 0 then
    return detour("/_cold")
  end
  local uri = var.request_uri
  local reading = public_memo:get(uri)
  if not reading then
    reading = delivery.read(language, uri)
    if not reading or reading.address.access ~= "pub" then
      return detour("/_refused")
    elseif reading.arguments.download then
      return detour("/_cold")
    end
    reading.about = about(reading)
    if #uri <= MEMO_URI_MAX then
      public_memo:put(uri, reading)
    end
  end
  var.about = reading.about
  local key = key_of(reading, version)
  return key
end

-- What nginx's secure_link holds against the presented signature and the clock. Bound to the host, so that a remembered
-- one is too.
local function expectation(sig, exp, host)
  return base64.url(ngx.md5_bin(sig .. "," .. host)) .. "," .. exp
end

local function max_age(exp, now)
  return "private, max-age=" .. (exp > now and exp - now or 0)
end

-- Let secure_link judge a reading whose key vouches for it.
local function present(reading, key)
  local address, host = reading.address, var.host
  local expected = signature.sign(key.secret, reading.path, reading.arguments.exp, host,
    address.organization, address.tenant)
  reading.expected = expectation(expected, reading.arguments.exp, host)
  var.expected = reading.expected
  return expected == reading.arguments.sig
end

--- The cache key of a private request, or "" and a detour. The verdict is secure_link's, by what is set here.
function M.private()
  local version, keys_version = state:version(), state:keys_version()
  if absolute() then
    return detour("/_refused")
  elseif version == 0 then
    return detour("/_cold")
  end
  local uri, now = var.request_uri, ngx.time()
  local reading = private_memo:get(uri)
  if reading and reading.keys_version == keys_version and now < reading.good_until then
    var.expected = reading.expected
  else
    reading = delivery.read(language, uri)
    if not reading or reading.address.access ~= "priv" or signature.malformed(reading.arguments) then
      return detour("/_refused")
    end
    local key = signing_keys:get(reading.arguments.kid, keys_version)
    if key == nil then
      var.asks_redis = M.client()
      return detour("/_cold")
    end
    reading.exp = tonumber(reading.arguments.exp)
    if not key or not signature.vouches(key, reading.address, reading.exp, now) then
      return detour("/_refused")
    elseif reading.arguments.download then
      return detour("/_cold")
    end
    reading.about = about(reading)
    -- Only what was signed right is remembered, so that a flood of forgeries pushes nothing out.
    if present(reading, key) and #uri <= MEMO_URI_MAX then
      reading.keys_version = keys_version
      reading.good_until = key.status == "grace" and key.grace_until or math.huge
      private_memo:put(uri, reading)
    end
  end
  if reading.said_at ~= now then
    reading.said_at, reading.max_age = now, max_age(reading.exp, now)
  end
  var.max_age, var.about = reading.max_age, reading.about
  local key = key_of(reading, version)
  return key
end

local function answer(what, request_id)
  local status, headers, body = problem.answer(what, request_id or var.request_name)
  ngx.status = status
  for name, value in pairs(headers) do
    ngx.header[name] = value
  end
  ngx.print(body)
  return ngx.exit(ngx.HTTP_OK) -- the status is out already; this ends the request, not the phase
end

-- The key of a kid that memory lacks: nil when Redis does not know it either, nil and a code when it can't be asked. It
-- is asked only while the follower hears it, so that an outage costs nobody a wait.
local function look_up(kid)
  if signing_keys:is_unknown(kid) then
    return nil
  elseif not state:following() then
    return nil, "unavailable"
  end
  local redis = connect(LOOK_UP_TIMEOUT)
  local answers = redis and redis:pipeline({ { "HGET", "mz:keys", kid }, { "GET", "mz:epoch" } })
  if not answers or not answers[2] then
    return nil, "unavailable"
  end
  redis:release(LOOK_UP_IDLE, LOOK_UP_POOL)
  if not answers[1] then
    signing_keys:remember_unknown(kid)
    return nil
  end
  signing_keys:add(kid, answers[1])
  return signing_keys:get(kid, state:keys_version())
end

-- nil, or the code by which a private request is refused. Looks a key up where memory lacks it.
local function refusal(reading)
  local code = signature.malformed(reading.arguments)
  if code then
    return code
  end
  local key = signing_keys:get(reading.arguments.kid, state:keys_version())
  if key == nil then
    key, code = look_up(reading.arguments.kid)
  end
  local now = ngx.time()
  reading.exp = tonumber(reading.arguments.exp)
  if not key or not signature.vouches(key, reading.address, reading.exp, now) then
    return code or "signature_invalid"
  end
  present(reading, key)
  var.max_age = max_age(reading.exp, now)
  local verdict = var.secure_link
  if verdict ~= "1" then
    return verdict == "0" and "signature_expired" or "signature_invalid"
  end
end

local function wait_for_start()
  while state:version() == 0 and ngx.now() < started + START_PATIENCE do
    ngx.sleep(START_TICK)
  end
  return state:version()
end

--- The rare cases of both doors, which may wait: the edge has just started, a key is unknown, a download.
function M.cold()
  local reading = delivery.read(language, var.request_uri)
  if not reading then
    return ngx.exec("/_refused")
  end
  -- Without generations a cached picture could be one that was invalidated, so none is served at all. With those of a
  -- snapshot it goes out as stale, for nobody to keep.
  local version = wait_for_start()
  local nothing_known = version == 0 and not state:restored()
  local code = nothing_known and "unavailable" or (reading.address.access == "priv" and refusal(reading))
  if code then
    var.refusal = code
    return ngx.exec("/_refused")
  end
  if reading.arguments.download then
    var.disposition = disposition.attachment(reading.arguments.download)
  end
  if version == 0 then
    var.unconfirmed = "1"
  end
  var.cache_key = key_of(reading, version)
end

--- Says why a door refused.
function M.refused()
  local reading, fault = delivery.read(language, var.request_uri)
  if absolute() then
    fault = ABSOLUTE
  elseif var.refusal ~= "" then
    fault = var.refusal == "unavailable" and problem.away("redis") or { code = var.refusal }
  elseif reading then
    local expired = var.secure_link == "0" and "signature_expired"
    fault = { code = signature.malformed(reading.arguments) or expired or "signature_invalid" }
  end
  return answer(fault)
end

--- The path to ask the origin for, rebuilt from what was read, "" when there is none. Sets what goes beside it.
function M.rebuild()
  local reading = delivery.read(language, var.http_x_mezzotint_uri or "")
  if not reading then
    return ""
  end
  local address = reading.address
  var.miss_tenant = address.organization .. "/" .. address.tenant
  if not full_tenants:let_in(var.miss_tenant) then
    var.miss_refused = "1"
  end
  var.miss_path = reading.path
  if address.access == "priv" then
    var.miss_sig, var.miss_exp, var.miss_kid = reading.arguments.sig, reading.arguments.exp, reading.arguments.kid
  end
  if reading.auto then
    var.miss_accept = accept_class()
  end
  return reading.canonical
end

local function compare_grammars(theirs)
  if theirs ~= shared.edge:get("origin_grammar") then
    shared.edge:set("origin_grammar", theirs)
    if theirs ~= language.digest then
      ngx.log(ngx.ERR, "edge and origin speak different grammars: ", language.digest, " here, ", theirs, " there")
    end
  end
end

-- What the origin says of a picture; nginx itself knows it no longer once it asks another server for the bytes.
local function said_by_the_origin()
  local said = {}
  for _, name in ipairs(SAID_BY_THE_ORIGIN) do
    said[name] = var["upstream_http_" .. name:lower():gsub("-", "_")]
  end
  return said
end

local function unsay()
  for name in pairs(ngx.resp.get_headers(0)) do
    if not FRAMING[name] then
      ngx.header[name] = nil
    end
  end
end

--- The origin has said in which store its picture lies. nginx takes some of its other words along and forgets the rest:
-- keep them aside, to be said with the bytes or not at all.
function M.fetch()
  ngx.ctx.said = said_by_the_origin()
  var.unfetched = var.uri:match("^/_stored/([^/]+)")
  unsay()
end

-- With the bytes goes what the origin said of them, and nothing that their store says.
local function say_with_the_bytes(said)
  local size = said["X-Mezzotint-Size"]
  if ngx.status ~= 200 or ngx.header["Content-Length"] ~= size then
    ngx.log(ngx.ERR, "the store ", var.unfetched, " has no such ", size, " bytes as the origin speaks of")
    return false
  end
  unsay()
  for name, value in pairs(said) do
    ngx.header[name] = value
  end
  ngx.header["X-Mezzotint-Size"], ngx.header["X-Mezzotint-Grammar"] = nil, nil
  return true
end

-- How long the cache in front keeps an answer, and how long a client may. Said in this order nginx 1.22 need not read
-- Cache-Control at every hit; in the other one it does, for what only Cache-Control can tell it.
local function say_how_long(lifetime, cache_control)
  local header = ngx.header
  if cache_control and cache_control:find("stale-while-revalidate", 1, true) then
    header["Cache-Control"] = cache_control
    header["X-Accel-Expires"] = lifetime
  else
    header["X-Accel-Expires"] = lifetime
    header["Cache-Control"] = cache_control
  end
end

--- Put the origin's answer into the words of the cache in front. Of a private picture the door tells each reader how
-- long its own signature is good.
function M.relay()
  local header, said, private = ngx.header, ngx.ctx.said, var.miss_sig ~= ""
  if not said then
    said = said_by_the_origin()
  elseif not say_with_the_bytes(said) then
    return ngx.exit(ngx.ERROR) -- no answer, so that nobody keeps one
  end
  local lifetime = tonumber(said["X-Accel-Expires"]) or 0
  if ngx.status >= 400 then
    lifetime = math.min(lifetime, ERROR_SECONDS)
    say_how_long(lifetime, lifetime > 0 and not private and "public, max-age=" .. lifetime or "no-store")
  else
    say_how_long(lifetime, not private and said["Cache-Control"] or nil)
  end
  header["Vary"] = var.miss_accept ~= "" and "Accept" or nil
  if ngx.status < 400 then
    -- The door says these itself: what is not in the cached file need not be read from it at every hit.
    for _, name in ipairs(SAID_BY_THE_DOOR) do
      header[name] = nil
    end
  end
  local theirs = said["X-Mezzotint-Grammar"]
  if theirs then
    compare_grammars(theirs)
  end
end

--- A miss has gone, however it ended.
function M.gone()
  if var.miss_tenant ~= "" and var.miss_refused == "" then
    if var.upstream_http_x_mezzotint_full then
      full_tenants:was_full(var.miss_tenant)
    else
      full_tenants:came_out(var.miss_tenant, var.upstream_http_x_mezzotint_made ~= nil)
    end
  end
end

--- Guard what goes to the control plane: a path that is what it seems, and none of the headers that we speak in.
function M.control()
  if absolute() then
    return answer(ABSOLUTE)
  elseif not path.plain((delivery.split(var.request_uri))) then
    return answer({ code = "invalid_path", detail = "the path has a %, a //, a dot segment or an unseen character" })
  end
  for name in pairs(ngx.req.get_headers(0)) do
    if name:find("^x%-mezzotint%-") or name:find("^x%-accel%-") then
      ngx.req.clear_header(name)
    end
  end
end

--- Keep those waiting who try one API key after the other.
function M.deter()
  local seconds = wrong_api_keys:wait(M.client())
  if seconds then
    return answer({ code = "rate_limited", detail = "too many wrong API keys came from here", retry_after = seconds })
  end
end

--- Whoever may not upload hears so before a byte of what he sends is read.
function M.ask_first()
  if not (var.http_content_length or var.http_transfer_encoding) then
    return
  end
  local expected = var.http_expect
  ngx.req.clear_header("Expect") -- or nginx would tell the client to go on before it refuses
  local said = ngx.location.capture("/v1/caller", { args = { scope = "assets:write" } })
  if said.status == ngx.HTTP_OK then
    if expected then
      ngx.req.set_header("Expect", expected)
    end
    return
  elseif said.status < 400 or said.body == "" or said.truncated then -- not the origin's own words, or not all of them
    return answer(problem.away("origin"))
  end
  ngx.status = said.status
  for name, value in pairs(said.header) do
    if not FRAMING[name:lower()] then
      ngx.header[name] = value
    end
  end
  ngx.print(said.body)
  return ngx.exit(ngx.HTTP_OK)
end

--- Say the request's name with the answer, whoever gave it.
function M.name()
  ngx.header["X-Request-Id"] = var.request_name
end

--- Count an API key that the control plane did not take.
function M.notice()
  if ngx.status == 401 and not ngx.is_subrequest then
    wrong_api_keys:wrong(M.client())
  end
end

--- Answer with a problem: of the given code, or of what nginx itself found wrong.
function M.problem(code)
  return answer(code and { code = code } or problem.of_status(ngx.status))
end

--- Answer with what nginx found wrong in the hop of a miss, under the identifier that the door gave the request.
function M.miss_problem()
  local fault = var.miss_refused ~= "" and { code = "overloaded" } or problem.of_status(ngx.status)
  return answer(fault, var.http_x_mezzotint_request)
end

--- What this edge knows, for its operator.
function M.status()
  ngx.header["Content-Type"] = "application/json"
  ngx.print(json.encode({
    ready = state:version() > 0, restored = state:restored(), following = state:following(),
    epoch = shared.edge:get("epoch") or nil,
    keys = #shared.signing_keys:get_keys(0), grammar = language.digest,
    origin_grammar = shared.edge:get("origin_grammar"), connections = tonumber(var.connections_active),
  }))
end

return M
