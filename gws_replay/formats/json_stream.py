"""The items of one array in a JSON file, one by one: no more than the largest of them is in memory."""

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

_PIECE = 2**16
_WHITE = re.compile(r"[ \t\n\r]*")
_UNFINISHED = re.compile(r"[-+.eE0-9]*\Z")  # a number that may go on
_DECODER = json.JSONDecoder()


def items_of(file: TextIO, *names: str) -> Iterator[Any]:
    """Yield the items of the array that these names lead to from the top.

    Raises LookupError if there is no such array, ValueError for text before or after it that is not JSON, and
    RecursionError for what is nested too deep.
    """
    text = _Text(file)
    yield from _inside(text, names)
    if text.peek():
        raise text.error("Extra data")


def _inside(text: "_Text", names: tuple[str, ...]) -> Iterator[Any]:
    if text.peek() != ("{" if names else "["):
        text.value()  # it may be no JSON at all
        raise LookupError
    if not names:
        for _ in text.between("[", "]"):
            yield text.value()
        return
    is_there = False
    for _ in text.between("{", "}"):
        name = text.name()
        if name == names[0]:
            is_there = True
            yield from _inside(text, names[1:])
        else:
            text.value()
    if not is_there:
        raise LookupError


class _Text:
    """The text of a file, of which as much is read as the next value takes."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._before = 0

    def error(self, what: str) -> ValueError:
        """Return an error that says where it is."""
        return ValueError(f"{what}: char {self._before + self._at}")

    def peek(self) -> str:
        """Return the next character that is not white space, without reading it; an empty text at the end."""
        while True:
            found = _WHITE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def between(self, opening: str, closing: str) -> Iterator[None]:
        """Yield before each item, which is read meanwhile, up to the closing bracket."""
        self._take(opening)
        if self.peek() == closing:
            self._take(closing)
            return
        while True:
            yield
            if self._take("," + closing) == closing:
                return

    def name(self) -> str:
        """Read the name of a member, and the colon."""
        if self.peek() != '"':
            raise self.error("Expecting property name enclosed in double quotes")
        name: str = self.value()
        self._take(":")
        return name

    def value(self) -> Any:
        """Read a value."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._more():
                    continue
                self._at = error.pos
                raise self.error(error.msg) from None
            if _UNFINISHED.match(self._text, end) and self._more():
                continue
            self._at = end
            return value

    def _take(self, characters: str) -> str:
        found = self.peek()
        if not found or found not in characters:
            raise self.error(f"Expecting {' or '.join(map(repr, characters))}")
        self._at += 1
        return found

    def _more(self) -> bool:
        """Read on, each time as much again, so that a great value is not begun too often; False at the end."""
        piece = self._file.read(max(_PIECE, len(self._text) - self._at))
        self._text = self._text[self._at :] + piece
        self._before += self._at
        self._at = 0
        return bool(piece)
