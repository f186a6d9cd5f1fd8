"""Patterns of origins."""

from __future__ import annotations

import pytest

from chirpbird.realtime.transports.origins import Origins


@pytest.mark.parametrize(
    ("pattern", "origin", "expected"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://A.example/", "HTTPS://a.EXAMPLE", True),
        ("https://a.example", "https://a.example.evil", False),
        ("https://a.example", "https://axexample", False),
        ("https://*.example", "https://deep.down.example", True),
        ("https://*.example", "https://example", False),
        ("https://*.example", "https://a.example:8443", False),
        ("https://*.example:*", "https://a.example:8443", True),
        ("*://a.example", "http://a.example", True),
        ("http*", "https://anything", True),
        ("https://app?.example", "https://app1.example", True),
        ("https://app?.example", "https://app.example", False),
        ("https://app[12].example", "https://app2.example", True),
        ("https://app[12].example", "https://app3.example", False),
        ("https://app[!12].example", "https://app3.example", True),
        ("https://{a,b.c}.example", "https://b.c.example", True),
        ("https://{a,b}.{x,y{1,2}}", "https://b.y2", True),
        ("https://{a,b}.example", "https://c.example", False),
        ("http://[::1]:8000", "http://[::1]:8000", True),
        ("http://[::1]:8000", "http://1:8000", False),
        ("*", "null", True),
        ("https://*", "null", False),
        ("https://*", "https://" + "a" * 600, False),
    ],
)
def test_patterns_are_held_against_the_whole_origin(pattern: str, origin: str, expected: bool) -> None:
    assert Origins([pattern]).allow(origin) is expected


def test_without_patterns_no_origin_is_allowed() -> None:
    assert not Origins().allow("https://a.example")
    assert not Origins().allow("")


def test_many_stars_take_no_time() -> None:
    assert not Origins(["https://" + "*a" * 200]).allow("https://" + "a" * 190 + "b")


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("https://{a,b.example", "braces in pairs"),
        ("https://a}.example", "braces in pairs"),
        ("https://[ab.example", "brackets in pairs"),
        ("https://ab].example", "brackets in pairs"),
        ("https://a\\*.example", "no backslash"),
        ("https://" + "{a,b}" * 9, "more than 256 choices"),
        ("a" * 513, "513 characters"),
    ],
)
def test_what_is_no_pattern(pattern: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Origins([pattern])
