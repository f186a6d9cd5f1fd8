"""Which function does what a command asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chirpbird.realtime import connecting, requests, sub_expiry, subscribing
from chirpbird.realtime.protocol import disconnects
from chirpbird.realtime.protocol.messages import Command

if TYPE_CHECKING:
    from chirpbird.realtime.session import Session

__all__ = ["dispatch", "wants_no_answer"]


def dispatch(session: Session, command: Command) -> None:
    """Do a command of a connected client."""
    command_id = command.id
    if command.connect is not None:
        session.close(disconnects.BAD_REQUEST)
    elif command.subscribe is not None:
        subscribing.subscribe(session, command)
    elif command.unsubscribe is not None:
        subscribing.unsubscribe(session, command)
    elif command.publish is not None:
        requests.publish(session, command_id, command.publish)
    elif command.presence is not None:
        requests.presence(session, command_id, command.presence)
    elif command.presence_stats is not None:
        requests.presence_stats(session, command_id, command.presence_stats)
    elif command.history is not None:
        requests.history(session, command_id, command.history)
    elif command.ping is not None:
        session.close(disconnects.BAD_REQUEST)
    elif command.send is not None:
        requests.send(session, command.send)
    elif command.rpc is not None:
        requests.rpc(session, command_id, command.rpc)
    elif command.refresh is not None:
        connecting.refresh(session, command_id, command.refresh)
    elif command.sub_refresh is not None:
        sub_expiry.sub_refresh(session, command_id, command.sub_refresh)
    else:
        session.close(disconnects.BAD_REQUEST)


def wants_no_answer(command: Command) -> bool:
    """Only a send may come without an id: anything set beside it would be answered, and to nobody."""
    return command.send is not None and command == Command(send=command.send)
