"""Known values looked up in text, however many there are: each begins with a word, and words are looked up.

A value is found only where it stands by itself: not as a part of a longer word.
"""

import re
from collections.abc import Iterable, Iterator

_WORD = re.compile(r"\w+")
Span = tuple[int, int, str]


class Lexicon:
    """Values and what stands for each."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        # First word -> how long the values are that it begins, and where in them it stands; the longest first.
        self._by_word: dict[str, list[tuple[int, int]]] = {}

    def add(self, value: str, instead: str) -> None:
        """Take up a value that holds a word; a value that is known gets what stands for it anew."""
        first = _WORD.search(value)
        if first is None:
            return
        known = self._by_word.setdefault(first[0], [])
        where = (len(value), first.start())
        if where not in known:
            known.append(where)
            known.sort(reverse=True)
        self.entries[value] = instead

    def spans(self, text: str) -> Iterator[Span]:
        """Yield the places of known values in a text, from left to right, the longest where several begin."""
        if not self.entries:
            return
        end = 0
        for word in _WORD.finditer(text):
            for length, offset in self._by_word.get(word[0], ()):
                start = word.start() - offset
                instead = self.entries.get(text[start : start + length]) if start >= end else None
                if instead is not None and self._ends(text, start + length):
                    end = start + length
                    yield start, end, instead
                    break

    def replaced(self, text: str) -> str:
        """Return a text with every known value replaced."""
        return spliced(text, self.spans(text)) if self.may_stand_in(text) else text

    def may_stand_in(self, text: str) -> bool:
        """Tell quickly whether a text has a word that a known value begins with: nearly none has."""
        return not self._by_word.keys().isdisjoint(_WORD.findall(text))

    @staticmethod
    def _ends(text: str, at: int) -> bool:
        """Tell whether no word goes on here."""
        return at >= len(text) or not (_is_word(text[at]) and _is_word(text[at - 1]))


def spliced(text: str, spans: Iterable[Span]) -> str:
    """Return a text with some spans of it replaced; they are in order and do not overlap."""
    pieces: list[str] = []
    end = 0
    for start, stop, instead in spans:
        pieces += (text[end:start], instead)
        end = stop
    return "".join([*pieces, text[end:]]) if pieces else text


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
