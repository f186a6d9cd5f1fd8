"""A server library for the Centrifuge client protocol. It knows nothing of chat, storage or settings."""
