"""Entries as lines of a terminal."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from chirpbird.terminal.conversations import Conversation, Entry, Person, Sending, visible

__all__ = ["channel_line", "entry_line", "sending_line"]


def entry_line(entry: Entry, before: Entry | None) -> Content:
    """One entry; who and when are said once for what one person says within a few minutes."""
    if entry.type != "message":
        return Content.from_markup("[dim]$what[/]", what=f"— {_note(entry)}")
    text = visible(entry.data)
    if before is not None and _goes_on(before, entry):
        return Content(text)
    head = Content.from_markup(
        "\n[b $accent]$name[/]  [dim]$time[/]\n",
        name=visible(entry.sender.name),
        time=_time(entry.created_at),
    )
    return head + Content(text)


def sending_line(sending: Sending) -> Content:
    text = visible(sending.text)
    if sending.refused:
        return Content.from_markup(
            "$text\n[$text-error]not sent: $why (ctrl+r: take it back)[/]", text=text, why=sending.refused
        )
    return Content.from_markup("[dim]$text  … waiting[/]", text=text)


def channel_line(conversation: Conversation) -> Content:
    sign = {"public": "#", "private": "●", "direct": "@"}.get(conversation.kind, "?")
    if conversation.unread:
        return Content.from_markup(
            "[b]$sign $title[/]  [b $accent]$unread[/]",
            sign=sign,
            title=conversation.title,
            unread=str(conversation.unread) if conversation.unread < 100 else "99+",
        )
    return Content.from_markup("[dim]$sign[/] $title", sign=sign, title=conversation.title)


def _note(entry: Entry) -> str:
    sender = visible(entry.sender.name)
    members = _names(entry.members)
    alone = entry.members == (entry.sender,)
    if entry.type == "created":
        return f"{sender} began this channel"
    if entry.type == "joined":
        return f"{sender} joined" if alone else f"{sender} added {members}"
    if entry.type == "left":
        return f"{sender} left" if alone else f"{sender} removed {members}"
    return f"{sender}: {visible(entry.type)}"


def _names(people: tuple[Person, ...]) -> str:
    names = [visible(person.name) for person in people]
    if len(names) > 4:
        names = [*names[:3], f"{len(names) - 3} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nobody"


def _goes_on(before: Entry, entry: Entry) -> bool:
    if before.type != "message" or before.sender.id != entry.sender.id:
        return False
    return (_moment(entry.created_at) - _moment(before.created_at)).total_seconds() < 300


def _time(created_at: str) -> str:
    then = _moment(created_at).astimezone()
    today = datetime.now(then.tzinfo).date()
    return then.strftime("%H:%M" if then.date() == today else "%Y-%m-%d %H:%M")


def _moment(created_at: str) -> datetime:
    return datetime.fromisoformat(created_at)
