-- Everybody's info.
return redis.call('HVALS', clients)
