"""What is found in a text, and how it is replaced."""

import re
from collections.abc import Iterable
from typing import NamedTuple

PLACEHOLDER = "<redacted:"
PLACEHOLDERS = re.compile(r"<redacted:[^<>]*>")


class Found(NamedTuple):
    """Something in a text that is to be redacted: where it stands, what stands for it, and the rule that says so.

    `has_parts` says that each part of it is to be redacted, too; a part of what was found by its shape says nothing.
    """

    start: int
    stop: int
    instead: str
    rule: str
    has_parts: bool = True


def without_overlaps(text: str, found: Iterable[Found], *, keep_placeholders: bool = True) -> list[Found]:
    """Return what is to be replaced from left to right, the longest first of those that begin together.

    Of what overlaps with something before it the rest is replaced too. What touches a placeholder stays, unless it has
    the whole placeholder in it; and what stands for itself, as a stand-in does, stays.
    """
    kept = [match.span() for match in PLACEHOLDERS.finditer(text)] if keep_placeholders and PLACEHOLDER in text else []
    chosen: list[Found] = []
    end = 0
    for each in sorted(found, key=lambda each: (each.start, -each.stop)):
        start = max(each.start, end)
        touched = [(first, last) for first, last in kept if first < each.stop and start < last]
        if start >= each.stop or (start > each.start and not each.has_parts):
            continue
        if touched and not all(start < first and last < each.stop for first, last in touched):
            continue
        end = each.stop
        if each.instead != text[start:end]:
            chosen.append(each._replace(start=start))
    return chosen


def spliced(text: str, found: Iterable[Found]) -> str:
    """Return a text with what was found in it replaced."""
    pieces: list[str] = []
    end = 0
    for each in found:
        pieces += (text[end : each.start], each.instead)
        end = each.stop
    return "".join([*pieces, text[end:]]) if pieces else text
