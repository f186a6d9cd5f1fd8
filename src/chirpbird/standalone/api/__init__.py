"""Centrifugo's HTTP API: what an application's backend asks of the server."""

from __future__ import annotations

from chirpbird.standalone.api.endpoint import ApiEndpoint
from chirpbird.standalone.api.methods import ApiMethods

__all__ = ["ApiEndpoint", "ApiMethods"]
