"""The cassette as plain mappings and lists, the same for YAML and JSON: to a Cassette and back.

Errors name the file, the interaction and the field, and what to do.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gws_replay.core import lossless_json
from gws_replay.core.compile import FORMAT, compile_recording, unpacked
from gws_replay.core.model import (
    Cassette,
    Cause,
    Exchange,
    Headers,
    Moment,
    Notification,
    Recording,
    Request,
    Response,
    Rule,
)
from gws_replay.errors import CassetteError

_MOST = 1_000_000
# What was redacted in a cassette without our header: `gws-replay scrub` writes it.
REDACTION = "gws_replay_redaction"
_RULES: tuple[Rule, ...] = ("pin", "referenceId", "content", "counting", "order")
_MOMENTS: tuple[Moment, ...] = ("request", "response")


def read(document: Mapping[str, Any], source: str) -> Cassette:
    """Read a parsed cassette file. Raises CassetteError, which names the place.

    One without our header is compiled: file order stands in for time, recorded CometD answers give notifications.
    """
    reader = _Reader(source)
    items = reader.document(document)
    header = document.get("gws_replay")
    if header is None and document.get("notifications"):
        raise CassetteError(f"{source}: the header 'gws_replay' is missing: is the file torn?")
    exchanges = tuple(reader.exchange(index, item) for index, item in enumerate(items))
    if header is None:
        recording = Recording(exchanges=tuple(map(_as_unpacked, exchanges)))
        return compile_recording(recording, document.get(REDACTION)).cassette.named(source)
    told = reader.list_of(document, "notifications")
    return Cassette(
        interactions=exchanges,
        notifications=tuple(reader.notification(i, item, len(exchanges)) for i, item in enumerate(told)),
        header=header,
        source=source,
    )


def contents(document: Mapping[str, Any], source: str) -> tuple[Sequence[Exchange], Sequence[Notification]]:
    """Return the exchanges and notifications of a parsed cassette file as they stand there, ours or not."""
    reader = _Reader(source)
    exchanges = [reader.exchange(index, item) for index, item in enumerate(reader.document(document))]
    told = reader.list_of(document, "notifications")
    return exchanges, [reader.notification(index, item, len(exchanges)) for index, item in enumerate(told)]


def interaction(exchange: Exchange) -> dict[str, Any]:
    """Return the item for an exchange; binary bodies are bytes."""
    request, response = exchange.request, exchange.response
    return {
        "request": {
            "method": request.method,
            "uri": request.uri,
            "body": _body(request.body) if request.body else None,
            "headers": _grouped(request.headers),
        },
        "response": {
            "status": {"code": response.status, "message": response.reason},
            "headers": _grouped(response.headers),
            "body": {"string": _body(response.body)},
        },
        "gws_replay": {"began": exchange.began, "ended": exchange.ended},
    }


def notification(told: Notification) -> dict[str, Any]:
    """Return the item for a notification."""
    cause = told.cause
    return {
        "channel": told.channel,
        "seen": told.seen,
        "cause": {"interaction": cause.interaction, "rule": cause.rule, "after": cause.after} if cause else None,
        "data": told.data,
    }


def _as_unpacked(exchange: Exchange) -> Exchange:
    response = exchange.response
    headers = unpacked(response.headers, response.body)
    if headers is response.headers:
        return exchange
    return replace(exchange, response=replace(response, headers=headers))


def _body(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _grouped(headers: Headers) -> dict[str, tuple[str, ...]]:
    """Group repeated fields under the first spelling of their name, in a sequence that is written on one line."""
    grouped: dict[str, tuple[str, ...]] = {}
    spelling: dict[str, str] = {}
    for name, value in headers.pairs:
        key = spelling.setdefault(name.lower(), name)
        grouped[key] = (*grouped.get(key, ()), value)
    return grouped


class _Reader:
    """Reads the parts of one file, and knows their place for messages."""

    def __init__(self, source: str) -> None:
        self.source = source

    def document(self, document: Mapping[str, Any]) -> list[Any]:
        version = self.field(document, "version", "the file", int)
        if version != 1:
            raise CassetteError(f"{self.source}: version {version} is unknown, this gws-replay reads version 1")
        header = document.get("gws_replay")
        if header is not None:
            number = self.field(header, "format", "gws_replay", int)
            if number != FORMAT:
                raise CassetteError(
                    f"{self.source}: format {number} is unknown, this gws-replay reads format {FORMAT}: upgrade it"
                )
        items: list[Any] = self.field(document, "interactions", "the file", list)
        return items

    def exchange(self, index: int, item: Any) -> Exchange:
        place = f"interaction {index}"
        request = self.field(item, "request", place, dict)
        response = self.field(item, "response", place, dict)
        status = self.field(response, "status", f"{place}, response", dict)
        body = self.field(response, "body", f"{place}, response", dict)
        times = item.get("gws_replay") or {"began": float(index), "ended": float(index)}
        return Exchange(
            request=Request(
                method=self.field(request, "method", f"{place}, request", str),
                uri=self.field(request, "uri", f"{place}, request", str),
                headers=self.headers(request, f"{place}, request"),
                body=self.bytes(request.get("body"), f"{place}, request, body"),
            ),
            response=Response(
                status=self.field(status, "code", f"{place}, response, status", int),
                reason=self.field(status, "message", f"{place}, response, status", str)
                if status.get("message")
                else "",
                headers=self.headers(response, f"{place}, response"),
                body=self.bytes(body.get("string"), f"{place}, response, body"),
            ),
            began=float(self.field(times, "began", f"{place}, gws_replay", int | float)),
            ended=float(self.field(times, "ended", f"{place}, gws_replay", int | float)),
        )

    def notification(self, index: int, item: Any, interactions: int) -> Notification:
        place = f"notification {index}"
        data = self.field(item, "data", place, str)
        try:
            lossless_json.loads(data)
        except ValueError as error:
            raise CassetteError(f"{self.source}, {place}: data is not JSON ({error})") from None
        return Notification(
            channel=self.field(item, "channel", place, str),
            data=data,
            seen=float(self.field(item, "seen", place, int | float)),
            cause=self.cause(item["cause"], place, interactions) if item.get("cause") else None,
        )

    def cause(self, item: Any, place: str, interactions: int) -> Cause:
        place = f"{place}, cause"
        interaction = self.field(item, "interaction", place, int)
        if not 0 <= interaction < interactions:
            raise CassetteError(
                f"{self.source}, {place}: interaction {interaction} does not exist, there are {interactions} (from 0)"
            )
        return Cause(
            interaction=interaction,
            rule=self.one_of(item, "rule", place, _RULES),
            after=self.one_of(item, "after", place, _MOMENTS),
        )

    def headers(self, message: Mapping[str, Any], place: str) -> Headers:
        fields = self.field(message, "headers", place, dict)
        return Headers(
            tuple(
                (_header_text(name), self.scalar(value, place))
                for name, values in fields.items()
                for value in (values if isinstance(values, list | tuple) else [values])
            )
        )

    def scalar(self, value: Any, place: str) -> str:
        if isinstance(value, dict | list):
            raise CassetteError(f"{self.source}, {place}: the value of a header is {type(value).__name__}")
        return _header_text(value)

    def bytes(self, body: Any, place: str) -> bytes:
        for _ in range(2):  # a mapping may hold itself
            if isinstance(body, dict) and not body.keys() - {"string"}:
                body = body.get("string")
        if isinstance(body, str):
            return body.encode()
        if isinstance(body, dict | list) and _is_small(body):  # how vcrpy records json= of aiohttp
            return json.dumps(body).encode()
        if not isinstance(body, bytes | None):
            raise CassetteError(f"{self.source}, {place}: {type(body).__name__} is neither text nor binary")
        return body or b""

    def list_of(self, document: Mapping[str, Any], name: str) -> list[Any]:
        return self.field(document, name, "the file", list) if document.get(name) is not None else []

    def one_of(self, item: Any, name: str, place: str, allowed: Iterable[Any]) -> Any:
        value = self.field(item, name, place, str)
        if value not in allowed:
            raise CassetteError(f"{self.source}, {place}: {name} {value!r} is none of {', '.join(allowed)}")
        return value

    def field(self, item: Any, name: str, place: str, type_: Any) -> Any:
        if not isinstance(item, dict) or item.get(name) is None:
            raise CassetteError(f"{self.source}, {place}: the field {name!r} is missing; record the cassette again")
        if not isinstance(item[name], type_) or isinstance(item[name], bool):
            raise CassetteError(f"{self.source}, {place}: the field {name!r} is {type(item[name]).__name__}")
        return item[name]


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
