"""Redacts what a live user has sent, where it is to be shown."""

from typing import TYPE_CHECKING

from gws_replay.core.model import Headers, Request

if TYPE_CHECKING:
    from gws_replay.core.redaction.redactor import Redactor

_MOST_FIELDS = 1000
_MOST_WAITING = 100


class LiveRedactor:
    """Redacts the requests of one live user; it knows the credentials of all before, which may turn up in later ones.

    Most requests are as they were recorded and never shown. So it imports and learns nothing until the first has to be,
    and only remembers which header fields it was sent. Not thread-safe.
    """

    def __init__(self) -> None:
        self._redactor: Redactor | None = None
        self._last: Headers | None = None
        self._seen: set[tuple[str, str]] = set()
        self._waiting: list[tuple[str, str]] = []

    def see(self, headers: Headers) -> None:
        """Take note of the header fields of a request."""
        if headers is self._last:
            return
        self._last = headers
        if self._seen.issuperset(headers.pairs):
            return
        news = [pair for pair in headers.pairs if pair not in self._seen]
        if len(self._seen) > _MOST_FIELDS:
            self._seen.clear()
        self._seen.update(news)
        self._waiting += news
        if len(self._waiting) > _MOST_WAITING:
            self._learn(self._made())

    def request(self, request: Request) -> Request:
        """Return a request without secrets."""
        redactor = self._made()
        self._learn(redactor)
        return redactor.request(request)

    def _made(self) -> "Redactor":
        if self._redactor is None:
            from gws_replay.core.redaction.redactor import without_secrets  # noqa: PLC0415  (many runs show nothing)

            self._redactor = without_secrets()
        return self._redactor

    def _learn(self, redactor: "Redactor") -> None:
        fields = tuple(self._waiting)
        self._waiting.clear()
        if fields:
            redactor.request(Request(method="", uri="/", headers=Headers(fields)))
