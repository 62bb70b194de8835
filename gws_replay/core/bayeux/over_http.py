"""Which HTTP requests carry Bayeux messages, whatever their URL, and the body of the response.

Bayeux 1.0, sections 2.1 and 5: long-polling posts JSON (older clients a form), callback-polling GETs with the messages
and the name of a function in the query.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from gws_replay.core.bayeux.messages import Message, decoded, encoded
from gws_replay.core.model import Headers, Request, Response

JSON_TYPE = "application/json;charset=UTF-8"
_FUNCTION = re.compile(r"[\w.$]{1,100}")


class BayeuxRequest(NamedTuple):
    """The messages of a request; `callback` is the function that a callback-polling client wants called."""

    messages: list[Any]
    callback: str | None = None

    @property
    def polls(self) -> bool:
        """Whether one of the messages is a connect, which may be held."""
        return any(isinstance(each, dict) and each.get("channel") == "/meta/connect" for each in self.messages)

    def encode(self, messages: Iterable[Message]) -> tuple[str, bytes]:
        """Return the media type and the body of a response with these messages."""
        text = encoded(messages)
        if self.callback is None:
            return JSON_TYPE, text.encode()
        # In a script these two end a line; the comment keeps the body from being taken for another kind of file.
        text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        return "text/javascript;charset=UTF-8", f"/**/{self.callback}({text});".encode()


def carried(request: Request) -> BayeuxRequest | None:
    """Return the Bayeux messages of a request; None for a REST request.

    The content decides, not the address: a REST resource may be called `notifications`, and a proxy may move CometD. A
    batch is Bayeux if one of its messages is on a `/meta/` channel, or all of them name a channel. Recording and replay
    both decide here. Raises ValueError for Bayeux messages that cannot be answered: `jsonp` names no function.
    """
    try:
        messages, function = _callback_polling(request) if request.method == "GET" else (_posted(request), None)
    except ValueError:
        return None
    if not messages or not is_batch(messages):
        return None
    if function is not None and not _FUNCTION.fullmatch(function):
        raise ValueError("jsonp is not the name of a function")
    return BayeuxRequest(messages, function)


def is_cometd(request: Request) -> bool:
    """Return whether a request carries Bayeux messages, answerable or not."""
    try:
        return carried(request) is not None
    except ValueError:
        return True


def is_cometd_exchange(request: Request, response_body: bytes) -> bool:
    """Return whether a recorded exchange is CometD's: its request is, or its response holds a reply to `/meta/`.

    A recording may hold the request without its body.
    """
    if is_cometd(request):
        return True
    try:
        messages = decoded(response_body) if b'"/meta/' in response_body else []
    except ValueError:
        return False
    return is_batch(messages) and any(str(each.get("channel")).startswith("/meta/") for each in messages)


def is_batch(messages: Sequence[Any]) -> bool:
    """Return whether parsed values are a batch of Bayeux messages, in a request or in a response."""
    channels = [message.get("channel") if isinstance(message, dict) else None for message in messages]
    named = [channel for channel in channels if isinstance(channel, str) and channel.startswith("/")]
    return bool(named) and (len(named) == len(channels) or any(channel.startswith("/meta/") for channel in named))


def _posted(request: Request) -> list[Any]:
    body = request.body if request.method.upper() == "POST" else b""
    if body.startswith(b"message=") and "x-www-form-urlencoded" in (request.headers.get("content-type") or ""):
        return _batch(parse_qs(body.decode(errors="replace")).get("message", []))
    return decoded(body) if b'"channel"' in body else []


def refused(error: ValueError) -> Response:
    """Return the response to Bayeux messages that cannot be answered."""
    text = f"The Bayeux messages cannot be answered: {error}."
    return Response(
        status=400, reason="Bad Request", headers=Headers((("Content-Type", "text/plain"),)), body=text.encode()
    )


def _callback_polling(request: Request) -> tuple[list[Any], str | None]:
    """Return the messages of a callback-polling request and the function it wants called."""
    query = urlsplit(request.uri).query
    fields = parse_qs(query) if "jsonp=" in query else {}
    if "jsonp" not in fields or "message" not in fields:
        return [], None
    return _batch(fields["message"]), fields["jsonp"][0]


def _batch(texts: Iterable[str]) -> list[Any]:
    """Read the `message` parameters of a request: several are one batch."""
    return [message for text in texts for message in decoded(text)]


def response(carried: BayeuxRequest, messages: Sequence[Message]) -> Response:
    """Return the response to the messages of a request."""
    kind, body = carried.encode(messages)
    headers = Headers((("Content-Type", kind), ("Content-Length", str(len(body)))))
    return Response(status=200, reason="OK", headers=headers, body=body)
