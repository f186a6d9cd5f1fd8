-- Take a client out. ARGV: era, client.
forget(ARGV[2])
