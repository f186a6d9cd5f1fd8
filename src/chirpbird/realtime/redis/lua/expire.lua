-- Who is in a channel. KEYS: when each client's entry runs out, each client's info (which begins with the length of the user's
-- name, a space, and the name), and how many clients each user has.

local untils, clients, users = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function user_of(info)
  local space = string.find(info, ' ', 1, true)
  return string.sub(info, space + 1, space + tonumber(string.sub(info, 1, space - 1)))
end

local function forget(client)
  local info = redis.call('HGET', clients, client)
  redis.call('ZREM', untils, client)
  if info then
    redis.call('HDEL', clients, client)
    local user = user_of(info)
    if redis.call('HINCRBY', users, user, -1) <= 0 then
      redis.call('HDEL', users, user)
    end
  end
end

while true do
  local late = redis.call('ZRANGEBYSCORE', untils, '-inf', now, 'LIMIT', 0, 1000)
  for _, client in ipairs(late) do
    forget(client)
  end
  if #late < 1000 then
    break
  end
end
