-- A stream's top and some of what it keeps. KEYS: stream, meta. Returns top, epoch and entries.
local era, new_epoch, meta_ttl, direction, since, limit = unpack(ARGV)
local stream, meta = KEYS[1], KEYS[2]
local epoch, top = position(meta, stream, new_epoch, era, meta_ttl)
local entries = {}
if limit ~= '0' then
  local many = limit == '-1' and {} or {'COUNT', limit}
  if direction == 'forward' then
    local first = since == '' and '-' or '(' .. since .. '-0'
    entries = redis.call('XRANGE', stream, first, '+', unpack(many))
  elseif since ~= '0' then
    local last = since == '' and '+' or '(' .. since .. '-0'
    entries = redis.call('XREVRANGE', stream, last, '-', unpack(many))
  end
end
return {top, epoch, entries}
