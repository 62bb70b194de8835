"""Known values looked up in text, however many there are: each begins with a word, and words are looked up.

A value is found only where it stands by itself: not as a part of a longer word.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_WORD = re.compile(r"\w+")
# So few words are looked for one by one, which takes less time than to take the text apart.
_FEW = 12
_LONG_TEXT = 2000
# Of a longer value so much is looked for first.
_LONG = 128
_SPACES = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
Span = tuple[int, int, str]


@dataclass(slots=True)
class _Family:
    """The values that begin in the same way: what all of them begin with, and their lengths, the longest first."""

    prefix: str
    lengths: list[int]

    def add(self, value: str) -> None:
        while not value.startswith(self.prefix):
            self.prefix = self.prefix[:-1]
        if len(value) not in self.lengths:
            self.lengths.append(len(value))
            self.lengths.sort(reverse=True)


class Lexicon:
    """Values and what stands for each."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        # First word -> the families of values that have it, by how they begin.
        self._by_word: dict[str, dict[str, _Family]] = {}

    def add(self, value: str, instead: str) -> None:
        """Add a value that has a word in it; what stood for a value before is replaced."""
        first = _WORD.search(value)
        if first is None:
            return
        families = self._by_word.setdefault(first[0], {})
        start = value[: first.end() if len(value) <= _LONG else _LONG]
        family = families.get(start)
        if family is None:
            families[start] = _Family(value, [len(value)])
        else:
            family.add(value)
        self.entries[value] = instead

    def spans(self, text: str) -> Iterator[Span]:
        """Yield the places of known values in a text, from left to right, the longest where several begin."""
        found = [span for word in self._words_in(text) for span in self._of_word(word, text)]
        end = 0
        for start, stop, instead in sorted(found, key=lambda span: (span[0], -span[1])):
            if start >= end:
                end = stop
                yield start, stop, instead

    def replaced(self, text: str) -> str:
        """Return a text with every known value replaced."""
        return spliced(text, self.spans(text))

    def may_stand_in(self, text: str) -> bool:
        """Tell quickly whether a text has a word that a known value begins with: nearly none has."""
        return bool(self._words_in(text))

    def _words_in(self, text: str) -> Iterable[str]:
        if not self._by_word:
            return ()
        if len(self._by_word) <= _FEW:
            return [word for word in self._by_word if word in text]
        if text.isascii() and len(text) > _LONG_TEXT:  # the same words, in half the time
            return self._by_word.keys() & set(text.translate(_SPACES).split())
        return self._by_word.keys() & set(_WORD.findall(text))

    def _of_word(self, word: str, text: str) -> Iterator[Span]:
        for family in self._by_word[word].values():
            at = text.find(family.prefix)
            while at >= 0:
                found = self._at(at, family, text)
                if found:
                    yield found
                at = text.find(family.prefix, found[1] if found else at + 1)

    def _at(self, start: int, family: _Family, text: str) -> Span | None:
        """Return the longest value of a family that stands by itself at some place."""
        if start and _is_word(text[start]) and _is_word(text[start - 1]):
            return None
        for length in family.lengths:
            instead = self.entries.get(text[start : start + length])
            if instead is not None and self._ends(text, start + length):
                return start, start + length, instead
        return None

    @staticmethod
    def _ends(text: str, at: int) -> bool:
        """Tell whether no word continues here."""
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
