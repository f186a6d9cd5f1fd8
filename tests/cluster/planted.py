"""``chirpbird`` with a bug in it, to see whether the drills find it: ``python planted.py BUG serve ...``."""

from __future__ import annotations

import sys
from asyncio import Future
from collections.abc import Callable

from chirpbird.chat.entities import Entry
from chirpbird.chat.messages import Messages
from chirpbird.cli import main
from chirpbird.gateway.handlers import Handlers
from chirpbird.realtime import Client, PublishEvent, PublishReply, PublishResult
from chirpbird.realtime.position_keeper import PositionKeeper


def acknowledge_before_durable() -> None:
    """The send is acknowledged at once; if the log then does not take it, nobody hears of it."""
    publish = Handlers.publish

    def hasty(self: Handlers, client: Client, event: PublishEvent) -> PublishReply:
        publish(self, client, event).add_done_callback(lambda done: done.cancelled() or done.exception())
        return PublishReply(PublishResult())

    Handlers.publish = hasty  # type: ignore[method-assign,assignment]


def skip_gap_fill() -> None:
    """What the bus lost stays lost until the reader reconnects."""
    PositionKeeper._fill_if_behind = lambda self, channel, position: None  # type: ignore[method-assign]


def forget_keys() -> None:
    """A retried send is a new message."""
    send = Messages.send

    def forgetful(
        self: Messages, user_id: str, channel_id: str, data: str, key: str = "", reply_to: int = 0
    ) -> Future[Entry]:
        return send(self, user_id, channel_id, data, "", reply_to)

    Messages.send = forgetful  # type: ignore[method-assign]


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug for bug in (acknowledge_before_durable, skip_gap_fill, forget_keys)
}

if __name__ == "__main__":
    BUGS[sys.argv.pop(1)]()
    main()
