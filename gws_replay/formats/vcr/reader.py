"""Reads the items of a cassette file, as plain mappings and lists, to values. Errors name the place, and what to do."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from gws_replay.core.compile.compiler import FORMAT
from gws_replay.core.model import (
    Cause,
    Exchange,
    Headers,
    Moment,
    Notification,
    Request,
    Response,
    Rule,
)
from gws_replay.errors import CassetteError

RULES: tuple[Rule, ...] = ("pin", "referenceId", "content", "counting", "order")
MOMENTS: tuple[Moment, ...] = ("request", "response")
_MOST = 1_000_000
_LATEST = 1e12


class Reader:
    """Reads the parts of one file, and knows their place for messages."""

    def __init__(self, source: str) -> None:
        self.source = source

    def document(self, document: Mapping[str, Any]) -> list[Any]:
        """Check the version and the format of a file; return its interactions as they stand there."""
        version = self._field(document, "version", "the file", int)
        if version != 1:
            raise CassetteError(f"{self.source}: version {version} is unknown, this gws-replay reads version 1")
        header = document.get("gws_replay")
        if header is not None:
            number = self._field(header, "format", "gws_replay", int)
            if number != FORMAT:
                raise CassetteError(
                    f"{self.source}: format {number} is unknown, this gws-replay reads format {FORMAT}: upgrade it"
                )
        items: list[Any] = self._field(document, "interactions", "the file", list)
        return items

    def exchange(self, index: int, item: Any) -> Exchange:
        """Read an interaction; one without times has those of its place."""
        place = f"interaction {index}"
        request = self._field(item, "request", place, dict)
        response = self._field(item, "response", place, dict)
        status = self._field(response, "status", f"{place}, response", dict)
        body = self._field(response, "body", f"{place}, response", dict)
        times = item.get("gws_replay") or {"began": float(index), "ended": float(index)}
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
            began=self._seconds(times, "began", f"{place}, gws_replay"),
            ended=self._seconds(times, "ended", f"{place}, gws_replay"),
        )

    def notification(self, index: int, item: Any, interactions: int) -> Notification:
        """Read a notification of a file of so many interactions."""
        place = f"notification {index}"
        data = self._field(item, "data", place, str)
        told = Notification(
            channel=self._field(item, "channel", place, str),
            data=data,
            seen=self._seconds(item, "seen", place),
            cause=self._cause(item["cause"], place, interactions) if item.get("cause") else None,
        )
        try:
            _ = told.value  # parsed once: whoever has use for a notification needs its value
        except ValueError as error:
            raise CassetteError(f"{self.source}, {place}: data is not JSON ({error})") from None
        return told

    def _cause(self, item: Any, place: str, interactions: int) -> Cause:
        place = f"{place}, cause"
        interaction = self._field(item, "interaction", place, int)
        if not 0 <= interaction < interactions:
            raise CassetteError(
                f"{self.source}, {place}: interaction {interaction} does not exist, there are {interactions} (from 0)"
            )
        return Cause(
            interaction=interaction,
            rule=self._one_of(item, "rule", place, RULES),
            after=self._one_of(item, "after", place, MOMENTS),
        )

    def _uri(self, request: Any, place: str) -> str:
        uri: str = self._field(request, "uri", place, str)
        try:
            urlsplit(uri)
        except ValueError as error:
            raise CassetteError(f"{self.source}, {place}: uri is no URL ({error})") from None
        return uri

    def _seconds(self, item: Any, name: str, place: str) -> float:
        seconds = self._field(item, name, place, int | float)
        if not abs(seconds) < _LATEST:
            raise CassetteError(f"{self.source}, {place}: {name} is no number of seconds")
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
            raise CassetteError(f"{self.source}, {place}: {name} {value!r} is none of {', '.join(allowed)}")
        return value

    def _field(self, item: Any, name: str, place: str, type_: Any) -> Any:
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
