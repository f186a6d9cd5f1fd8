"""The chat behind the Centrifuge protocol: the realtime node's handlers, RPC methods and announcements."""
