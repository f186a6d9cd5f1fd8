"""What a Redis URL may look like, and what is said of one that makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from chirpbird.realtime.redis import Misconfigured, RedisOptions
from chirpbird.realtime.redis.url import Access, Address, Topology, parse_sets


def test_a_server() -> None:
    [one] = parse_sets("redis://anna:s%40crow@example.org:7000/3")
    assert one.topology is Topology.STANDALONE
    assert one.addresses == (Address(host="example.org", port=7000),)
    assert one.access == Access(username="anna", password="s@crow", db=3)
    assert one.name == "example.org:7000/3"
    assert "crow" not in repr(one)


def test_what_is_left_out() -> None:
    [one] = parse_sets("redis://[::1]")
    assert one.addresses == (Address(host="::1", port=6379),)
    assert str(one.addresses[0]) == "[::1]:6379"
    assert one.access == Access()


def test_a_socket() -> None:
    [one] = parse_sets("unix:///run/redis.sock?db=2")
    assert one.addresses == (Address(path="/run/redis.sock"),)
    assert one.access.db == 2


def test_tls(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    [one] = parse_sets(f"rediss://:p@host?ca={ca}&verify=no")
    assert (one.access.tls, one.access.ca, one.access.verify) == (True, str(ca), False)
    with pytest.raises(Misconfigured, match="TLS files"):
        one.access.ssl_context()


def test_sentinels() -> None:
    [one] = parse_sets("redis+sentinel://:p@b,a:1234/1?master=birds&sentinel_password=q")
    assert one.topology is Topology.SENTINEL
    assert [str(address) for address in one.addresses] == ["b:26379", "a:1234"]
    assert (one.master, one.access.password, one.sentinel_access.password) == ("birds", "p", "q")
    assert (one.access.db, one.sentinel_access.db) == (1, 0)
    assert one.name == "birds@a:1234,b:26379"


@pytest.mark.parametrize("between", [" ", ",", ", ", "\n"])
def test_several_sets(between: str) -> None:
    sets = parse_sets(between.join(("redis+cluster://a:1,b:2", "redis://c", "redis://d?set=last")))
    assert [one.topology for one in sets] == [
        Topology.CLUSTER,
        Topology.STANDALONE,
        Topology.STANDALONE,
    ]
    assert [one.name for one in sets] == ["a:1,b:2/0", "c:6379/0", "last"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is empty"),
        ("localhost:6379", "scheme 'localhost'"),
        ("//localhost", "no scheme"),
        ("http://localhost", "scheme 'http', expected one of: redis://"),
        ("redis://", "the server ''"),
        ("redis://host:99999", "the server 'host:99999'"),
        ("redis://host:port", "the server 'host:port'"),
        ("redis://[::1", "cannot be read"),
        ("redis://a,b", "2 servers, expected one"),
        ("redis://a redis://a", "is there 2 times"),
        ("redis://a/first", "database is 'first'"),
        ("redis://a?db=99999999", "database is '99999999'"),
        ("redis://a?master=birds", "master='birds'"),
        ("redis+sentinel://a", "no master, expected ?master=name"),
        ("redis+cluster://a/1", "database 1, expected none"),
        ("redis://a?colour=red", "option 'colour'"),
        ("redis://a?tls=1", "tls is '1', expected yes or no"),
        ("rediss://a?ca=/nowhere", "ca is '/nowhere', expected a file"),
        ("unix://host/path", "no path"),
        ("unix://", "no path"),
        ("redis://:secret@a,b", "2 servers"),
    ],
)
def test_what_makes_no_sense(url: str, words: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        RedisOptions(url=url)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["", "a b", "{a}", "a" * 65])
def test_prefixes(prefix: str) -> None:
    with pytest.raises(Misconfigured, match="prefix"):
        RedisOptions(url="redis://a", prefix=prefix)
