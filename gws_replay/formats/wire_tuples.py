"""Messages as they came over the wire, in plain tuples, to our values: so that who takes them need not read them."""

import re

from gws_replay.core import model
from gws_replay.core.model import Headers

Fields = tuple[tuple[bytes, bytes], ...]
# Fields, the body with its content coding undone, and whether there was one.
Message = tuple[Fields, bytes, bool]
Request = tuple[str, str, *Message]  # method, URL
Response = tuple[int, str, *Message]  # status, reason

_GAVE_UP = re.compile(r"client (?:closed|disconnect)|tim(?:e|ed)[ _]?out|abort|cancel|killed", re.IGNORECASE)
_NO_UTF8 = re.compile("[\udc80-\udcff]")


def request(method: str, url: str, *message: *Message) -> model.Request:
    """Return a request; bytes beyond UTF-8 in method and URL are in half surrogate pairs (`surrogateescape`)."""
    headers, body = _read(*message)
    uri = _NO_UTF8.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", url)
    return model.Request(method=_plain(method), uri=uri, headers=headers, body=body)


def response(status: int, reason: str, *message: *Message) -> model.Response:
    """Return a response."""
    headers, body = _read(*message)
    return model.Response(status=status, reason=reason, headers=headers, body=body)


def outcome_of(problem: str) -> model.Outcome:
    """Return how a request ended that got no response, by what the recorder says: the client gave up, or it broke."""
    return "silence" if _GAVE_UP.search(problem) else "broken"


def _read(fields: Fields, body: bytes, unpacked: bool) -> tuple[Headers, bytes]:
    headers = Headers(tuple((_text(name), _text(value)) for name, value in fields))
    if unpacked:
        headers = headers.without("content-encoding").replacing("content-length", str(len(body)))
    return headers, body


def _plain(text: str) -> str:
    """Escape the bytes beyond UTF-8 in half surrogate pairs, which no cassette can hold."""
    return _text(text.encode("utf-8", "surrogateescape"))


def _text(field: bytes) -> str:
    return field.decode("utf-8", "backslashreplace")
