-- Problem documents (RFC 9457) of what the edge itself refuses. The codes are those of the origin.
local json = require("cjson.safe")

local ORDER = { "type", "title", "status", "detail", "code", "request_id", "field" } -- as readers find it easiest

local M = {}

M.codes = {
  bad_request = { 400, "The request can't be read" },
  invalid_path = { 400, "The path is not a delivery path" },
  invalid_operation = { 400, "The operations can't be understood" },
  signature_required = { 401, "This URL must be signed" },
  signature_invalid = { 401, "The signature is not valid" },
  signature_expired = { 401, "The signature has expired" },
  not_found = { 404, "Not found" },
  method_not_allowed = { 405, "The method is not allowed here" },
  precondition_failed = { 412, "The picture is another one" },
  upload_too_large = { 413, "The upload is too large" },
  path_too_long = { 414, "The path is too long" },
  range_not_satisfiable = { 416, "The range lies outside the picture" },
  unknown_host = { 421, "This host is not served here" },
  rate_limited = { 429, "Too many requests" },
  internal_error = { 500, "Something went wrong on our side" },
  overloaded = { 503, "Too much work is waiting" },
  unavailable = { 503, "A part of the service is away" },
}

-- nginx's own refusals. 403 comes of limit_except alone, 494 is a header line too long for the buffers.
local nginx = {
  [400] = "bad_request", [403] = "method_not_allowed", [404] = "not_found", [405] = "method_not_allowed",
  [408] = "bad_request", [412] = "precondition_failed", [413] = "upload_too_large", [414] = "path_too_long",
  [416] = "range_not_satisfiable", [421] = "unknown_host", [429] = "rate_limited", [494] = "bad_request",
  [497] = "bad_request", [501] = "bad_request", [505] = "bad_request", [502] = "unavailable", [503] = "unavailable",
  [504] = "unavailable",
}

--- The problem that a status given by nginx itself stands for.
function M.of_status(status)
  local code = nginx[status] or "internal_error"
  return code == "unavailable" and M.away("origin") or { code = code }
end

--- The problem that a part does not answer.
function M.away(part)
  return { code = "unavailable", detail = "the " .. part .. " does not answer" }
end

--- The status, headers and body to answer a problem { code, detail, field, retry_after } with.
function M.answer(problem, request_id)
  local status, title = unpack(M.codes[problem.code])
  local retry_after = problem.retry_after or ((status == 429 or status == 503) and 1) or nil
  local told = {
    type = "urn:mezzotint:problem:" .. problem.code, title = title, status = status, code = problem.code,
    detail = problem.detail or title, field = problem.field, request_id = request_id,
  }
  local members = {}
  for _, name in ipairs(ORDER) do
    if told[name] ~= nil then
      members[#members + 1] = json.encode(name) .. ":" .. json.encode(told[name])
    end
  end
  local body = "{" .. table.concat(members, ",") .. "}"
  return status, {
    ["Content-Type"] = "application/problem+json",
    ["Content-Length"] = #body,
    ["Cache-Control"] = "no-store",
    ["X-Content-Type-Options"] = "nosniff",
    ["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    ["Cross-Origin-Resource-Policy"] = "same-origin",
    ["X-Request-Id"] = request_id,
    ["Retry-After"] = retry_after,
    ["Allow"] = status == 405 and "GET, HEAD" or nil,
  }, body
end

return M
