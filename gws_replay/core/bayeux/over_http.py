"""Which HTTP requests carry Bayeux messages, whatever their URL, and what the body of the answer is.

Bayeux 1.0, sections 2.1 and 5: long-polling posts JSON (older clients a form), callback-polling GETs with the messages
and the name of a function in the query.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gws_replay.core.bayeux.messages import Message, decoded, encoded
from gws_replay.core.model import Headers, Request, Response

JSON_TYPE = "application/json;charset=UTF-8"
_COMETD_PATH = re.compile(r"/(notifications|cometd)(/\w*)?/?$")
_FUNCTION = re.compile(r"[\w.$]{1,100}")


@dataclass(frozen=True, slots=True)
class Carried:
    """The messages of a request; `callback` is the function that a callback-polling client wants called."""

    messages: list[Any]
    callback: str | None = None

    @property
    def polls(self) -> bool:
        """Whether one of the messages is a connect, which may be held."""
        return any(isinstance(each, dict) and each.get("channel") == "/meta/connect" for each in self.messages)

    def answer(self, messages: Iterable[Message]) -> tuple[str, bytes]:
        """Return the media type and the body of an answer."""
        text = encoded(messages)
        if self.callback is None:
            return JSON_TYPE, text.encode()
        # In a script these two end a line; the comment keeps the body from being taken for another kind of file.
        text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        return "text/javascript;charset=UTF-8", f"/**/{self.callback}({text});".encode()


def carried(request: Request) -> Carried | None:
    """Return the Bayeux messages of a request; None for one that is not Bayeux.

    Raises ValueError, with the reason, for a request to a CometD address whose body is not Bayeux.
    """
    to_cometd = _COMETD_PATH.search(request.path) is not None
    try:
        found = _callback_polling(request) if request.method == "GET" else _posted(request, to_cometd)
    except ValueError:
        if to_cometd:
            raise
        return None
    return found if found and (to_cometd or _all_have_channels(found.messages)) else None


def _posted(request: Request, to_cometd: bool) -> Carried | None:
    if request.method != "POST":
        return None
    body = request.body
    if body.startswith(b"message=") and "x-www-form-urlencoded" in (request.headers.get("content-type") or ""):
        return Carried(_batch(parse_qs(body.decode(errors="replace")).get("message", [])))
    return Carried(decoded(body)) if to_cometd or b'"channel"' in body else None


def is_cometd(request: Request) -> bool:
    """Tell whether a request is of CometD, well-formed or not."""
    try:
        return carried(request) is not None
    except ValueError:
        return True


def refused(error: ValueError) -> Response:
    """Answer a request to a CometD address that carries no Bayeux."""
    text = f"The body holds no Bayeux messages: {error}."
    return Response(
        status=400, reason="Bad Request", headers=Headers((("Content-Type", "text/plain"),)), body=text.encode()
    )


def _callback_polling(request: Request) -> Carried | None:
    query = urlsplit(request.uri).query
    fields = parse_qs(query) if "jsonp=" in query else {}
    if "jsonp" not in fields or "message" not in fields:
        return None
    function = fields["jsonp"][0]
    if not _FUNCTION.fullmatch(function):
        raise ValueError("jsonp is no name of a function")
    return Carried(_batch(fields["message"]), function)


def _batch(texts: Iterable[str]) -> list[Any]:
    """Read the `message` parameters of a request: several are one batch."""
    return [message for text in texts for message in decoded(text)]


def _all_have_channels(messages: list[Any]) -> bool:
    return bool(messages) and all(
        isinstance(message, dict) and str(message.get("channel", "")).startswith("/") for message in messages
    )


def response(carried: Carried, messages: Sequence[Message]) -> Response:
    """Return the answer to what a request carried."""
    kind, body = carried.answer(messages)
    headers = Headers((("Content-Type", kind), ("Content-Length", str(len(body)))))
    return Response(status=200, reason="OK", headers=headers, body=body)
