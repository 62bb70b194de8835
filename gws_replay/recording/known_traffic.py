"""What is recorded where nobody gave a filter: the requests of every known API, and CometD wherever it is."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from gws_replay.core.api import dialects as api
from gws_replay.core.bayeux import over_http
from gws_replay.core.bayeux.recorded import messages_in
from gws_replay.core.model import Headers, Request

Kind = Literal["API", "CometD", "other"]

_API_PATHS = tuple(path.encode() for path in api.RECORDED_PATHS)
_MOST = 200  # places that are remembered of what was not recorded


def is_api(path: bytes) -> bool:
    """Tell whether a path (with or without query) belongs to a known API."""
    return any(each in path for each in _API_PATHS)


def is_cometd(method: str, path: bytes, body: bytes | None, content_type: str) -> bool:
    """Tell whether a request carries Bayeux messages, by its content alone: CometD may be configured at any path."""
    body = body or b""
    if not (b"jsonp=" in path if method == "GET" else b"channel" in body):
        return False  # nearly all: to build the request takes longer
    headers = Headers((("Content-Type", content_type),))
    uri = f"http://cometd{path.decode('utf-8', 'replace')}"
    return over_http.is_cometd(Request(method=method, uri=uri, headers=headers, body=body))


def is_bayeux_text(content: bytes | str) -> bool:
    """Tell whether the text of a WebSocket message is Bayeux."""
    return bool(messages_in(content))


class LeftOut:
    """Counts the requests that were not recorded, by kind and place (server and first two steps of the path)."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Kind, str]] = Counter()

    def add(self, kind: Kind, url: str) -> None:
        """Count a request."""
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{'/'.join(parts.path.split('/')[:3])}"
        if len(self._counts) < _MOST or (kind, place) in self._counts:
            self._counts[kind, place] += 1

    def counts(self) -> list[tuple[Kind, str, int]]:
        """Return kind, place and count of each, as plain values."""
        return [(kind, place, count) for (kind, place), count in self._counts.most_common()]


def notes_on_left_out(counts: list[tuple[Kind, str, int]], *, only_known: bool) -> Iterator[str]:
    """Say what was not recorded, and with which filter it would be. `only_known` leaves out what belongs to no API."""
    for kind, place, count in counts:
        if kind == "other" and only_known:
            continue
        path = urlsplit(place).path or "/"
        requests = "1 request" if count == 1 else f"{count} requests"
        yield f"{kind} traffic was not recorded: {requests} to {place}; to record it: --filter '~u {path}'"
