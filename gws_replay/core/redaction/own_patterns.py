"""Users' own patterns (`pattern:KD-[0-9]{6}`), searched for with a time limit.

Python's `re` has none: `(a+)+$` on a text of 40 letters would run for hours. The library `regex` reads the same
patterns and stops in time.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

# Seconds that one pattern may take for one text, and beyond that for each million characters.
LIMIT, LIMIT_PER_MILLION = 0.25, 1.0
_TRIAL_LIMIT = 0.25
_REPEATED, _OFTEN = 40, 2000
# What a pattern is tried on, with the words that stand in it.
_ALPHABET = "aA0 _-.@/:x1"
_LITERALS = re.compile(r"[A-Za-z0-9]{1,20}")
TOO_SLOW = "takes too long: it tries too many ways to match; write it without repeats inside of repeats such as (a+)+"


class SlowPatternError(ValueError):
    """A user's pattern took longer than its time limit."""


@cache
def compiled(pattern: str) -> "regex.Pattern[str]":
    """Return a pattern ready for use. Raises ValueError for one that cannot be read."""
    import regex  # noqa: PLC0415 (only who has patterns of his own waits for it)

    try:
        re.compile(pattern)  # what `re` refuses, nobody else could use
        return regex.compile(pattern)
    except (re.error, regex.error) as error:
        raise ValueError(f"cannot be read as a regular expression ({error})") from None


@cache
def check(pattern: str) -> None:
    """Try a pattern on texts that make bad ones slow. Raises SlowPatternError for one that takes too long."""
    words = _LITERALS.findall(pattern)[:4]
    for unit in (*_ALPHABET, "a ", "a-", "a1", "0.", *words):
        for times, start in ((_REPEATED, ""), *((_REPEATED, f"{word}-") for word in words[:2]), (_OFTEN, "")):
            for end in ("!", "\x00", ""):
                _ = [*found(pattern, f"{start}{unit * times}{end}", limit=_TRIAL_LIMIT)]


def found(pattern: str, text: str, *, limit: float = LIMIT) -> Iterator[tuple[int, int]]:
    """Yield where a pattern matches in a text. Raises SlowPatternError when that takes too long."""
    seconds = limit + len(text) / 1_000_000 * LIMIT_PER_MILLION
    try:
        for match in compiled(pattern).finditer(text, timeout=seconds):
            if match.end() > match.start():
                yield match.span()
    except TimeoutError:
        raise SlowPatternError(TOO_SLOW) from None


def spans_of(patterns: Sequence[str], text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where patterns match in a text, and which; all of the text for one that takes too long."""
    for pattern in patterns:
        try:
            yield from [(start, stop, pattern) for start, stop in found(pattern, text)]
        except SlowPatternError:
            yield 0, len(text), pattern
