"""The chat's errors in the protocol's words."""

from __future__ import annotations

import msgspec

from chirpbird.chat.errors import ChatError, InvalidInput, NotFound
from chirpbird.realtime import ProtocolError
from chirpbird.realtime.protocol.errors import PERMISSION_DENIED

__all__ = ["NOT_JSON", "channel_refusal", "protocol_error"]

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a client's data as JSON may raise: in Protobuf, data are bytes of any kind."""


def protocol_error(error: ChatError) -> ProtocolError:
    """The reply to a command that the chat refused."""
    message = str(error)
    if isinstance(error, InvalidInput) and error.field and not message.startswith(error.field):
        message = f"{error.field}: {message}"
    return ProtocolError(error.code, message, temporary=error.temporary)


def channel_refusal(error: ChatError) -> ProtocolError:
    """The same for subscribe, publish, presence and history, where a channel that is not there and one that is somebody
    else's look alike: permission denied."""
    return PERMISSION_DENIED if isinstance(error, NotFound) else protocol_error(error)
