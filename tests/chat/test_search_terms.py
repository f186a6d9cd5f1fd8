from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.chat.search_terms import MAX_TERM, fold, holds, index_terms, tokens


def terms(text: str) -> list[str]:
    return [token.term for token in tokens(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("don't snake_case", ["don", "t", "snake", "case"]),
        ("Größe GRÖSSE", ["grosse", "grosse"]),
        ("naïve café", ["naive", "cafe"]),
        ("\uff21\uff22\uff23 \ufb01n", ["abc", "fin"]),
        ("東京都に行く", ["東", "京", "都", "に", "行", "く"]),
        ("v2は速い", ["v2", "は", "速", "い"]),
        ("한국어", ["한", "국", "어"]),
        ("x" * 100, ["x" * MAX_TERM]),
        ("⑴ ½", ["1", "12"]),
        ("🐦 -- …", []),
        ("", []),
    ],
)
def test_texts_and_their_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_what_is_written_without_spaces_is_found_by_characters_and_pairs() -> None:
    assert index_terms("a 東京都") == {"a", "東", "京", "都", "東京", "京都"}


def test_half_width_kana_are_kana() -> None:
    assert terms("ｶﾞｲﾄﾞ") == terms("ガイド")


def test_a_phrase_stands_side_by_side() -> None:
    text = "the quick brown fox, the quick red fox"
    there = list(tokens(text))
    assert [text[start:end] for start, end in holds(there, ("quick", "red"))] == ["quick red"]
    assert [text[start:end] for start, end in holds(there, ("the", "qui"), prefix=True)] == ["the quick"] * 2
    assert holds(there, ("fox", "quick")) == []
    assert holds(there, ("quick", "re")) == []


@given(st.text(max_size=200))
def test_terms_are_letters_and_digits_and_stable(text: str) -> None:
    for token in tokens(text):
        assert token.term.isalnum()
        assert fold(token.term) == token.term or not token.is_word
        assert 0 <= token.start < token.end <= len(text)
        assert token.term in index_terms(text)


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_text_holds_its_own_tokens(before: str, text: str) -> None:
    phrase = terms(text)
    there = list(tokens(f"{before} {text}"))
    assert not phrase or holds(there, phrase)
