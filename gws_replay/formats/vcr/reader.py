"""Reads the items of a cassette file, as plain mappings and lists, to values. Errors name the place, and what to do."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, get_args
from urllib.parse import urlsplit

from gws_replay.core.cassette import FORMAT
from gws_replay.core.model import (
    Cause,
    Exchange,
    Headers,
    Layout,
    Moment,
    Notification,
    Outcome,
    Request,
    Response,
    Rule,
    WebSocketMessage,
)
from gws_replay.errors import CassetteError

RULES: tuple[Rule, ...] = get_args(Rule)
MOMENTS: tuple[Moment, ...] = get_args(Moment)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
# Who sent a WebSocket message.
SENDERS = ("client", "server")
_MOST = 1_000_000
_LATEST = 1e12


class Reader:
    """Reads the parts of one file, and knows their place for messages."""

    def __init__(self, source: str, *, users: int | None = 1) -> None:
        """Read a file with so many users, until `document` has read how many; None not to check that a user exists."""
        self.source = source
        self.last_user = 0
        self._users = users

    def document(self, document: Mapping[str, Any]) -> list[Any]:
        """Check the version and the format of a file; return its interactions as they stand there."""
        is_ours = document.get("gws_replay") is not None
        # vcrpy reads files without a version, as other tools write them; ours has one, unless it is torn.
        has_version = is_ours or document.get("version") is not None
        version = self._field(document, "version", "the file", int) if has_version else 1
        if version != 1:
            raise CassetteError(f"{self.source}: version {version} is unknown, this gws-replay reads version 1")
        header = document.get("gws_replay")
        if header is not None:
            number = self._field(header, "format", "gws_replay", int)
            if number != FORMAT:
                raise CassetteError(
                    f"{self.source}: format {number} is unknown, this gws-replay reads format {FORMAT}: upgrade it"
                )
            if header.get("users") is not None:
                self._users = self._count_users(self._field(header, "users", "gws_replay", list))
        items: list[Any] = self._field(document, "interactions", "the file", list)
        return items

    def exchange(self, index: int, item: Any) -> Exchange:
        """Read an interaction; one without times has those of its place."""
        place = f"interaction {index}"
        request = self._field(item, "request", place, dict)
        response = self._field(item, "response", place, dict)
        status, body = self._status_and_body(response, f"{place}, response")
        ours = item.get("gws_replay") or {"began": float(index), "ended": float(index)}
        return Exchange(
            request=Request(
                method=self._field(request, "method", f"{place}, request", str),
                uri=self._uri(request, f"{place}, request"),
                headers=self._headers(request, f"{place}, request"),
                body=self._bytes(request.get("body"), f"{place}, request, body"),
            ),
            response=Response(
                status=self._field(status, "code", f"{place}, response, status", int),
                reason=self._field(status, "message", f"{place}, response, status", str)
                if status.get("message")
                else "",
                headers=self._headers(response, f"{place}, response"),
                body=self._bytes(body.get("string"), f"{place}, response, body"),
            ),
            began=self._seconds(ours, "began", f"{place}, gws_replay"),
            ended=self._seconds(ours, "ended", f"{place}, gws_replay"),
            user=self._user(ours, f"{place}, gws_replay"),
            outcome=self._one_of(ours, "outcome", f"{place}, gws_replay", OUTCOMES)
            if ours.get("outcome") is not None
            else "response",
            layout=self._one_of(ours, "layout", f"{place}, gws_replay", LAYOUTS)
            if ours.get("layout") is not None
            else "compact",
        )

    def _status_and_body(self, response: Mapping[str, Any], place: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return both as vcrpy writes them today; its httpx stub had `status_code` and `content` before version 6."""
        if is_old_httpx(response):
            return {"code": response["status_code"]}, {"string": response.get("content")}
        return self._field(response, "status", place, dict), self._field(response, "body", place, dict)

    def notification(self, index: int, item: Any, interactions: Sequence[Exchange]) -> Notification:
        """Read a notification of a file with these interactions."""
        place = f"notification {index}"
        data = self._field(item, "data", place, str)
        notification = Notification(
            channel=self._field(item, "channel", place, str),
            data=data,
            seen=self._seconds(item, "seen", place),
            cause=self._cause(item["cause"], place, interactions) if item.get("cause") else None,
            user=self._user(item, place),
        )
        self.check_order(notification, place, interactions)
        try:
            _ = notification.value  # parsed once: every reader of a notification needs its value
        except ValueError as error:
            raise CassetteError(f"{self.source}, {place}: data is not JSON ({error})") from None
        return notification

    def message(self, index: int, item: Any) -> WebSocketMessage:
        """Read a WebSocket message."""
        place = f"websocket message {index}"
        return WebSocketMessage(
            uri=self._uri(item, place),
            seen=self._seconds(item, "seen", place),
            connection=self._field(item, "connection", place, int) if item.get("connection") is not None else 0,
            user=self._user(item, place),
            from_client=self._one_of(item, "from", place, SENDERS) == SENDERS[0],
            content=self._message_content(item, place),
        )

    def _message_content(self, item: Any, place: str) -> str | bytes:
        if item.get("base64") is None:
            text: str = self._field(item, "text", place, str)
            return text
        try:
            return base64.b64decode(self._field(item, "base64", place, str), validate=True)
        except (binascii.Error, ValueError):
            raise CassetteError(f"{self.source}, {place}: the field 'base64' is not base64") from None

    def check_order(self, notification: Notification, place: str, interactions: Sequence[Exchange]) -> None:
        """Raise CassetteError if a notification was seen before the request that is its cause."""
        for index in notification.cause.interactions if notification.cause else ():
            if interactions[index].began > notification.seen:
                raise CassetteError(
                    f"{self.source}, {place}: it was seen at {notification.seen}, before interaction {index}, its "
                    f"cause, began at {interactions[index].began}: correct the cause, or remove it (cause: null)"
                )

    def _cause(self, item: Any, place: str, interactions: Sequence[Exchange]) -> Cause:
        place = f"{place}, cause"
        interaction = self._field(item, "interaction", place, int)
        others = self._field(item, "also", place, list | tuple) if item.get("also") is not None else ()
        for index in (interaction, *others):
            if not isinstance(index, int) or isinstance(index, bool):
                raise CassetteError(f"{self.source}, {place}: the field 'also' lists {type(index).__name__}, not int")
            if not 0 <= index < len(interactions):
                raise CassetteError(
                    f"{self.source}, {place}: interaction {index} does not exist, there are {len(interactions)} "
                    "(from 0)"
                )
        if len({interaction, *others}) <= len(others):
            raise CassetteError(f"{self.source}, {place}: the same interaction is listed twice: remove one")
        return Cause(
            interaction=interaction,
            also=tuple(sorted(others)),
            rule=self._one_of(item, "rule", place, RULES),
            after=self._one_of(item, "after", place, MOMENTS),
        )

    def _count_users(self, users: list[Any]) -> int:
        """Check the users that a header lists, and return how many there are."""
        if not users:
            raise CassetteError(f"{self.source}, gws_replay: users is empty: list each user, or remove the field")
        names = set()
        for index, user in enumerate(users):
            place = f"gws_replay, user {index}"
            if not isinstance(user, dict):
                raise CassetteError(f"{self.source}, {place}: it is {type(user).__name__}; write {{}} or {{name: ...}}")
            if user.get("name") is None:
                continue
            name = self._field(user, "name", place, str)
            if name in names:
                raise CassetteError(f"{self.source}, {place}: another user has the name {name!r} too: rename one")
            names.add(name)
        return len(users)

    def _user(self, item: Any, place: str) -> int:
        if item.get("user") is None:
            return 0
        return self.user_index(self._field(item, "user", place, int), place)

    def user_index(self, index: int, place: str) -> int:
        """Return the index of a user. Raises CassetteError if the header does not list that many."""
        self.last_user = max(self.last_user, index)
        if index < 0 or (self._users is not None and index >= self._users):
            listed = f"{self._users} users (from 0)" if self._users and self._users > 1 else "no other users"
            raise CassetteError(f"{self.source}, {place}: user {index} does not exist: the header lists {listed}")
        return index

    def _uri(self, request: Any, place: str) -> str:
        uri: str = self._field(request, "uri", place, str)
        try:
            urlsplit(uri)
        except ValueError as error:
            raise CassetteError(f"{self.source}, {place}: uri cannot be parsed as a URL ({error})") from None
        return uri

    def _seconds(self, item: Any, name: str, place: str) -> float:
        seconds = self._field(item, name, place, int | float)
        if not abs(seconds) < _LATEST:
            raise CassetteError(f"{self.source}, {place}: {name} is not a number of seconds")
        return float(seconds)

    def _headers(self, message: Mapping[str, Any], place: str) -> Headers:
        fields = self._field(message, "headers", place, dict)
        return Headers(
            tuple(
                (_header_text(name), self._scalar(value, place))
                for name, values in fields.items()
                for value in (values if isinstance(values, list | tuple) else [values])
            )
        )

    def _scalar(self, value: Any, place: str) -> str:
        if isinstance(value, dict | list):
            raise CassetteError(f"{self.source}, {place}: the value of a header is {type(value).__name__}")
        return _header_text(value)

    def _bytes(self, body: Any, place: str) -> bytes:
        for _ in range(2):  # a mapping may hold itself
            if isinstance(body, dict) and not body.keys() - {"string"}:
                body = body.get("string")
        if isinstance(body, str):
            return body.encode()
        if isinstance(body, dict | list) and _is_small(body):  # how vcrpy records json= of aiohttp
            with suppress(TypeError, ValueError, RecursionError):  # what YAML can say beyond JSON
                return json.dumps(body).encode()
        if not isinstance(body, bytes | None):
            raise CassetteError(f"{self.source}, {place}: {type(body).__name__} is neither text nor binary")
        return body or b""

    def list_of(self, document: Mapping[str, Any], name: str) -> list[Any]:
        """Return a list that may be missing: it is empty then."""
        return self._field(document, name, "the file", list) if document.get(name) is not None else []

    def _one_of(self, item: Any, name: str, place: str, allowed: Iterable[Any]) -> Any:
        value = self._field(item, name, place, str)
        if value not in allowed:
            raise CassetteError(f"{self.source}, {place}: {name} {value!r} is unknown: there are {', '.join(allowed)}")
        return value

    def _field(self, item: Any, name: str, place: str, type_: Any) -> Any:
        if not isinstance(item, dict) or item.get(name) is None:
            raise CassetteError(f"{self.source}, {place}: the field {name!r} is missing; record the cassette again")
        if not isinstance(item[name], type_) or isinstance(item[name], bool):
            raise CassetteError(f"{self.source}, {place}: the field {name!r} is {type(item[name]).__name__}")
        return item[name]


def is_old_httpx(response: Mapping[str, Any]) -> bool:
    """Tell whether a response was written by the httpx stub of a vcrpy before version 6."""
    return "status_code" in response and "status" not in response


def _is_small(value: Any) -> bool:
    """Tell whether a value can be written out: a few aliases of YAML can stand for more than the memory holds."""
    rest, count = [value], 0
    while rest and count <= _MOST:
        each = rest.pop()
        inside = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        rest.extend(inside)
        count += 1 + len(inside)
    return count <= _MOST


def _header_text(value: Any) -> str:
    """Read a header's name or value; some clients give vcrpy bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
