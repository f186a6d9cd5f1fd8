-- How many clients, and how many users.
return {redis.call('ZCARD', untils), redis.call('HLEN', users)}
