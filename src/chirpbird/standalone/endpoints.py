"""Addresses of key sets with variables, ``https://{{tenant}}.example/keys``, that issuers and audiences of tokens fill in.

They are filled in before the signature is verified, by anybody's claims. So a variable can only have the values that the
configuration lists: ``issuer_regex: "^https://(?P<tenant>red|blue)\\.example$"``.
"""

from __future__ import annotations

import re

import msgspec

__all__ = ["check_template", "fill_in", "is_template"]

_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
_VALUE = r"(?:[A-Za-z0-9_-]|\\\.)*[A-Za-z0-9_-](?:[A-Za-z0-9_-]|\\\.)*"
Pattern = re.Pattern[str] | None


class _Claims(msgspec.Struct):
    iss: str | None = None
    aud: str | list[str] | None = None


def is_template(endpoint: str) -> bool:
    return "{{" in endpoint


def check_template(endpoint: str, *patterns: Pattern) -> None:
    """Errors: ValueError for variables that no pattern has as a group, or that may be anything but listed values."""
    for name in _VARIABLE.findall(endpoint):
        having = [
            pattern.pattern for pattern in patterns if pattern is not None and name in pattern.groupindex
        ]
        listed = re.compile(rf"\(\?P<{re.escape(name)}>{_VALUE}(?:\|{_VALUE})*\)")
        if not having or not all(map(listed.search, having)):
            raise ValueError(
                f"jwks_public_endpoint has the variable {name!r}, expected a group (?P<{name}>value1|value2) with its values"
                " in issuer_regex or audience_regex"
            )


def fill_in(endpoint: str, content: bytes, issuer: Pattern, audience: Pattern) -> str | None:
    """The address for a token with these claims; None where they do not match. Errors: msgspec.MsgspecError."""
    claims = msgspec.json.decode(content, type=_Claims)
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud or []
    values: dict[str, str | None] = {}
    for pattern, texts in ((issuer, [claims.iss or ""]), (audience, audiences)):
        if pattern is not None:
            match = next(filter(None, map(pattern.search, texts)), None)
            if match is None:
                return None
            values.update(match.groupdict())
    if None in [values.get(name) for name in _VARIABLE.findall(endpoint)]:
        return None
    return _VARIABLE.sub(lambda variable: values[variable[1]] or "", endpoint)
