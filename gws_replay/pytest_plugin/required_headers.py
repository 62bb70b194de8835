"""Header fields that requests must carry: those named by the marker or the ini option, such as a CSRF token."""

from collections.abc import Collection, Iterator

from gws_replay.core.model import SAFE_METHODS
from gws_replay.playback.run import Run
from gws_replay.playback.sent_requests import SentRequest


def missing_headers(run: Run, names: Collection[str]) -> str:
    """Return a sentence for each request that lacks one of the named fields; empty if there is none.

    A field is required of a request if an equal operation was recorded with it. If no recorded request has the field,
    it is required of all requests except those that only read.
    """
    return "\n".join(sentence for name in names for sentence in _missing(run, name))


def _missing(run: Run, name: str) -> Iterator[str]:
    recorded = [SentRequest(each.request) for cassette in run.cassettes for each in cassette.interactions]
    carrying = {_kind(each) for each in recorded if each.header(name) is not None}
    for number, sent in enumerate(run.requests, 1):
        is_required = _kind(sent) in carrying if carrying else sent.method not in SAFE_METHODS
        if is_required and sent.header(name) is None:
            operation = f" {sent.operation}" if sent.operation else ""
            yield f"request {number}, {sent.method} {sent.path}{operation}, was sent without the header {name}"


def _kind(sent: SentRequest) -> tuple[str, str, str | None]:
    return sent.method, sent.path, sent.operation
