"""Every message of the protocol, as the other side says or hears it and as we have it. Payloads are bytes."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from chirpbird.realtime.protocol.messages import (
    Command,
    ConnectPush,
    ConnectRequest,
    ConnectResult,
    DisconnectPush,
    Empty,
    Error,
    FilterNode,
    HistoryRequest,
    HistoryResult,
    Info,
    JoinPush,
    MessagePush,
    PresenceRequest,
    PresenceResult,
    PresenceStatsRequest,
    PresenceStatsResult,
    Pub,
    PublishRequest,
    Push,
    RefreshPush,
    RefreshRequest,
    RefreshResult,
    Reply,
    RpcRequest,
    RpcResult,
    SendRequest,
    Since,
    SubRefreshRequest,
    SubRefreshResult,
    SubscribePush,
    SubscribeRequest,
    SubscribeResult,
    UnsubscribePush,
    UnsubscribeRequest,
)
from tests.support.wires import WIRES

__all__ = ["COMMANDS", "PUSHES", "REPLIES", "mutated"]

RAW = msgspec.Raw

SUBSCRIBE = {
    "channel": "news",
    "token": "t",
    "recover": True,
    "epoch": "e",
    "offset": 2**53,
    "data": b'{"a":1}',
    "positioned": True,
    "recoverable": True,
    "join_leave": True,
    "delta": "fossil",
    "tf": {"op": "not", "nodes": [{"key": "k", "cmp": "in", "vals": ["a", "ü"]}, {"val": "v"}]},
    "flag": 3,
}
SUBSCRIBED = SubscribeRequest(
    channel="news",
    token="t",
    recover=True,
    epoch="e",
    offset=2**53,
    data=RAW(b'{"a": 1}'),
    positioned=True,
    recoverable=True,
    join_leave=True,
    delta="fossil",
    tf=FilterNode(op="not", nodes=[FilterNode(key="k", cmp="in", vals=["a", "ü"]), FilterNode(val="v")]),
    flag=3,
)
COMMANDS: list[tuple[dict[str, Any], Command]] = [
    ({}, Command()),
    ({"id": 2**32 - 1}, Command(id=2**32 - 1)),
    (
        {
            "id": 1,
            "connect": {
                "token": "t",
                "data": b'"d"',
                "subs": {"news": SUBSCRIBE, "": {}},
                "name": "js",
                "version": "5.8",
                "headers": {"x-a": "b"},
            },
        },
        Command(
            id=1,
            connect=ConnectRequest(
                token="t",
                data=RAW(b'"d"'),
                subs={"news": SUBSCRIBED, "": SubscribeRequest()},
                name="js",
                version="5.8",
                headers={"x-a": "b"},
            ),
        ),
    ),
    ({"id": 2, "subscribe": SUBSCRIBE}, Command(id=2, subscribe=SUBSCRIBED)),
    ({"id": 3, "unsubscribe": {"channel": "c"}}, Command(id=3, unsubscribe=UnsubscribeRequest("c"))),
    (
        {"id": 4, "publish": {"channel": "c", "data": b"[1]"}},
        Command(id=4, publish=PublishRequest("c", RAW(b"[1]"))),
    ),
    ({"id": 5, "presence": {"channel": "c"}}, Command(id=5, presence=PresenceRequest("c"))),
    ({"id": 6, "presence_stats": {"channel": "c"}}, Command(id=6, presence_stats=PresenceStatsRequest("c"))),
    (
        {
            "id": 7,
            "history": {
                "channel": "c",
                "limit": -1,
                "since": {"offset": 2**63 - 1, "epoch": "e"},
                "reverse": True,
            },
        },
        Command(id=7, history=HistoryRequest("c", -1, Since(2**63 - 1, "e"), True)),
    ),
    ({"id": 7, "history": {"since": {}}}, Command(id=7, history=HistoryRequest(since=Since()))),
    ({"id": 8, "ping": {}}, Command(id=8, ping=Empty())),
    ({"send": {"data": b"null"}}, Command(send=SendRequest(RAW(b"null")))),
    ({"id": 9, "rpc": {"data": b"1.50", "method": "m"}}, Command(id=9, rpc=RpcRequest(RAW(b"1.5"), "m"))),
    ({"id": 9, "rpc": {}}, Command(id=9, rpc=RpcRequest())),
    ({"id": 10, "refresh": {"token": "t"}}, Command(id=10, refresh=RefreshRequest("t"))),
    (
        {"id": 11, "sub_refresh": {"channel": "c", "token": "t"}},
        Command(id=11, sub_refresh=SubRefreshRequest("c", "t")),
    ),
]
BARE = Info("u", "c")
INFO = Info("u", "c", RAW(b'{"n":1}'), RAW(b"2"))
HEARD_INFO = {"user": "u", "client": "c", "conn_info": b'{"n":1}', "chan_info": b"2"}
PUB = Pub(
    data=RAW(b'{"t":"\xc3\xbc"}'), info=INFO, offset=7, tags={"k": "v"}, delta=True, time=8, channel="c1"
)
HEARD_PUB = {
    "data": b'{"t":"\xc3\xbc"}',
    "info": HEARD_INFO,
    "offset": 7,
    "tags": {"k": "v"},
    "delta": True,
    "time": 8,
    "channel": "c1",
}
RESULT = SubscribeResult(
    expires=True,
    ttl=60,
    recoverable=True,
    epoch="e",
    publications=[PUB, Pub()],
    recovered=True,
    offset=9,
    positioned=True,
    data=RAW(b"0"),
    was_recovering=True,
    delta=True,
    id=5,
)
HEARD_RESULT = {
    "expires": True,
    "ttl": 60,
    "recoverable": True,
    "epoch": "e",
    "publications": [HEARD_PUB, {}],
    "recovered": True,
    "offset": 9,
    "positioned": True,
    "data": b"0",
    "was_recovering": True,
    "delta": True,
    "id": 5,
}
PUSHES: list[tuple[Push, dict[str, Any]]] = [
    (Push(), {}),
    (Push(channel="c", pub=PUB), {"channel": "c", "pub": HEARD_PUB}),
    (Push(id=77, pub=Pub()), {"id": 77, "pub": {}}),
    (Push(channel="c", join=JoinPush(INFO)), {"channel": "c", "join": {"info": HEARD_INFO}}),
    (
        Push(channel="c", leave=JoinPush(BARE)),
        {"channel": "c", "leave": {"info": {"user": "u", "client": "c"}}},
    ),
    (
        Push(channel="c", unsubscribe=UnsubscribePush(2500, "insufficient state")),
        {"channel": "c", "unsubscribe": {"code": 2500, "reason": "insufficient state"}},
    ),
    (Push(message=MessagePush(RAW(b"[]"))), {"message": {"data": b"[]"}}),
    (
        Push(channel="c", subscribe=SubscribePush(True, "e", 4, True, RAW(b"1"))),
        {
            "channel": "c",
            "subscribe": {"recoverable": True, "epoch": "e", "offset": 4, "positioned": True, "data": b"1"},
        },
    ),
    (
        Push(connect=ConnectPush("c", "v", RAW(b"1"), {"ch": RESULT}, True, 60, 25, True, "s", "n", 2**41)),
        {
            "connect": {
                "client": "c",
                "version": "v",
                "data": b"1",
                "subs": {"ch": HEARD_RESULT},
                "expires": True,
                "ttl": 60,
                "ping": 25,
                "pong": True,
                "session": "s",
                "node": "n",
                "time": 2**41,
            }
        },
    ),
    (
        Push(disconnect=DisconnectPush(3001, "shutdown", True)),
        {"disconnect": {"code": 3001, "reason": "shutdown", "reconnect": True}},
    ),
    (Push(refresh=RefreshPush(True, 60)), {"refresh": {"expires": True, "ttl": 60}}),
]
REPLIES: list[tuple[Reply, dict[str, Any]]] = [
    (Reply(), {}),
    *((Reply(push=push), {"push": heard}) for push, heard in PUSHES),
    (
        Reply(id=2**32 - 1, error=Error(100, "internal server error", True)),
        {"id": 2**32 - 1, "error": {"code": 100, "message": "internal server error", "temporary": True}},
    ),
    (
        Reply(
            id=1,
            connect=ConnectResult(
                "c", "v", True, 60, RAW(b"1"), {"ch": RESULT, "": SubscribeResult()}, 25, True, "s", "n", 1
            ),
        ),
        {
            "id": 1,
            "connect": {
                "client": "c",
                "version": "v",
                "expires": True,
                "ttl": 60,
                "data": b"1",
                "subs": {"ch": HEARD_RESULT, "": {}},
                "ping": 25,
                "pong": True,
                "session": "s",
                "node": "n",
                "time": 1,
            },
        },
    ),
    (Reply(id=2, subscribe=RESULT), {"id": 2, "subscribe": HEARD_RESULT}),
    (Reply(id=2, subscribe=SubscribeResult()), {"id": 2, "subscribe": {}}),
    (Reply(id=3, unsubscribe=Empty()), {"id": 3, "unsubscribe": {}}),
    (Reply(id=4, publish=Empty()), {"id": 4, "publish": {}}),
    (
        Reply(id=5, presence=PresenceResult({"c": INFO, "d": BARE})),
        {"id": 5, "presence": {"presence": {"c": HEARD_INFO, "d": {"user": "u", "client": "c"}}}},
    ),
    (
        Reply(id=6, presence_stats=PresenceStatsResult(2, 1)),
        {"id": 6, "presence_stats": {"num_clients": 2, "num_users": 1}},
    ),
    (
        Reply(id=7, history=HistoryResult([PUB], "e", 8)),
        {"id": 7, "history": {"publications": [HEARD_PUB], "epoch": "e", "offset": 8}},
    ),
    (Reply(id=8, ping=Empty()), {"id": 8, "ping": {}}),
    (Reply(id=9, rpc=RpcResult(RAW(b"{}"))), {"id": 9, "rpc": {"data": b"{}"}}),
    (Reply(id=9, rpc=RpcResult()), {"id": 9, "rpc": {}}),
    (
        Reply(id=10, refresh=RefreshResult("c", "v", True, 60)),
        {"id": 10, "refresh": {"client": "c", "version": "v", "expires": True, "ttl": 60}},
    ),
    (
        Reply(id=11, sub_refresh=SubRefreshResult(True, 60)),
        {"id": 11, "sub_refresh": {"expires": True, "ttl": 60}},
    ),
]


FRAMES = {
    name: [wire.commands([said]) for said, _ in COMMANDS] + [wire.commands([said for said, _ in COMMANDS])]
    for name, wire in WIRES.items()
}


@st.composite
def mutated(draw: st.DrawFn, name: str, most: int = 4) -> bytes:
    """A valid frame of a wire format of which some bytes were changed, lost or added."""
    frame = bytearray(draw(st.sampled_from(FRAMES[name])))
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, len(frame)))
        end = min(start + draw(st.integers(0, 4)), len(frame))
        frame[start:end] = draw(st.binary(max_size=4))
    return bytes(frame)
