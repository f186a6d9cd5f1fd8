"""Frames, limits and closing, over real sockets: a raw client writes what a library would refuse to."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from chirpbird.realtime.transports.base import Connection, TransportInfo
from chirpbird.realtime.transports.handover import take_over
from chirpbird.realtime.transports.handshake import Handshake
from chirpbird.realtime.transports.websocket import (
    BINARY_FRAMING,
    TEXT_FRAMING,
    WebSocketLimits,
)

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
MASK = b"\x01\x02\x03\x04"
LIMITS = WebSocketLimits(max_message_size=1000, close_timeout=60)
IMPATIENT = WebSocketLimits(close_timeout=0.01)


class Recorder:
    """Acceptor and receiver of the one connection that a test makes."""

    def __init__(self) -> None:
        self.accepted: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self.closed_with: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.on_accept: Callable[[Connection], None] = lambda connection: None
        self.on_message: Callable[[bytes], None] = self.messages.put_nowait

    def accept(self, connection: Connection) -> Recorder:
        self.on_accept(connection)
        self.accepted.set_result(connection)
        return self

    def received(self, data: bytes) -> None:
        self.on_message(data)

    def closed(self, code: int, reason: str) -> None:
        self.closed_with.set_result((code, reason))


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, first: int, payload: bytes = b"", *, masked: bool = True) -> None:
        self.writer.write(frame(first, payload, masked=masked))

    async def receive(self) -> tuple[int, bytes]:
        """The next frame: its first byte and its payload."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return first, await self.reader.readexactly(size)

    async def receive_close(self) -> tuple[int, str]:
        first, payload = await self.receive()
        assert first == FIN | CLOSE
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()


def frame(first: int, payload: bytes = b"", *, masked: bool = True) -> bytes:
    size = len(payload)
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, bit | size))
    elif size < 65536:
        head = bytes((first, bit | 126)) + struct.pack(">H", size)
    else:
        head = bytes((first, bit | 127)) + struct.pack(">Q", size)
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))


@asynccontextmanager
async def connected(
    recorder: Recorder,
    *,
    wire: str = "json",
    limits: WebSocketLimits = LIMITS,
    early: bytes = b"",
    native_ping: bool = False,
) -> AsyncIterator[Client]:
    """A client whose opening handshake is over, and a server of just that."""
    info = TransportInfo(name="websocket", wire=wire, remote_addr="127.0.0.1", native_ping=native_ping)
    handshake = Handshake(b"dGhlIHNhbXBsZSBub25jZQ==", wire, None)

    class Opening(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            # uvloop's transports are asyncio's by behaviour only
            take_over(cast("asyncio.Transport", transport), handshake, info, recorder, limits, early)

    server = await asyncio.get_running_loop().create_server(Opening, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()
            await recorder.closed_with


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_frames_are_what_the_rfc_says(size: int) -> None:
    payload = b"x" * size
    assert TEXT_FRAMING.frame(payload) == frame(FIN | TEXT, payload, masked=False)
    assert BINARY_FRAMING.frame(payload) == frame(FIN | BINARY, payload, masked=False)


async def test_messages_come_and_go(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        client.send(FIN | TEXT, '{"text":"grüß dich"}'.encode())
        assert await recorder.messages.get() == '{"text":"grüß dich"}'.encode()
        connection = await recorder.accepted
        connection.write(connection.framing.frame(b"{}") + connection.framing.frame(b'{"id":1}'))
        assert await client.receive() == (FIN | TEXT, b"{}")
        assert await client.receive() == (FIN | TEXT, b'{"id":1}')
        assert connection.buffered() == 0


async def test_protobuf_travels_in_binary_frames(recorder: Recorder) -> None:
    async with connected(recorder, wire="protobuf") as client:
        client.send(FIN | BINARY, b"\xff\x00")
        assert await recorder.messages.get() == b"\xff\x00"
        connection = await recorder.accepted
        connection.write(connection.framing.frame(b"\xfe"))
        assert await client.receive() == (FIN | BINARY, b"\xfe")


@pytest.mark.parametrize(("wire", "kind", "empty"), [("json", TEXT, b"{}"), ("protobuf", BINARY, b"\x00")])
async def test_pings_may_be_frames(recorder: Recorder, wire: str, kind: int, empty: bytes) -> None:
    async with connected(recorder, wire=wire, native_ping=True) as client:
        connection = await recorder.accepted
        connection.write(connection.framing.frame(empty) + connection.framing.frame(b"a reply"))
        assert await client.receive() == (FIN | PING, b"")
        assert await client.receive() == (FIN | kind, b"a reply")
        client.send(kind, b"half a ")
        client.send(FIN | PONG)
        client.send(FIN | CONTINUATION, b"message")
        assert await recorder.messages.get() == empty
        assert await recorder.messages.get() == b"half a message"


async def test_frames_right_behind_the_request_are_not_lost(recorder: Recorder) -> None:
    early = b"".join(frame(FIN | TEXT, b"%d" % number * 200) for number in range(20))
    async with connected(recorder, early=early + frame(FIN | TEXT, b"last")[:5]) as client:
        client.writer.write(frame(FIN | TEXT, b"last")[5:])
        for number in range(20):
            assert await recorder.messages.get() == b"%d" % number * 200
        assert await recorder.messages.get() == b"last"


async def test_many_messages_may_share_a_packet(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        client.writer.write(b"".join(frame(FIN | TEXT, b"%d" % number) for number in range(5000)))
        for number in range(5000):
            assert await recorder.messages.get() == b"%d" % number


async def test_fragments_are_joined_and_pings_answered_between(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        client.send(TEXT, "grü".encode()[:3])
        client.send(FIN | PING, b"are you there")
        client.send(CONTINUATION)
        client.send(CONTINUATION, "ü".encode()[1:])
        client.send(FIN | PONG, b"unasked")
        client.send(FIN | CONTINUATION, "ß".encode())
        assert await client.receive() == (FIN | PONG, b"are you there")
        assert await recorder.messages.get() == "grüß".encode()


async def test_a_message_may_have_the_size_of_the_limit(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        client.send(FIN | TEXT, b"x" * 1000)
        client.send(TEXT, b"y" * 500)
        client.send(FIN | CONTINUATION, b"y" * 500)
        assert await recorder.messages.get() == b"x" * 1000
        assert await recorder.messages.get() == b"y" * 1000


VIOLATIONS = {
    "frame over the limit": (frame(FIN | TEXT, b"x" * 1001), 1009),
    "size of an exbibyte": (bytes((FIN | TEXT, 0xFF)) + struct.pack(">Q", 1 << 60), 1009),
    "fragments over the limit": (frame(TEXT, b"x" * 501) + frame(CONTINUATION, b"x" * 500), 1009),
    "invalid utf-8": (frame(FIN | TEXT, b'"\xc3("'), 1007),
    "utf-8 cut short": (frame(TEXT, b"\xf0\x9f") + frame(FIN | CONTINUATION, b"\x98"), 1007),
    "surrogates": (frame(FIN | TEXT, b"\xed\xa0\x80"), 1007),
    "binary where text is due": (frame(FIN | BINARY, b"{}"), 3501),
    "fragmented binary": (frame(BINARY, b"{"), 3501),
    "no mask": (frame(FIN | TEXT, b"{}", masked=False), 1002),
    "reserved opcode": (frame(FIN | 0x3, b"{}"), 1002),
    "reserved control opcode": (frame(FIN | 0xB, b""), 1002),
    "reserved bit": (frame(FIN | 0x40 | TEXT, b"{}"), 1002),
    "reserved bit of a ping": (frame(FIN | 0x20 | PING, b""), 1002),
    "fragmented ping": (frame(PING, b""), 1002),
    "long ping": (frame(FIN | PING, b"x" * 126), 1002),
    "nothing to continue": (frame(FIN | CONTINUATION, b"{}"), 1002),
    "message within a message": (frame(TEXT, b"{") + frame(FIN | TEXT, b"{}"), 1002),
    "size not in its shortest form": (bytes((FIN | TEXT, 0xFE)) + struct.pack(">H", 5), 1002),
    "negative size": (bytes((FIN | TEXT, 0xFF)) + struct.pack(">Q", 1 << 63), 1002),
    "close with half a code": (frame(FIN | CLOSE, b"\x03"), 1002),
    "close with a reserved code": (frame(FIN | CLOSE, struct.pack(">H", 999)), 1002),
    "close with an invalid reason": (frame(FIN | CLOSE, struct.pack(">H", 1000) + b"\xff"), 1007),
}


@pytest.mark.parametrize("name", VIOLATIONS)
async def test_violations_close_the_connection(recorder: Recorder, name: str) -> None:
    bytes_sent, code = VIOLATIONS[name]
    async with connected(recorder) as client:
        client.writer.write(bytes_sent)
        told, reason = await client.receive_close()
        assert told == code
        assert reason
        client.send(FIN | CLOSE, struct.pack(">H", code))
        assert await client.reader.read() == b""
        assert await recorder.closed_with == (code, reason)
        assert recorder.messages.empty()


async def test_text_where_binary_is_due_is_a_bad_request(recorder: Recorder) -> None:
    async with connected(recorder, wire="protobuf") as client:
        client.send(FIN | TEXT, b"{}")
        assert await client.receive_close() == (3501, "bad request")


async def test_closing_flushes_says_why_and_waits_for_the_answer(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        connection = await recorder.accepted
        connection.write(connection.framing.frame(b"last words"))
        connection.close(3001, "shutdown")
        connection.close(3000, "said too late")
        connection.write(connection.framing.frame(b"said too late"))
        assert await client.receive() == (FIN | TEXT, b"last words")
        assert await client.receive_close() == (3001, "shutdown")
        client.send(FIN | TEXT, b"sent before the close arrived")
        client.send(FIN | PING, b"likewise")
        client.send(FIN | CLOSE, struct.pack(">H", 3001))
        assert await client.reader.read() == b""
        assert await recorder.closed_with == (3001, "shutdown")
        assert recorder.messages.empty()
        connection.write(b"after the end")
        connection.close(3000, "after the end")
        assert connection.buffered() == 0


async def test_a_long_reason_is_cut_between_characters(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        (await recorder.accepted).close(3500, "ü" * 70)
        assert await client.receive_close() == (3500, "ü" * 61)


async def test_who_does_not_answer_a_close_is_dropped(recorder: Recorder) -> None:
    async with connected(recorder, limits=IMPATIENT) as client:
        (await recorder.accepted).close(3001, "shutdown")
        assert await client.receive_close() == (3001, "shutdown")
        assert await recorder.closed_with == (3001, "shutdown")


async def test_who_does_not_read_is_dropped_all_the_same(recorder: Recorder) -> None:
    async with connected(recorder, limits=IMPATIENT):
        connection = await recorder.accepted
        connection.write(b"x" * 20_000_000)
        assert connection.buffered() > 0
        connection.close(3008, "slow")
        assert await recorder.closed_with == (3008, "slow")


async def test_who_says_goodbye_without_reading_is_dropped_too(recorder: Recorder) -> None:
    async with connected(recorder, limits=IMPATIENT) as client:
        (await recorder.accepted).write(b"x" * 20_000_000)
        client.send(FIN | CLOSE, struct.pack(">H", 1001))
        assert await recorder.closed_with == (1001, "")


async def test_buffered_is_what_the_kernel_did_not_take(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        connection = await recorder.accepted
        connection.write(b"x" * 20_000_000)
        waiting = connection.buffered()
        assert 0 < waiting < 20_000_000
        connection.write(b"y" * 1000)
        assert connection.buffered() == waiting + 1000
        await client.reader.readexactly(20_001_000)
        client.send(FIN | TEXT, b"read it")
        assert await recorder.messages.get() == b"read it"
        assert connection.buffered() == 0


@pytest.mark.parametrize(
    ("sent", "told", "answered"),
    [
        (struct.pack(">H", 1000) + b"bye", (1000, "bye"), 1000),
        (struct.pack(">H", 4321), (4321, ""), 4321),
        (struct.pack(">H", 1006), (1006, ""), 1002),
        (struct.pack(">H", 5000), (5000, ""), 1002),
        (b"", (1005, ""), 1000),
    ],
)
async def test_a_close_is_answered(
    recorder: Recorder, sent: bytes, told: tuple[int, str], answered: int
) -> None:
    async with connected(recorder) as client:
        client.send(FIN | CLOSE, sent)
        assert (await client.receive_close())[0] == answered
        assert await client.reader.read() == b""
        assert await recorder.closed_with == told


async def test_a_lost_connection_is_1006(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        client.writer.transport.abort()
        assert await recorder.closed_with == (1006, "")


async def test_half_a_message_and_an_end_is_no_message(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        client.send(TEXT, b"half")
        client.writer.write(frame(FIN | CONTINUATION, b"a message")[:-1])
        client.writer.write_eof()
        assert await client.reader.read() == b""
        assert await recorder.closed_with == (1006, "")
        assert recorder.messages.empty()


async def test_pings_of_who_does_not_read_cost_no_memory(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        connection = await recorder.accepted
        connection.write(b"x" * 20_000_000)
        waiting = connection.buffered()
        client.writer.write(frame(FIN | PING, b"p" * 125) * 1000)
        client.send(FIN | TEXT, b"behind the pings")
        assert await recorder.messages.get() == b"behind the pings"
        assert connection.buffered() <= waiting


async def test_a_connection_may_be_closed_while_it_is_accepted(recorder: Recorder) -> None:
    recorder.on_accept = lambda connection: connection.close(3503, "too many")
    async with connected(recorder, early=frame(FIN | TEXT, b"{}")) as client:
        assert await client.receive_close() == (3503, "too many")
        client.send(FIN | CLOSE, struct.pack(">H", 3503))
        assert await recorder.closed_with == (3503, "too many")
        assert recorder.messages.empty()


async def test_a_failure_to_handle_a_message_is_logged_and_closes(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(data: bytes) -> None:
        raise RuntimeError("no such luck")

    recorder.on_message = fail
    async with connected(recorder) as client:
        client.writer.write(frame(FIN | TEXT, b"1") + frame(FIN | TEXT, b"2"))
        assert await client.receive_close() == (1011, "internal error")
        client.send(FIN | CLOSE, struct.pack(">H", 1011))
        assert await recorder.closed_with == (1011, "internal error")
    assert [(record.getMessage(), record.exc_info is not None) for record in caplog.records] == [
        ("a message could not be handled", True)
    ]


async def test_a_failure_to_accept_is_logged_and_closes(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(connection: Connection) -> None:
        recorder.closed_with.set_result((0, ""))  # nobody is told of the end of what was not accepted
        raise RuntimeError("no such luck")

    recorder.on_accept = fail
    async with connected(recorder) as client:
        assert await client.receive_close() == (1011, "internal error")
    assert [record.getMessage() for record in caplog.records] == ["a connection could not be accepted"]


def socket_of(connection: Connection) -> asyncio.Transport:
    return cast("asyncio.Transport", connection.write.__self__)  # type: ignore[attr-defined]


def read_buffer_size(connection: Connection) -> int:
    protocol = cast("asyncio.BufferedProtocol", socket_of(connection).get_protocol())
    return 2 * len(memoryview(protocol.get_buffer(-1)))  # half of it is offered at a time


async def test_small_packets_are_not_held_back(recorder: Recorder) -> None:
    async with connected(recorder):
        raw = socket_of(await recorder.accepted).get_extra_info("socket")
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_flood_of_small_messages_costs_no_memory(recorder: Recorder) -> None:
    async with connected(recorder) as client:
        connection = await recorder.accepted
        size = read_buffer_size(connection)
        client.writer.write(frame(FIN | TEXT, b"x" * 100) * 20_000 + frame(FIN | TEXT, b"last"))
        while await recorder.messages.get() != b"last":
            pass
        assert read_buffer_size(connection) == size <= 2048


async def test_large_messages_cost_at_most_twice_their_size(recorder: Recorder) -> None:
    limits = WebSocketLimits()
    async with connected(recorder, limits=limits) as client:
        client.writer.write(frame(FIN | TEXT, b"x" * limits.max_message_size) * 20)
        for _ in range(20):
            assert len(await recorder.messages.get()) == limits.max_message_size
        assert read_buffer_size(await recorder.accepted) <= 2 * limits.max_message_size
