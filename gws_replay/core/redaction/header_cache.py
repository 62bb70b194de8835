"""Redacted header fields, so that one that comes again costs nothing: most of them do, with each message."""

from collections.abc import Callable

_MOST = 4096


class HeaderCache:
    """Redacted header fields, by what they were; all are forgotten when a new value is found."""

    def __init__(self) -> None:
        self._redacted: dict[tuple[str, str, bool], str] = {}
        self._size = (0, 0)

    def of(self, field: tuple[str, str, bool], size: tuple[int, int], redact: Callable[[], str]) -> str:
        """Return the redacted field: the cached one if the known values still have this `size`, else a new one."""
        if size != self._size or len(self._redacted) > _MOST:
            self._redacted.clear()
            self._size = size
        if field not in self._redacted:
            self._redacted[field] = redact()
        return self._redacted[field]
