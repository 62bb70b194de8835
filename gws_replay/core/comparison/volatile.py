"""What two recordings of one scenario show differently though nothing changed: clocks, counters, hosts.

Inside userData names are the applications' own, so the table for it is narrower, and never holds a key that an
operation of either recording writes.
"""

from collections.abc import Iterable

from gws_replay.core.api.gws_v2 import VOLATILE
from gws_replay.core.oracle.findings import Names

# Beside those of one recording: the samples' other clocks and counters, Workspace v3's link, and what a restart moves.
_BETWEEN_RECORDINGS = ("OccuredAt", "operationId", "*TimeStamp*", "*Hash", "version")
# LCATimeStamp_*, LastCalledAgent_TimeStamp, _facebookCreatedTime, Header_Date, ChatServerHost: samples of the channels.
IN_USER_DATA = ("*TimeStamp*", "*CreatedTime", "Header_Date", "ChatServerHost", "ChatServerPort")
_USER_DATA = "userData"
Step = str | int


class Volatile:
    """Tells which places of a message are volatile. `written` are the userData keys that operations write."""

    def __init__(self, written: Iterable[str]) -> None:
        self._written = frozenset(written)
        self._outside = Names((*VOLATILE, *_BETWEEN_RECORDINGS))
        self._inside = Names(IN_USER_DATA)

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
    if _USER_DATA not in path[:-1]:
        return None
    return str(path[path.index(_USER_DATA) + 1])
