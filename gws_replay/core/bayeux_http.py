"""Which HTTP requests carry Bayeux messages, whatever their URL, and what the body of the answer is.

Bayeux 1.0, sections 2.1 and 5: long-polling posts JSON (older clients a form), callback-polling GETs with the messages
and the name of a function in the query.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gws_replay.core.bayeux_wire import Message, decoded, encoded
from gws_replay.core.model import Request

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
    if request.method == "GET":
        return _callback_polling(request)
    if request.method != "POST":
        return None
    to_cometd = _COMETD_PATH.search(request.path) is not None
    body = request.body
    if "x-www-form-urlencoded" in (request.headers.get("content-type") or "") and body.startswith(b"message="):
        body = _only(parse_qs(body.decode(errors="replace")), "message").encode()
    elif not to_cometd and b'"channel"' not in body:
        return None
    try:
        messages = decoded(body)
    except ValueError:
        if to_cometd:
            raise
        return None
    return Carried(messages) if to_cometd or _all_have_channels(messages) else None


def _callback_polling(request: Request) -> Carried | None:
    query = urlsplit(request.uri).query
    if "jsonp=" not in query or "message=" not in query:
        return None
    fields = parse_qs(query)
    function = _only(fields, "jsonp")
    if not _FUNCTION.fullmatch(function):
        raise ValueError("jsonp is no name of a function")
    return Carried(decoded(_only(fields, "message")), function)


def _only(fields: dict[str, list[str]], name: str) -> str:
    values = fields.get(name, [])
    if len(values) == 1:
        return values[0]
    try:  # several `message` parameters are one batch
        return json.dumps([message for value in values for message in decoded(value)])
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _all_have_channels(messages: list[Any]) -> bool:
    return bool(messages) and all(
        isinstance(message, dict) and str(message.get("channel", "")).startswith("/") for message in messages
    )
