from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.chat.errors import InvalidInput
from chirpbird.chat.search_query import Phrase, SearchQuery, parse
from chirpbird.chat.search_terms import index_terms


def word(term: str) -> Phrase:
    return Phrase((term,))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Big birds ", SearchQuery((word("big"), word("birds")))),
        ("big bi", SearchQuery((word("big"), Phrase(("bi",), is_prefix=True)))),
        ("b", SearchQuery((word("b"),))),
        ('"big birds"', SearchQuery((Phrase(("big", "birds")),))),
        ('say "never closed', SearchQuery((word("say"), Phrase(("never", "closed"))))),
        ("from:Ann", SearchQuery(sender="Ann")),
        ('x in:"birds of Java" from:@bob', SearchQuery((word("x"),), "bob", "birds of Java")),
        ("IN:#general hi ", SearchQuery((word("hi"),), channel="general")),
        (
            "hi after:2026-01-30 before:2026-02-01",
            SearchQuery((word("hi"),), "", "", 1769817600000, 1769904000000),
        ),
        ("with:bob ", SearchQuery((Phrase(("with", "bob")),))),
        ("東京", SearchQuery((Phrase(("東", "京"), is_unspaced=True),))),
        ("v2は", SearchQuery((word("v2"), Phrase(("は",), is_unspaced=True)))),
    ],
)
def test_queries(text: str, query: SearchQuery) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing to look for, a word or from:name is expected"),
        ("in:general", "nothing to look for"),
        ("🐦", "nothing to look for"),
        ("x before:yesterday", "before: is followed by 'yesterday', a day like 2026-01-31 is expected"),
        ("x after:2026-02-30", "a day like 2026-01-31 is expected"),
        ("x" * 257, "query is 257 characters long, at most 256 are expected"),
        ("a " * 21, "more than 20 words"),
    ],
)
def test_queries_that_are_none(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        parse(text)
    assert caught.value.field == "query"


@given(st.text(max_size=60))
def test_whatever_is_typed_has_an_answer(text: str) -> None:
    try:
        query = parse(text)
    except InvalidInput:
        return
    assert query.phrases or query.sender


@given(
    st.lists(st.sampled_from(["birds", "東京都", "v2", "Größe", "한국어", "don't"]), min_size=1, max_size=5)
)
def test_what_a_phrase_needs_its_own_text_has(words: list[str]) -> None:
    text = " ".join(words)
    there = index_terms(text)
    for phrase in parse(f'"{text}"').phrases:
        assert there.issuperset(phrase.needed)
    for phrase in parse(text).phrases:
        assert there.issuperset(phrase.needed)
        assert any(term.startswith(phrase.prefix) for term in there)
