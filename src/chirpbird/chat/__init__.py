"""The chat domain: users, channels, messages, and the rules of who may do what. No I/O of its own."""
