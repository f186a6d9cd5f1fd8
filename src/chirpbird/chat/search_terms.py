"""What of a text can be found: the same terms for every store, so that all find the same.

Words are compared without regard to case, accents and width. Scripts that do not put spaces between words (Chinese, Japanese,
and Korean too, whose endings stick to the word) are indexed by single characters and overlapping pairs, as Lucene's CJKAnalyzer
does; that the pairs stand side by side is seen to when a candidate is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import msgspec

__all__ = ["MAX_TERM", "Token", "fold", "holds", "index_terms", "tokens"]

MAX_TERM = 40
"""Characters of a term; of longer words the beginning counts."""

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"  # Han
    "\uac00-\ud7af"  # Hangul
)
_PIECE = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[^\W_])+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_NO_LETTER = re.compile(r"[\W_]+")
"""Some characters fold into several, such as a digit in parentheses."""


class Token(msgspec.Struct, frozen=True):
    """A word, or one character of a script without spaces; and where in the text it is."""

    term: str
    start: int
    end: int
    is_word: bool


def fold(word: str) -> str:
    """What all spellings of a word have in common."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", word).casefold())
    return _NO_LETTER.sub("", unicodedata.normalize("NFC", _ACCENTS.sub("", plain)))


def tokens(text: str) -> Iterator[Token]:
    """In the order of the text."""
    for piece in _PIECE.finditer(text):
        folded = fold(piece[0])
        start, end = piece.span()
        if not folded:
            continue
        if not _IS_UNSPACED.match(folded):
            yield Token(folded[:MAX_TERM], start, end, is_word=True)
        elif len(folded) == end - start:
            for offset, character in enumerate(folded, start):
                yield Token(character, offset, offset + 1, is_word=False)
        else:  # half-width kana with their marks become fewer
            for character in folded:
                yield Token(character, start, end, is_word=False)


def index_terms(text: str) -> set[str]:
    """The terms by which a text is found."""
    terms: set[str] = set()
    before = None
    for token in tokens(text):
        terms.add(token.term)
        if before is not None and not token.is_word and not before.is_word:
            terms.add(before.term + token.term)
        before = token
    return terms


def holds(text: Sequence[Token], phrase: Sequence[str], *, prefix: bool = False) -> list[tuple[int, int]]:
    """Where in ``text`` the terms of ``phrase`` stand side by side, as spans of characters. ``prefix``: the last may go on."""
    found = []
    for first in range(len(text) - len(phrase) + 1):
        part = text[first : first + len(phrase)]
        *rest, last = part
        if [token.term for token in rest] != list(phrase[:-1]):
            continue
        if last.term == phrase[-1] or (prefix and last.term.startswith(phrase[-1])):
            found.append((part[0].start, last.end))
    return found
