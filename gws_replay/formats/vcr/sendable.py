"""Whether an exchange of a cassette can be sent over HTTP at all: if not, loading the cassette fails with the reason.

`scrub` reads files without this: it must be able to redact a file that cannot be replayed.
"""

import re
from dataclasses import replace
from typing import Final

from gws_replay.core.model import Exchange, Headers
from gws_replay.errors import CassetteError

# An interim status is not a response; 101 is the last one of a connection that became a WebSocket.
_LEAST_STATUS, _MOST_STATUS, _UPGRADED = 200, 999, 101
_METHOD: Final = re.compile(r"[^\x00-\x20\x7f]+")
_HEADER_NAME: Final = re.compile(r"[^\x00-\x20:\x7f]+")
_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_ENDS: Final = re.compile(r"[\r\n\0]")


def sendable(exchange: Exchange, index: int, source: str) -> Exchange:
    """Return the exchange, with the folded headers of its response unfolded (RFC 9112, section 5.2).

    Raises CassetteError, with the place, for a method, a status, a reason or a response header that cannot be sent.
    """
    response, place = exchange.response, f"{source}, interaction {index}"
    if not _METHOD.fullmatch(exchange.request.method):
        method = exchange.request.method
        raise CassetteError(f"{place}, request: {method!r} cannot be a method: write GET, POST or another")
    if not _LEAST_STATUS <= response.status <= _MOST_STATUS and response.status != _UPGRADED:
        code = response.status
        raise CassetteError(f"{place}, response, status: code {code} cannot be a status: write one from 200 to 999")
    if _ENDS.search(response.reason):
        raise CassetteError(f"{place}, response, status: message {_LINE_BREAK}")
    for name, _ in response.headers.pairs:
        if not _HEADER_NAME.fullmatch(name):
            raise CassetteError(f"{place}, response: {name!r} cannot be the name of a header: correct or remove it")
    if not any(_ENDS.search(value) for _, value in response.headers.pairs):
        return exchange
    pairs = tuple((name, _FOLD.sub(" ", value).strip()) for name, value in response.headers.pairs)
    for name, value in pairs:
        if _ENDS.search(value):
            raise CassetteError(f"{place}, response: header {name!r} {_LINE_BREAK}")
    return replace(exchange, response=replace(response, headers=Headers(pairs)))


_LINE_BREAK: Final = "contains a line break, which ends it in HTTP: remove it"
