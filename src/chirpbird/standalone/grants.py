"""What an application grants for one subscription: in tokens and over the API, in the same words."""

from __future__ import annotations

import base64
import binascii

import msgspec

__all__ = ["NOTHING", "Grant", "Override", "Switch", "decode_base64", "payload"]

NOTHING = msgspec.Raw()
_NULL = b"null"


class Switch(msgspec.Struct, frozen=True):
    """``{"value": true}``"""

    value: bool = False


class Override(msgspec.Struct, frozen=True):
    """Instead of what the namespace says."""

    presence: Switch | None = None
    join_leave: Switch | None = None
    force_push_join_leave: Switch | None = None
    force_recovery: Switch | None = None
    force_positioning: Switch | None = None

    def present(self, default: bool) -> bool:
        return default if self.presence is None else self.presence.value

    def joining(self, default: bool) -> bool:
        return default if self.join_leave is None else self.join_leave.value

    def pushed(self, default: bool) -> bool:
        return default if self.force_push_join_leave is None else self.force_push_join_leave.value

    def recoverable(self, default: bool) -> bool:
        return default if self.force_recovery is None else self.force_recovery.value

    def positioned(self, default: bool) -> bool:
        return default if self.force_positioning is None else self.force_positioning.value


class Grant(msgspec.Struct, frozen=True):
    """Of one subscription: who the client is in the channel, what it is told, how it is subscribed."""

    info: bytes = b""
    data: bytes = b""
    override: Override = Override()


def payload(value: msgspec.Raw, encoded: str) -> bytes:
    """The bytes of a field that is either a JSON value or, under the name with b64, text in base64; the latter counts more.

    Errors: ValueError.
    """
    if encoded:
        return decode_base64(encoded)
    data = bytes(value)
    return b"" if data == _NULL else data


def decode_base64(encoded: str) -> bytes:
    """Errors: ValueError."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("found no base64") from None
