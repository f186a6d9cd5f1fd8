"""What text the chat takes in. Each function returns the text as it will be stored, or raises InvalidInput.

Lengths are counted in code points after Unicode normalisation to NFC. Nothing here depends on the locale.
"""

from __future__ import annotations

import re
import unicodedata

from chirpbird.chat.errors import InvalidInput

__all__ = [
    "MAX_MESSAGE",
    "MAX_NAME",
    "MAX_PASSWORD",
    "MAX_USERNAME",
    "MIN_PASSWORD",
    "MIN_USERNAME",
    "channel_name",
    "display_name",
    "emoji",
    "is_identifier",
    "key",
    "message",
    "new_password",
    "password_as_typed",
    "query",
    "topic",
    "username",
    "username_as_typed",
]

MIN_USERNAME, MAX_USERNAME = 2, 32
MAX_NAME = 64
MIN_PASSWORD, MAX_PASSWORD = 8, 256
MAX_MESSAGE = 8_000
MAX_KEY = 64
MAX_QUERY = 64
MAX_TOPIC = 250
MAX_EMOJI = 16
"""Code points of one emoji: families and flags are sequences."""
MAX_MARK_RUN = 30
"""Combining marks in a row: the Stream-Safe limit of UAX #15. Sorting longer runs costs quadratic time."""
MAX_IDENTIFIER = 64

_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")
_CONTROLS_IN_MESSAGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROLS_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates. In a name they would reorder the text around it."""
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Unicode's Default_Ignorable_Code_Point, and the braille blank: drawn as nothing, whatever their category
says.
"""
_EMOJI_CATEGORIES = frozenset({"So", "Sm", "Sk"})
_EMOJI_OF_OTHER_CATEGORIES = frozenset("\u203c\u2049\u20e3\u3030\u303d")
"""Double exclamation marks, keycaps, wavy dashes."""
_NO_EMOJI = frozenset({"Cc", "Cs", "Co", "Cn", "Mc"})
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})
_USERNAME_PUNCTUATION = frozenset("._-")


def username(value: str, *, field: str = "username") -> str:
    """A new account's username: letters and digits of any script and ``._-``, a letter or digit first."""
    text = _line(value, field=field, minimum=MIN_USERNAME, maximum=MAX_USERNAME)
    if not _is_letter_or_digit(text[0]):
        raise InvalidInput(
            f"{field} begins with {_spell(text[0])}, a letter or digit is expected", field=field
        )
    for character in text:
        if not (_is_letter_or_digit(character) or character in _USERNAME_PUNCTUATION or _is_mark(character)):
            raise InvalidInput(
                f"{field} contains {_spell(character)}, only letters, digits and . _ - are expected",
                field=field,
            )
    return text


def username_as_typed(value: str) -> str:
    """A username to look up.

    Never fails: one that could not exist comes back as the empty text, which nobody has.
    """
    try:
        return username(value)
    except InvalidInput:
        return ""


def display_name(value: str, *, field: str = "name") -> str:
    """What a person is called: 1-64 characters on one line, with something visible among them."""
    return _name(value, field)


def channel_name(value: str, *, field: str = "name") -> str:
    """What a group is called: 1-64 characters on one line, with something visible among them."""
    return _name(value, field)


def message(value: str, *, field: str = "data") -> str:
    """The text of a message. Line ends become ``\\n``; spaces at the ends stay, they may be somebody's code.

    On the hot path: plain ASCII on one line costs well under a microsecond.
    """
    _bound(value, field, MAX_MESSAGE, slack=MAX_MESSAGE)
    if not (value.isascii() and value.isprintable()):
        value = _normalised(_LINE_ENDS.sub("\n", value), field)
        if found := _CONTROLS_IN_MESSAGE.search(value):
            raise InvalidInput(
                f"{field} contains {_spell(found[0])}, no control characters are expected", field=field
            )
    _bound(value, field, MAX_MESSAGE)
    _require_visible(value, field)
    return value


def topic(value: str, *, field: str = "topic") -> str:
    """What a group is about: at most 250 characters on one line; empty: nothing."""
    return _line(value, field=field, minimum=0, maximum=MAX_TOPIC)


def emoji(value: str, *, field: str = "emoji") -> str:
    """A reaction: one emoji, as far as that can be told without a table of all of them: a symbol, and no letters or spaces."""
    _bound(value, field, MAX_EMOJI)
    text = _normalised(value, field)
    categories = {unicodedata.category(character) for character in text}
    symbols = categories & _EMOJI_CATEGORIES or _EMOJI_OF_OTHER_CATEGORIES & {*text}
    if (
        not symbols
        or _BIDI_CONTROLS.search(text)
        or any(one[0] in "LZ" or one in _NO_EMOJI for one in categories)
    ):
        raise InvalidInput(f"{field} is no emoji, one is expected", field=field)
    return text


def key(value: str, *, field: str = "key") -> str:
    """A sender's own key of one send: at most 64 characters, taken as they are. Empty: none."""
    _bound(value, field, MAX_KEY)
    _refuse_controls(value, field)
    return value


def new_password(value: str, *, field: str = "password") -> str:
    """A password to set. Spaces count; NFC, so that every keyboard types the same one."""
    _bound(value, field, MAX_PASSWORD, slack=MAX_PASSWORD)
    _refuse_controls(value, field)
    text = _normalised(value, field)
    if len(text) < MIN_PASSWORD:
        raise InvalidInput(
            f"{field} is {_count(len(text))} long, at least {MIN_PASSWORD} are expected", field=field
        )
    _bound(text, field, MAX_PASSWORD)
    return text


def password_as_typed(value: str) -> str:
    """A password to verify.

    Never fails: one that nobody could have set comes back as the empty text, which fits nobody.
    """
    try:
        return new_password(value)
    except InvalidInput:
        return ""


def query(value: str, *, field: str = "query") -> str:
    """What somebody searches for; may be empty."""
    _bound(value, field, MAX_QUERY, slack=MAX_QUERY)
    _refuse_controls(value, field)
    text = _normalised(value, field).strip()
    _bound(text, field, MAX_QUERY)
    return text


def is_identifier(value: str) -> bool:
    """Whether this could be an id at all; what could not is not worth asking a store for."""
    return 0 < len(value) <= MAX_IDENTIFIER and value.isascii() and value.isalnum()


def _name(value: str, field: str) -> str:
    text = _line(value, field=field, minimum=1, maximum=MAX_NAME)
    _require_visible(text, field)
    return text


def _line(value: str, *, field: str, minimum: int, maximum: int) -> str:
    """One trimmed, normalised line without control characters."""
    _bound(value, field, maximum, slack=maximum)
    text = _normalised(value.strip(), field).strip()
    _refuse_controls(text, field)
    if found := _BIDI_CONTROLS.search(text):
        raise InvalidInput(
            f"{field} contains {_spell(found[0])}, no direction overrides are expected", field=field
        )
    if len(text) < minimum:
        raise InvalidInput(
            f"{field} is {_count(len(text))} long, at least {minimum} {_be(minimum)} expected", field=field
        )
    _bound(text, field, maximum)
    return text


def _normalised(value: str, field: str) -> str:
    if value.isascii() or unicodedata.is_normalized("NFC", value):
        return value
    run = 0
    for character in value:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > MAX_MARK_RUN:
            raise InvalidInput(
                f"{field} has more than {MAX_MARK_RUN} combining marks in a row, fewer are expected",
                field=field,
            )
    return unicodedata.normalize("NFC", value)


def _bound(value: str, field: str, maximum: int, *, slack: int = 0) -> None:
    """``slack`` lets text through that trimming and composing may still shorten."""
    if len(value) > maximum + slack:
        raise InvalidInput(
            f"{field} is {_count(len(value))} long, at most {maximum} are expected", field=field
        )


def _refuse_controls(value: str, field: str) -> None:
    if found := _CONTROLS_IN_LINE.search(value):
        raise InvalidInput(
            f"{field} contains {_spell(found[0])}, no control characters or line breaks are expected",
            field=field,
        )


def _require_visible(value: str, field: str) -> None:
    if value.isascii():
        visible = bool(value) and not value.isspace()
    else:
        visible = any(_is_visible(character) for character in value)
    if not visible:
        raise InvalidInput(
            f"{field} has nothing visible in it, at least 1 visible character is expected", field=field
        )


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in _INVISIBLE_CATEGORIES and not _IGNORABLE.match(character)


def _is_letter_or_digit(character: str) -> bool:
    category = unicodedata.category(character)
    return (category[0] == "L" or category == "Nd") and not _IGNORABLE.match(character)


def _is_mark(character: str) -> bool:
    """Vowel signs and the like: parts of letters in many scripts."""
    return unicodedata.category(character) in {"Mn", "Mc"} and not _IGNORABLE.match(character)


def _spell(character: str) -> str:
    """Control characters are named and not repeated: the message may land in a log or a terminal."""
    if character.isprintable() and not character.isspace() and not _IGNORABLE.match(character):
        return f'"{character}"'
    return f"U+{ord(character):04X}"


def _count(number: int) -> str:
    return "1 character" if number == 1 else f"{number} characters"


def _be(number: int) -> str:
    return "is" if number == 1 else "are"
