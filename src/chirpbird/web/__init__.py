"""The chat over HTTP: REST, the built web client, health and metrics."""
