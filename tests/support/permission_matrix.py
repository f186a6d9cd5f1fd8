"""Every operation tried as everybody: what must come out, written down without looking at how it is decided.

REST routes, RPC methods and channel operations are all held to this one table. For each way in, list its
operations, take ``cases(...)``, make a ``World``, try each case, and compare with ``expected(...)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chirpbird.chat.permissions import Operation
from chirpbird.chat.service import Chat

__all__ = ["Answer", "Case", "Person", "Place", "Role", "World", "cases", "expected", "make_world"]


class Role(StrEnum):
    """Who tries."""

    ANONYMOUS = "anonymous"
    STRANGER = "stranger"
    """Signed in, in no channel."""
    NEIGHBOUR = "neighbour"
    """Signed in, member of another channel of the same kind."""
    MEMBER = "member"
    """In the channel, without a role."""
    ADMIN = "admin"
    """Admin of the groups; not in the direct channel."""
    OWNER = "owner"


class Place(StrEnum):
    """What it is tried on."""

    NONE = "none"
    """The operation is about no channel."""
    PUBLIC = "public"
    PRIVATE = "private"
    DIRECT = "direct"
    ABSENT = "absent"
    """A channel that does not exist."""
    OWN = "own"
    """The personal channel of the one who tries."""
    ELSES = "else's"
    """Somebody else's personal channel."""


class Answer(StrEnum):
    """What comes out, whatever the way in calls it."""

    ALLOWED = "allowed"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_PERMITTED = "not_permitted"
    NOT_FOUND = "not_found"


@dataclass(frozen=True)
class Case:
    operation: Operation
    role: Role
    place: Place

    def __str__(self) -> str:
        return f"{self.operation}-{self.role}-{self.place}"


@dataclass(frozen=True)
class Person:
    id: str
    token: str


@dataclass(frozen=True)
class World:
    """The people and channels that cases are tried with."""

    people: dict[Role, Person]
    """Nobody for ANONYMOUS."""
    channels: dict[Place, str]
    """Channel ids by kind; for ABSENT one that does not exist."""
    bystander: Person
    """Somebody to add, or to open a direct channel with."""
    guest: Person
    """A plain member of the groups, to be removed or promoted."""
    messages: dict[Place, int]
    """What MEMBER said in each channel: seq by kind; for ABSENT any."""


_OK, _401, _403, _404 = Answer.ALLOWED, Answer.NOT_SIGNED_IN, Answer.NOT_PERMITTED, Answer.NOT_FOUND

_Row = dict[Place, tuple[Answer, Answer, Answer, Answer, Answer, Answer]]
"""The answers for the roles in their order."""


def _in_groups(member: Answer, admin: Answer, owner: Answer) -> _Row:
    """For those in it like this; for all others as ever. In the direct channel nobody but MEMBER is."""
    return {
        Place.PUBLIC: (_401, _403, _403, member, admin, owner),
        Place.PRIVATE: (_401, _404, _404, member, admin, owner),
        Place.DIRECT: (_401, _404, _404, _OK, _404, _404),
        Place.ABSENT: (_401, _404, _404, _404, _404, _404),
    }


_NOT_DIRECT: _Row = {Place.DIRECT: (_401, _404, _404, _403, _404, _404)}
_ANYONE: _Row = {Place.NONE: (_OK, _OK, _OK, _OK, _OK, _OK)}
_SIGNED_IN: _Row = {Place.NONE: (_401, _OK, _OK, _OK, _OK, _OK)}
_MEMBERS: _Row = _in_groups(_OK, _OK, _OK)
_GROUP_MEMBERS: _Row = _MEMBERS | _NOT_DIRECT
_VISIBLE: _Row = _MEMBERS | {Place.PUBLIC: (_401, _OK, _OK, _OK, _OK, _OK)}
_PERSONAL: _Row = {
    Place.OWN: (_401, _OK, _OK, _OK, _OK, _OK),
    Place.ELSES: (_401, _403, _403, _403, _403, _403),
}
_ADMINS: _Row = _in_groups(_403, _OK, _OK) | _NOT_DIRECT
_OWNERS: _Row = _in_groups(_403, _403, _OK) | _NOT_DIRECT
_WHO_SAID_IT: _Row = _in_groups(_OK, _403, _403)
_PINNING: _Row = _MEMBERS | {Place.PUBLIC: (_401, _403, _403, _403, _OK, _OK)}

_EXPECTED: dict[Operation, _Row] = {
    Operation.REGISTER: _ANYONE,
    Operation.SIGN_IN: _ANYONE,
    Operation.REFRESH: _ANYONE,
    Operation.SIGN_OUT: _ANYONE,
    Operation.READ_HEALTH: _ANYONE,
    Operation.READ_CLIENT: _ANYONE,
    Operation.CONNECT: _SIGNED_IN,
    Operation.FETCH_ME: _SIGNED_IN,
    Operation.FETCH_STATE: _SIGNED_IN,
    Operation.SEARCH_USERS: _SIGNED_IN,
    Operation.SEARCH_CHANNELS: _SIGNED_IN,
    Operation.SEARCH_MESSAGES: _SIGNED_IN,
    Operation.CREATE_CHANNEL: _SIGNED_IN,
    Operation.OPEN_DIRECT: _SIGNED_IN,
    Operation.FETCH_CHANNEL: _VISIBLE,
    Operation.JOIN_CHANNEL: _VISIBLE,
    Operation.LEAVE_CHANNEL: _GROUP_MEMBERS,
    Operation.ADD_MEMBERS: _GROUP_MEMBERS,
    Operation.FETCH_MEMBERS: _MEMBERS,
    Operation.FETCH_MESSAGES: _MEMBERS,
    Operation.SEND_MESSAGE: _MEMBERS,
    Operation.EDIT_MESSAGE: _WHO_SAID_IT,
    Operation.DELETE_MESSAGE: _MEMBERS,
    Operation.REACT: _MEMBERS,
    Operation.PIN_MESSAGE: _PINNING,
    Operation.FETCH_EDITS: _MEMBERS,
    Operation.FETCH_PINS: _MEMBERS,
    Operation.REMOVE_MEMBER: _ADMINS,
    Operation.SET_ROLE: _OWNERS,
    Operation.UPDATE_CHANNEL: _ADMINS,
    Operation.MARK_READ: _MEMBERS,
    Operation.FETCH_READS: _MEMBERS,
    Operation.TYPE: _MEMBERS,
    Operation.SET_MUTE: _MEMBERS,
    Operation.FETCH_LAST_SEEN: _SIGNED_IN,
    Operation.SUBSCRIBE: _MEMBERS,
    Operation.PUBLISH: _MEMBERS,
    Operation.PRESENCE: _MEMBERS,
    Operation.PRESENCE_STATS: _MEMBERS,
    Operation.HISTORY: _MEMBERS,
    Operation.SUBSCRIBE_PERSONAL: _PERSONAL,
}

_ABSENT_ID = "01HZX3K6V0000000000000000A"


def cases(operations: Iterable[Operation]) -> list[Case]:
    """All that must be tried of these operations. Errors: KeyError for one that the table does not know."""
    return [
        Case(operation, role, place)
        for operation in operations
        for place in _EXPECTED[operation]
        for role in Role
    ]


def expected(case: Case) -> Answer:
    """What must come out."""
    return _EXPECTED[case.operation][case.place][list(Role).index(case.role)]


async def make_world(chat: Chat) -> World:
    """Some people, and a channel of each kind with the member in it and the neighbour next door."""

    async def person(username: str) -> Person:
        user = await chat.accounts.register(username, "correct horse", address=username)
        return Person(user.id, chat.tokens.issue(user.id, "sign-in"))

    names = ("member", "stranger", "neighbour", "bystander", "admin", "owner", "guest")
    member, stranger, neighbour, bystander, admin, owner, guest = [await person(name) for name in names]
    others = [member.id, admin.id, guest.id]
    create, open_direct = chat.channels.create, chat.channels.open_direct
    channels = {
        Place.PUBLIC: (await create(owner.id, "public", participants=others)).channel.id,
        Place.PRIVATE: (await create(owner.id, "private", is_private=True, participants=others)).channel.id,
        Place.DIRECT: (await open_direct(member.id, bystander.id)).channel.id,
        Place.ABSENT: _ABSENT_ID,
    }
    await create(neighbour.id, "next door")
    await create(neighbour.id, "private", is_private=True)
    await open_direct(neighbour.id, bystander.id)
    messages = {Place.ABSENT: 2}
    for place in (Place.PUBLIC, Place.PRIVATE, Place.DIRECT):
        messages[place] = (await chat.messages.send(member.id, channels[place], "hi")).seq
        if place is not Place.DIRECT:
            await chat.channels.set_role(owner.id, channels[place], admin.id, "admin")
    people = {
        Role.MEMBER: member,
        Role.STRANGER: stranger,
        Role.NEIGHBOUR: neighbour,
        Role.ADMIN: admin,
        Role.OWNER: owner,
    }
    return World(people, channels, bystander, guest, messages)
