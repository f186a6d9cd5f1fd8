"""The REST API, one module per noun."""

from __future__ import annotations

from chirpbird.web.routes import changes, channels, health, messages, reading, sessions, users

__all__ = ["ROUTERS"]

ROUTERS = (
    users.router,
    sessions.router,
    channels.router,
    messages.router,
    changes.router,
    reading.router,
    health.router,
)
