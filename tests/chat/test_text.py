from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.chat import text
from chirpbird.chat.errors import InvalidInput

ANY_TEXT = st.text(st.characters(), max_size=200)
"""Surrogates, controls and unassigned code points included."""


def refusal(function: Callable[[str], str], value: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        function(value)
    assert caught.value.field
    return str(caught.value)


def attempt(function: Callable[[str], str], value: str) -> tuple[str, InvalidInput | None]:
    try:
        return function(value), None
    except InvalidInput as error:
        return "", error


@pytest.mark.parametrize("value", ["al", "Ann.Lee", "a_b-c", "李雷", "नमस्ते", "0day", "x" * 32, "Zoë"])
def test_usernames_of_any_script_are_taken(value: str) -> None:
    assert text.username(value) == value


def test_usernames_are_trimmed_and_composed() -> None:
    assert text.username("  Zoe\u0308 ") == "Zo\u00eb"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a", "username is 1 character long, at least 2 are expected"),
        ("", "username is 0 characters long, at least 2 are expected"),
        ("x" * 33, "username is 33 characters long, at most 32 are expected"),
        ("_ann", 'username begins with "_", a letter or digit is expected'),
        ("\u0301ann", "username begins with"),
        ("an n", "username contains U+0020, only letters, digits and . _ - are expected"),
        ("ann@home", 'username contains "@", only letters, digits and . _ - are expected'),
        ("an\u200bn", "username contains U+200B, only letters, digits and . _ - are expected"),
        ("an\u3164n", "username contains U+3164, only letters, digits and . _ - are expected"),
        ("an\x00n", "username contains U+0000, no control characters or line breaks are expected"),
        ("an\u202en", "username contains U+202E, no direction overrides are expected"),
        ("ann😀", 'username contains "😀", only letters, digits and . _ - are expected'),
    ],
)
def test_usernames_that_are_refused(value: str, message: str) -> None:
    assert refusal(text.username, value).startswith(message)


def test_a_username_to_look_up_never_fails() -> None:
    assert text.username_as_typed(" Ann ") == "Ann"
    assert text.username_as_typed("no such name!") == ""


@pytest.mark.parametrize("value", ["Ann Lee", "🎉", "👩‍👩‍👧", "ملف", "x" * 64, "<b>&amp;", "a\u0301"])
def test_names_may_be_nearly_anything(value: str) -> None:
    assert text.display_name(value) == unicodedata.normalize("NFC", value)
    assert text.channel_name(f"  {value} ") == unicodedata.normalize("NFC", value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("   ", "name is 0 characters long, at least 1 is expected"),
        ("\u200b\u2060", "name has nothing visible in it, at least 1 visible character is expected"),
        ("\u3164", "name has nothing visible in it, at least 1 visible character is expected"),
        ("\u2800", "name has nothing visible in it, at least 1 visible character is expected"),
        ("x" * 65, "name is 65 characters long, at most 64 are expected"),
        ("x" * 129, "name is 129 characters long, at most 64 are expected"),
        ("two\nlines", "name contains U+000A, no control characters or line breaks are expected"),
        ("two\u2028lines", "name contains U+2028, no control characters or line breaks are expected"),
        ("\ud800", "name contains U+D800, no control characters or line breaks are expected"),
        ("evil\u202etxt.exe", "name contains U+202E, no direction overrides are expected"),
    ],
)
def test_names_that_are_refused(value: str, message: str) -> None:
    assert refusal(text.display_name, value) == message


def test_messages_keep_their_spaces_and_get_one_kind_of_line_end() -> None:
    assert text.message("  def f():\r\n\tpass\r") == "  def f():\n\tpass\n"
    assert text.message("a\u2028b\u2029c\x85d") == "a\nb\nc\nd"
    assert text.message("e\u0301") == "\u00e9"


def test_messages_may_use_direction_marks() -> None:
    assert text.message("\u2067\u05d0\u05d1\u2069") == "\u2067\u05d0\u05d1\u2069"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "data has nothing visible in it, at least 1 visible character is expected"),
        (" \n\t", "data has nothing visible in it, at least 1 visible character is expected"),
        ("\u200d\ufe0f", "data has nothing visible in it, at least 1 visible character is expected"),
        ("bell\x07", "data contains U+0007, no control characters are expected"),
        ("\ud83d", "data contains U+D83D, no control characters are expected"),
        ("x" * 8001, "data is 8001 characters long, at most 8000 are expected"),
        ("é" * 16001, "data is 16001 characters long, at most 8000 are expected"),
    ],
)
def test_messages_that_are_refused(value: str, message: str) -> None:
    assert refusal(text.message, value) == message


def test_runs_of_combining_marks_that_would_cost_quadratic_time_are_refused() -> None:
    assert text.message("a" + "\u0316\u0301" * 15)
    assert "combining marks" in refusal(text.message, "a" + "\u0301\u0316" * 3000)


def test_length_is_counted_in_code_points_after_composing() -> None:
    assert len(text.message("e\u0301" * 8000)) == 8000
    assert len(text.display_name("e\u0301" * 64)) == 64


def test_passwords_count_spaces_and_are_composed() -> None:
    assert text.new_password("  spaces  ") == "  spaces  "
    assert text.new_password("passwo\u0308rd") == "passw\u00f6rd"
    assert refusal(text.new_password, "short") == "password is 5 characters long, at least 8 are expected"
    assert (
        refusal(text.new_password, "x" * 257) == "password is 257 characters long, at most 256 are expected"
    )
    assert "U+0000" in refusal(text.new_password, "has a \x00 in it")
    assert text.password_as_typed("short") == ""


def test_refused_passwords_are_not_repeated() -> None:
    assert "hunter" not in refusal(text.new_password, "hunter")


def test_keys_are_taken_as_they_are() -> None:
    assert text.key("e\u0301 ") == "e\u0301 "
    assert refusal(text.key, "x" * 65) == "key is 65 characters long, at most 64 are expected"
    assert (
        refusal(text.key, "a\nb") == "key contains U+000A, no control characters or line breaks are expected"
    )


def test_queries_may_be_empty() -> None:
    assert text.query("  ") == ""
    assert text.query(" Ann ") == "Ann"
    assert refusal(text.query, "x" * 65) == "query is 65 characters long, at most 64 are expected"


@pytest.mark.parametrize("value", ["", "a b", "é", "x" * 65, "a/b", "a\x00", "\ud800"])
def test_what_cannot_be_an_identifier(value: str) -> None:
    assert not text.is_identifier(value)


def test_what_can_be_an_identifier() -> None:
    assert text.is_identifier("01HZX3K6V0000000000000000A")


@given(ANY_TEXT)
def test_any_text_is_taken_whole_or_refused_with_a_sentence(value: str) -> None:
    for function in (
        text.username,
        text.display_name,
        text.message,
        text.new_password,
        text.key,
        text.query,
    ):
        taken, error = attempt(function, value)
        if error is None:
            taken.encode()
            assert function(taken) == taken
        else:
            assert error.field
            assert re.fullmatch(r"[^\x00-\x1f\ud800-\udfff]+", str(error))


@given(ANY_TEXT)
def test_taken_names_are_normalised_visible_and_short(value: str) -> None:
    try:
        taken = text.channel_name(value)
    except InvalidInput:
        return
    assert unicodedata.is_normalized("NFC", taken)
    assert taken == taken.strip()
    assert 1 <= len(taken) <= 64
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in taken)


@given(st.text(st.sampled_from("aé\u0301\r\n\t \u2028\u200b"), max_size=50))
def test_taken_messages_have_only_line_feeds(value: str) -> None:
    try:
        taken = text.message(value)
    except InvalidInput:
        return
    assert "\r" not in taken
    assert "\u2028" not in taken
