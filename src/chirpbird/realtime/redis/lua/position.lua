-- Where a stream is. Its hash: e epoch, o top offset, r the server process that wrote last, v and w version and its epoch.

local function lives(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then
    redis.call('PEXPIRE', key, ttl)
  end
end

local function begin(meta, stream, epoch, era)
  redis.call('DEL', stream)
  redis.call('HSET', meta, 'e', epoch, 'o', '0', 'r', era)
  redis.call('HDEL', meta, 'v', 'w')
end

-- The epoch and top; a stream that is not there begins.
local function position(meta, stream, epoch, era, ttl)
  local there = redis.call('HMGET', meta, 'e', 'o')
  if not there[1] then
    begin(meta, stream, epoch, era)
    there = {epoch, '0'}
  end
  lives(meta, ttl)
  return there[1], tonumber(there[2])
end
