-- Put clients, or make them live on. ARGV: era, milliseconds to live, then each client and its info.
local ttl = ARGV[2]
for i = 3, #ARGV, 2 do
  local client, info = ARGV[i], ARGV[i + 1]
  local before = redis.call('HGET', clients, client)
  if before ~= info then
    if before then
      forget(client)
    end
    redis.call('HSET', clients, client, info)
    redis.call('HINCRBY', users, user_of(info), 1)
  end
  redis.call('ZADD', untils, now + ttl, client)
end
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < tonumber(ttl) then
    redis.call('PEXPIRE', key, ttl)
  end
end
