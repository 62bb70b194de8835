"""Redacted header fields, so that one that comes again costs nothing: most of them do, with each message."""

from collections.abc import Callable

_MOST = 4096


class HeaderCache:
    """Redacted header fields, by what they were; all are forgotten when anything new is known."""

    def __init__(self) -> None:
        self._redacted: dict[tuple[str, str, bool], str] = {}
        self._known = (0, 0)

    def of(self, field: tuple[str, str, bool], known: tuple[int, int], redact: Callable[[], str]) -> str:
        """Return what a field became when so much was `known`, or becomes now."""
        if known != self._known or len(self._redacted) > _MOST:
            self._redacted.clear()
            self._known = known
        if field not in self._redacted:
            self._redacted[field] = redact()
        return self._redacted[field]
