"""What two recordings of one scenario show differently though nothing changed: clocks, counters, hosts.

Inside userData names are the applications' own, so the table for it is narrower, and never holds a key that an
operation of either recording writes.
"""

from collections.abc import Iterable

from gws_replay.core.api import dialects as api
from gws_replay.core.oracle.tolerance import Patterns

Step = str | int


class Volatile:
    """Tells which places of a message are volatile. `written` are the userData keys that operations write."""

    def __init__(self, written: Iterable[str]) -> None:
        self._written = frozenset(written)
        self._outside = Patterns((*api.VOLATILE, *api.VOLATILE_BETWEEN_RECORDINGS))
        self._inside = Patterns(api.VOLATILE_USER_DATA)

    def is_written(self, path: tuple[Step, ...]) -> bool:
        """Tell whether a place is, or is inside, a userData key that an operation writes."""
        key = key_of(path)
        return key is not None and key in self._written

    def __contains__(self, path: tuple[Step, ...]) -> bool:
        key = key_of(path)
        if key is not None:
            return key not in self._written and key in self._inside
        return isinstance(path[-1], str) and path[-1] in self._outside


def key_of(path: tuple[Step, ...]) -> str | None:
    """Return the userData key that a path leads to or through; None outside userData."""
    return next((str(path[at + 1]) for at, step in enumerate(path[:-1]) if step in api.USER_DATA), None)
