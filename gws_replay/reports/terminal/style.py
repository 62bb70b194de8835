"""How text looks: coloured and fitted to the width of a terminal; whole and plain anywhere else.

A line of a table is cut, around the difference where it shows two values; a sentence goes on below itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Literal

from gws_replay.core import lossless_json
from gws_replay.core.json_compare import Change, printable, show, show_both, type_name

Kind = Literal["good", "bad", "odd", "push", "quiet", "strong"]
_CODES = {"good": "32", "bad": "31", "odd": "33", "push": "35", "quiet": "2", "strong": "1"}
_LEAST = 40  # columns; nothing can be read in fewer
_VALUE = 12


@dataclass(frozen=True, slots=True)
class Look:
    """The `width` in columns (None: whatever it takes), and whether there is `colour`."""

    width: int | None = None
    colour: bool = False

    def paint(self, text: str, kind: Kind | None) -> str:
        """Colour a text."""
        return f"\x1b[{_CODES[kind]}m{text}\x1b[0m" if self.colour and kind and text else text

    def room(self, used: int) -> int | None:
        """Return how many columns are left beside those that are used."""
        return None if self.width is None else max(self.width, _LEAST) - used

    def cut(self, text: str, used: int = 0, *, keep: Literal["start", "both", "end"] = "start") -> str:
        """Cut a text to the columns that are left, at its end, in its middle, or at its start."""
        room = self.room(used)
        if room is None or len(text) <= room:
            return text
        room = max(room, 4) - 1
        head = {"start": room, "both": room // 2, "end": 0}[keep]
        return f"{text[:head]}…{text[len(text) - (room - head) :] if head < room else ''}"

    def sentence(self, text: str, indent: int, first: str = "", kind: Kind | None = None) -> Iterator[str]:
        """Yield a sentence behind what its first line begins with, the rest of it below, indented."""
        room = self.room(indent)
        lines = [text] if room is None or len(text) <= room else wrap(text, room, break_on_hyphens=False)
        for number, line in enumerate(lines):
            yield f"{first if number == 0 and first else ' ' * indent}{self.paint(line, kind)}"

    def change(self, change: Change, indent: int) -> str:
        """Show one change of userData on a line."""
        name = self.cut(printable(change.name), indent + 2 * _VALUE + 6, keep="both")
        if change.kind in ("added", "removed"):
            words, value = ("added", change.after) if change.kind == "added" else ("removed, was", change.before)
            shown = self.value(value, indent + len(name) + len(words) + 3)
            return f"{' ' * indent}{name}: {words} {self.paint(shown, 'good' if change.kind == 'added' else 'bad')}"
        types = spelled_types(change.before, change.after) if change.kind == "type" else ""
        used = indent + len(name) + 2
        room = self.room(used + len(" -> ") + len(types))
        if room is not None and sum(map(len, show_both(change.before, change.after))) > room:
            types = ""  # the values show them, too
        return (
            f"{' ' * indent}{name}: {self.arrow(*self.values(change.before, change.after, used + len(types)))}{types}"
        )

    def arrow(self, before: str, after: str) -> str:
        """Put an arrow between two values."""
        return f"{self.paint(before, 'bad')} -> {self.paint(after, 'good')}"

    def value(self, value: Any, used: int) -> str:
        """Spell a value in the columns that are left."""
        whole, room = show(value), self.room(used)
        return whole if room is None or len(whole) <= room else _window(_text(value), 0, room)

    def values(self, before: Any, after: Any, used: int) -> tuple[str, str]:
        """Spell two values with an arrow between them in the columns that are left, around where they differ."""
        whole, room = show_both(before, after), self.room(used + len(" -> "))
        if room is None or sum(map(len, whole)) <= room:
            return whole
        texts = _text(before), _text(after)
        room -= min(*map(len, texts), (room + 1) // 2)  # what the shorter one takes
        alike = next((n for n, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
        start = max(0, alike - room // 3) if max(map(len, texts)) > room else 0
        return _window(texts[0], start, room), _window(texts[1], start, room)


def spelled_types(before: Any, after: Any) -> str:
    """Say from which JSON type to which a value changed, with a space before it."""
    return f" ({type_name(before)} to {type_name(after)})"


def _text(value: Any) -> str:
    return printable(lossless_json.dumps(value))


def _window(text: str, start: int, room: int) -> str:
    """Cut a text to a part of it."""
    room = max(room, _VALUE)
    if start == 0 and len(text) <= room:
        return text
    end = start + room - len("...") * (1 + (start > 0))
    return f"{'...' * (start > 0)}{text[start:end]}{'...' * (end < len(text))}"


PLAIN = Look()
