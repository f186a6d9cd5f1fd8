-- Give a publication its place and announce it. KEYS: stream, meta, and the result's key if the publication has a key.
-- Returns the offset and epoch.
local era, payload, size, ttl, meta_ttl, new_epoch, version, version_epoch, result_ttl, announce, channel = unpack(ARGV)
local stream, meta, result = KEYS[1], KEYS[2], KEYS[3]

local function newer(one, other)
  return #one > #other or (#one == #other and one > other)
end

if result then
  local before = redis.call('HMGET', result, 'o', 'e')
  if before[1] then
    return {tonumber(before[1]), before[2]}
  end
end

local offset, epoch = 0, ''
if tonumber(size) > 0 then
  epoch, offset = position(meta, stream, new_epoch, era, meta_ttl)
  -- Written by another process: it may have had more than was replicated to this one, or kept. The numbers must not be used again.
  if redis.call('HGET', meta, 'r') ~= era then
    begin(meta, stream, new_epoch, era)
    lives(meta, meta_ttl)
    epoch, offset = new_epoch, 0
  end
  if version ~= '0' then
    local last = redis.call('HMGET', meta, 'v', 'w')
    if last[1] and last[2] == version_epoch and not newer(version, last[1]) then
      return {offset, epoch}
    end
    redis.call('HSET', meta, 'v', version, 'w', version_epoch)
  end
  offset = redis.call('HINCRBY', meta, 'o', 1)
  redis.call('XADD', stream, 'MAXLEN', '=', size, offset .. '-0', 'p', payload)
  redis.call('PEXPIRE', stream, ttl)
end
if result then
  redis.call('HSET', result, 'o', offset, 'e', epoch)
  redis.call('PEXPIRE', result, result_ttl)
end
redis.call(announce, channel, 'P' .. offset .. ' - ' .. #epoch .. ' ' .. epoch .. payload)
return {offset, epoch}
