-- Whose address it is: an IPv4 address, or an IPv6 network, since whoever has one address of that has all 2^64.
local MAPPED = ("\0"):rep(10) .. "\255\255" -- an IPv4 address in IPv6's clothes

--- The address, in binary, without what its owner chooses at will.
return function(address)
  if #address ~= 16 then
    return address
  end
  return address:sub(1, 12) == MAPPED and address:sub(13) or address:sub(1, 8)
end
