"""Redis URLs: which servers there are, and how to get in."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import msgspec

from chirpbird.realtime.redis.errors import Misconfigured

__all__ = ["Access", "Address", "RedisSet", "Topology", "parse_sets"]

_SEPARATOR = re.compile(r"[\s,]+(?=[a-z+]+://)|\s+")
"""A comma separates sets only in front of a scheme: within a set, it separates servers."""
_FORMS = (
    "redis://[user:password@]host[:6379][/0], rediss://… (TLS), unix:///path[?db=0], "
    "redis+sentinel://[user:password@]host[:26379],host…[/0]?master=name, redis+cluster://[user:password@]host[:6379],host…"
)
_PORT = 6379
_SENTINEL_PORT = 26379
_MAX_DB = 1_000_000


class Topology(Enum):
    """How the servers of a set belong together."""

    STANDALONE = "standalone"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


class Address(msgspec.Struct, frozen=True):
    """Where a server listens: ``path`` of a Unix socket, or host and port."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to get into a server."""

    username: str = ""
    password: str = ""
    db: int = 0
    tls: bool = False
    ca: str = ""
    """File with the certificates that are trusted; empty: the system's."""
    cert: str = ""
    key: str = ""
    verify: bool = True

    def __repr__(self) -> str:
        return f"Access(username={self.username!r}, db={self.db}, tls={self.tls})"

    def ssl_context(self) -> ssl.SSLContext | None:
        """None without TLS. Errors: Misconfigured when the files are not there or do not fit."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
            if self.cert:
                context.load_cert_chain(self.cert, self.key or None)
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(f"the TLS files of the Redis URL cannot be used: {error}") from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class RedisSet(msgspec.Struct, frozen=True, kw_only=True):
    """Servers that make up one Redis: a standalone one, one behind Sentinels, or a cluster."""

    topology: Topology
    name: str
    """Decides which channels live here; equal on all nodes as long as ``?set=`` or the URL's servers are. No secrets."""
    addresses: Sequence[Address]
    """Of the server, the Sentinels, or some of the cluster."""
    access: Access
    sentinel_access: Access = Access()
    master: str = ""


def parse_sets(url: str) -> Sequence[RedisSet]:
    """One or more URLs, with whitespace or commas between.

    In the query: ``set`` names the set; ``ca``, ``cert``, ``key`` (files) and ``verify=no`` are for TLS, which ``tls=yes`` asks
    for where the scheme does not say; ``sentinel_username`` and ``sentinel_password`` are for Sentinels that want others.
    User, password and paths are percent-encoded. Errors: Misconfigured; it never quotes a password.
    """
    parts = [part for part in _SEPARATOR.split(url.strip()) if part]
    if not parts:
        raise Misconfigured(f"the Redis URL is empty, expected one of: {_FORMS}")
    sets = [_parse(part) for part in parts]
    names = [one.name for one in sets]
    for name in names:
        if names.count(name) > 1:
            raise Misconfigured(
                f"the Redis set {name!r} is there {names.count(name)} times, expected different ones; "
                "sets that look alike are told apart by ?set=name"
            )
    return sets


def _parse(url: str) -> RedisSet:
    try:
        split = urlsplit(url)
    except ValueError as error:
        raise Misconfigured(f"the Redis URL cannot be read ({error}), expected one of: {_FORMS}") from error
    topology, tls = _topology(split.scheme)
    query = _query(split)
    userinfo, _, hosts = split.netloc.rpartition("@")
    username, _, password = userinfo.partition(":")
    access = Access(
        username=unquote(username),
        password=unquote(password),
        db=_db(query.get("db") or (split.path.strip("/") if split.scheme != "unix" else "") or "0"),
        tls=tls or _flag(query, "tls", "no"),
        ca=query.get("ca", ""),
        cert=query.get("cert", ""),
        key=query.get("key", ""),
        verify=_flag(query, "verify", "yes"),
    )
    addresses = _addresses(split, hosts, topology)
    if topology is Topology.CLUSTER and access.db:
        raise Misconfigured(f"the Redis URL has database {access.db}, expected none: clusters have only 0")
    if topology is Topology.STANDALONE and len(addresses) > 1:
        raise Misconfigured(
            f"the Redis URL {split.scheme}://… has {len(addresses)} servers, expected one; several Sentinels are "
            "redis+sentinel://, a cluster is redis+cluster://, and independent servers are URLs of their own"
        )
    master = query.get("master", "")
    if (topology is Topology.SENTINEL) is not bool(master):
        found = f"master={master!r}" if master else "no master"
        raise Misconfigured(
            f"the Redis URL {split.scheme}://… has {found}, expected ?master=name with redis+sentinel:// and only there"
        )
    servers = ",".join(sorted(str(address) for address in addresses))
    return RedisSet(
        topology=topology,
        name=query.get("set") or (f"{master}@{servers}" if master else f"{servers}/{access.db}"),
        addresses=addresses,
        access=access,
        sentinel_access=msgspec.structs.replace(
            access,
            db=0,
            username=query.get("sentinel_username", access.username),
            password=query.get("sentinel_password", access.password),
        ),
        master=master,
    )


def _topology(scheme: str) -> tuple[Topology, bool]:
    """And whether the scheme asks for TLS."""
    base, _, kind = scheme.partition("+")
    kinds = {"": Topology.STANDALONE, "sentinel": Topology.SENTINEL, "cluster": Topology.CLUSTER}
    if base in ("redis", "rediss") and kind in kinds:
        return kinds[kind], base == "rediss"
    if scheme == "unix":
        return Topology.STANDALONE, False
    found = f"scheme {scheme!r}" if scheme else "no scheme"
    raise Misconfigured(f"the Redis URL has {found}, expected one of: {_FORMS}")


def _query(split: SplitResult) -> dict[str, str]:
    known = {
        "ca",
        "cert",
        "db",
        "key",
        "master",
        "sentinel_password",
        "sentinel_username",
        "set",
        "tls",
        "verify",
    }
    query = {name: values[-1] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
    for name in query:
        if name not in known:
            raise Misconfigured(
                f"the Redis URL has the option {name!r}, expected one of {', '.join(sorted(known))}"
            )
    for name in ("ca", "cert", "key"):
        if query.get(name) and not Path(query[name]).is_file():
            raise Misconfigured(f"the Redis URL's {name} is {query[name]!r}, expected a file that is there")
    return query


def _flag(query: dict[str, str], name: str, default: str) -> bool:
    value = query.get(name, default)
    if value not in ("yes", "no"):
        raise Misconfigured(f"the Redis URL's {name} is {value!r}, expected yes or no")
    return value == "yes"


def _db(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:8]) > _MAX_DB:
        raise Misconfigured(f"the Redis URL's database is {text!r}, expected a number")
    return int(text)


def _addresses(split: SplitResult, hosts: str, topology: Topology) -> Sequence[Address]:
    if split.scheme == "unix":
        path = unquote(split.path)
        if hosts or not path:
            raise Misconfigured("the Redis URL unix://… has no path, expected unix:///path/to/socket")
        return (Address(path=path),)
    default = _SENTINEL_PORT if topology is Topology.SENTINEL else _PORT
    return tuple(_address(one, default) for one in hosts.split(","))


def _address(text: str, default_port: int) -> Address:
    match = re.fullmatch(r"(\[[0-9a-fA-F:.%\w]+\]|[^:\[\]\s/]+)(?::(\d{1,5}))?", text)
    port = int(match[2] or default_port) if match else 0
    if match is None or not 1 <= port <= 65535:
        raise Misconfigured(f"the Redis URL has the server {text!r}, expected host or host:port (1-65535)")
    return Address(host=match[1].strip("[]"), port=port)
