"""The tables of docs/realtime.md: what they name exists, and they leave nothing of the protocol out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from google.protobuf.descriptor_pool import Default

from chirpbird.realtime.protocol import messages as m
from chirpbird.realtime.protocol.protobuf_schema import FIELDS
from tests.support.wires import WIRES

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "realtime.md"
NAMES: Mapping[type[msgspec.Struct], tuple[str, ...]] = {
    m.Info: ("ClientInfo",),
    m.Pub: ("Publication",),
    m.Since: ("StreamPosition",),
    m.RpcRequest: ("RPCRequest",),
    m.RpcResult: ("RPCResult",),
    m.JoinPush: ("Join", "Leave"),
    m.UnsubscribePush: ("Unsubscribe",),
    m.SubscribePush: ("Subscribe",),
    m.MessagePush: ("Message",),
    m.ConnectPush: ("Connect",),
    m.DisconnectPush: ("Disconnect",),
    m.RefreshPush: ("Refresh",),
    m.Empty: ("UnsubscribeResult", "PublishResult", "PingRequest", "PingResult"),
}
"""The protocol's names of messages, where ours are others."""


def rows(heading: str) -> Iterator[list[str]]:
    """Cells of the table's rows under a heading."""
    section = re.split(r"^#+ ", PAGE.read_text().partition(f"# {heading}\n")[2], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def stated() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Fields that we speak, and those that we do not, by message."""
    spoken: dict[str, set[str]] = {}
    left_out: dict[str, set[str]] = {}
    for message, fields, state, _ in rows("Field by field"):
        found = left_out if state.startswith("no") else spoken
        found.setdefault(words(message)[0], set()).update(words(fields))
    return spoken, left_out


def test_every_test_that_is_named_exists() -> None:
    named = 0
    for *_, cell in [*rows("What it speaks today"), *rows("Field by field")]:
        folder = TESTS
        for word in filter(re.compile(r"[./]").search, words(cell)):
            path, _, function = word.partition("::")
            found = TESTS / path if (TESTS / path).exists() else folder / path
            assert found.exists(), word
            assert not function or f"def {function}(" in found.read_text(), word
            folder = found.parent
            named += 1
    assert named > 100


def test_every_feature_is_shown() -> None:
    for _, state, cell in rows("What it speaks today"):
        assert words(cell) or state.startswith("no")
    for *_, cell in rows("Field by field"):
        assert "::" in words(cell)[0]


def test_every_field_that_we_speak_is_told_and_no_other() -> None:
    spoken, left_out = stated()
    ours = {
        name: set(fields)
        for struct, fields in FIELDS.items()
        for name in NAMES.get(struct, (struct.__name__,))
    }
    assert spoken == ours
    for message, fields in left_out.items():
        assert not fields & ours.get(message, set())


def test_every_field_that_an_sdk_knows_is_told() -> None:
    assert "protobuf" in WIRES  # the SDK's schema is loaded
    spoken, left_out = stated()
    command = Default().FindMessageTypeByName("centrifugal.centrifuge.protocol.Command")
    for name, message in command.file.message_types_by_name.items():
        assert name in spoken or name in left_out
        assert {field.name for field in message.fields} <= spoken.get(name, set()) | left_out.get(name, set())
