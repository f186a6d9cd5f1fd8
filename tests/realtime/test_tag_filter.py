"""What a filter lets through, and which filters there are not."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.realtime.protocol.messages import FilterNode
from chirpbird.realtime.tag_filter import FilterError, TagFilter, TagFilters

TAGS = {"team": "red", "score": "10.5", "note": "", "long": "9" * 64, "longer": "9" * 65, "odd": "1e3"}


def leaf(key: str, cmp: str, val: str = "", *vals: str) -> FilterNode:
    return FilterNode(key=key, cmp=cmp, val=val, vals=list(vals))


def node(op: str, *nodes: FilterNode) -> FilterNode:
    return FilterNode(op=op, nodes=list(nodes))


RED, BLUE = leaf("team", "eq", "red"), leaf("team", "eq", "blue")


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (RED, True),
        (BLUE, False),
        (leaf("none", "eq", "x"), False),
        (leaf("team", "neq", "red"), False),
        (leaf("team", "neq", "blue"), True),
        (leaf("none", "neq", "x"), True),
        (leaf("team", "in", "", "blue", "red"), True),
        (leaf("team", "in", "", "blue"), False),
        (leaf("none", "in", "", "x"), False),
        (leaf("team", "nin", "", "red"), False),
        (leaf("none", "nin", "", "x"), True),
        (leaf("note", "ex"), True),
        (leaf("none", "ex"), False),
        (leaf("none", "nex"), True),
        (leaf("", "nex"), True),
        (leaf("team", "sw", "re"), True),
        (leaf("team", "ew", "ed"), True),
        (leaf("team", "ct", "e"), True),
        (leaf("team", "ct", "x"), False),
        (leaf("none", "sw", "re"), False),
        (leaf("none", "ew", "re"), False),
        (leaf("none", "ct", "re"), False),
        (leaf("score", "gt", "10.49"), True),
        (leaf("score", "gt", "10.50"), False),
        (leaf("score", "gte", "10.50"), True),
        (leaf("score", "lt", "+11"), True),
        (leaf("score", "lte", "-1"), False),
        (leaf("none", "gt", "0"), False),
        (leaf("team", "gt", "0"), False),
        (leaf("score", "gt", "many"), False),
        (leaf("odd", "gt", "0"), False),
        (leaf("long", "gt", "0"), True),
        (leaf("longer", "gt", "0"), False),
        (node("and", RED, leaf("score", "gt", "1")), True),
        (node("and", RED, BLUE), False),
        (node("or", BLUE, RED), True),
        (node("or", BLUE, BLUE), False),
        (node("not", BLUE), True),
        (node("not", node("and", RED, node("not", BLUE))), False),
    ],
)
def test_what_matches(node: FilterNode, expected: bool) -> None:
    assert TagFilter(node).matches(TAGS) is expected


def test_without_tags_there_is_nothing_to_match() -> None:
    assert not TagFilter(RED).matches(None)
    assert TagFilter(node("not", RED)).matches(None)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (FilterNode(), "a comparison has no key"),
        (leaf("team", "", "x"), "cmp is '', which is no comparison"),
        (leaf("team", "like", "x"), "cmp is 'like', which is no comparison"),
        (leaf("", "eq", "x"), "a comparison has no key"),
        (leaf("team", "eq"), "'eq' needs val"),
        (leaf("team", "gt", "1", "2"), "'gt' takes no vals"),
        (leaf("team", "in"), "'in' needs vals"),
        (leaf("team", "nin", "x", "y"), "'nin' takes no val"),
        (leaf("team", "ex", "x"), "'ex' takes no val"),
        (node("xor", RED, RED), "op is 'xor', expected '', 'and', 'or' or 'not'"),
        (node("and"), "'and' has no nodes"),
        (node("or"), "'or' has no nodes"),
        (node("not"), "'not' has 0 nodes, expected one"),
        (node("not", RED, RED), "'not' has 2 nodes, expected one"),
        (node("and", *[RED] * 64), "more than 64 nodes"),
        (node("and", *[RED] * 100_000), "more than 64 nodes"),
        (leaf("team", "in", "", *map(str, range(257))), "more than 256 values"),
    ],
    ids=str,
)
def test_what_is_no_filter(node: FilterNode, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        TagFilter(node)


def test_filters_are_not_too_deep() -> None:
    deep = RED
    for _ in range(7):
        deep = node("not", deep)
    assert not TagFilter(deep).matches(TAGS)
    with pytest.raises(FilterError, match="more than 8 deep"):
        TagFilter(node("not", deep))


def test_equal_filters_are_one_and_go_with_their_last_user() -> None:
    filters = TagFilters()
    first = filters.get(node("not", RED))
    assert filters.get(node("not", leaf("team", "eq", "red"))) is first
    other = filters.get(RED)
    assert other is not first
    assert len(filters) == 2
    del first, other
    gc.collect()
    assert len(filters) == 0


WORDS = st.sampled_from(["", "a", "b", "1", "2.5", "-3"])
LEAVES: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    key=WORDS,
    cmp=st.sampled_from(
        ["eq", "neq", "in", "nin", "ex", "nex", "sw", "ew", "ct", "gt", "gte", "lt", "lte", ""]
    ),
    val=WORDS,
    vals=st.lists(WORDS, max_size=2),
)
TREES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAVES,
    lambda children: st.builds(
        dict, op=st.sampled_from(["and", "or", "not", "nor"]), nodes=st.lists(children, max_size=3)
    ),
)


@given(TREES, st.dictionaries(WORDS, WORDS))
def test_any_tree_is_a_filter_or_an_error(tree: dict[str, Any], tags: Mapping[str, str]) -> None:
    parsed = msgspec.convert(tree, FilterNode)
    try:
        tag_filter = TagFilter(parsed)
    except FilterError:
        return
    assert tag_filter.matches(tags) is not TagFilter(node("not", parsed)).matches(tags)
