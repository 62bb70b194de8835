"""The cassette file: VCR version 1 as YAML or JSON, to a Cassette and back. The only file that sees PyYAML.

Plain vcrpy loads what is written here and replays its REST exchanges: our own keys stand beside `request` and
`response`, never inside. The first line and the closing `...` mark a whole file, so that a torn one is never taken
for a short one. A cassette without our keys, written by hand or by vcrpy, is read too: file order stands in for time.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from gws_replay.core import lossless_json
from gws_replay.core.compile import FORMAT, compile_recording
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

_FIRST_LINE = f"# gws-replay cassette, format {FORMAT}"
_LAST_LINE = "..."
_RULES: tuple[Rule, ...] = ("pin", "referenceId", "content", "counting", "order")
_MOMENTS: tuple[Moment, ...] = ("request", "response")


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes strings of several lines as literal blocks, so that a review reads them."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads what vcrpy writes: safe YAML and the few Python tags of its request bodies."""


def _represent_text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


class _Inline(dict[str, Any]):
    """A small mapping that is written on one line."""


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(
    _Inline, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)
)
_Dumper.add_representer(
    tuple, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)
_Loader.add_constructor("tag:yaml.org,2002:python/str", lambda loader, node: loader.construct_scalar(node))
_Loader.add_constructor("tag:yaml.org,2002:python/unicode", lambda loader, node: loader.construct_scalar(node))
_Loader.add_constructor("tag:yaml.org,2002:python/tuple", lambda loader, node: loader.construct_sequence(node))


def dump_yaml(cassette: Cassette) -> Iterator[str]:
    """Yield the text of a cassette file in pieces, an item each."""
    yield f"{_FIRST_LINE}\nversion: 1\ninteractions:{'' if cassette.interactions else ' []'}\n"
    for exchange in cassette.interactions:
        yield _yaml([_interaction(exchange)])
    if cassette.notifications:
        yield "notifications:\n"
    for notification in cassette.notifications:
        yield _yaml([_notification(notification)])
    yield _yaml({"gws_replay": dict(cassette.header)})
    yield f"{_LAST_LINE}\n"


def dump_json(cassette: Cassette) -> Iterator[str]:
    """Yield the text of a JSON cassette. Raises CassetteError for a binary body, which JSON cannot hold."""
    for index, exchange in enumerate(cassette.interactions):
        for part, body in (("request", exchange.request.body), ("response", exchange.response.body)):
            if isinstance(_body(body), bytes):
                raise CassetteError(
                    f"interaction {index}: the {part} body is binary, which a JSON cassette cannot hold: "
                    "write it as .yaml"
                )
    document = {
        "version": 1,
        "interactions": [_interaction(exchange) for exchange in cassette.interactions],
        "notifications": [_notification(notification) for notification in cassette.notifications],
        "gws_replay": dict(cassette.header),
    }
    yield json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def load(text: str, source: str, *, as_json: bool = False) -> Cassette:
    """Read a cassette file. Raises CassetteError, which names the file, the interaction and the field."""
    if (
        not as_json
        and text.startswith(_FIRST_LINE.rpartition(",")[0])
        and not text.rstrip().endswith(f"\n{_LAST_LINE}")
    ):
        raise CassetteError(f"{source} is torn: its end is missing; restore it, or record it again")
    document = _parse(text, source, as_json=as_json)
    reader = _Reader(source)
    items = reader.document(document)
    header = document.get("gws_replay")
    exchanges = tuple(reader.exchange(index, item) for index, item in enumerate(items))
    if header is None:
        return compile_recording(Recording(exchanges=exchanges)).cassette.named(source)
    told = document.get("notifications") or []
    return Cassette(
        interactions=exchanges,
        notifications=tuple(reader.notification(i, item, len(exchanges)) for i, item in enumerate(told)),
        header=header,
        source=source,
    )


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


def _interaction(exchange: Exchange) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    return {
        "request": {
            "method": request.method,
            "uri": request.uri,
            "body": _body(request.body) if request.body else None,
            "headers": _grouped(request.headers),
        },
        "response": {
            "status": _Inline(code=response.status, message=response.reason),
            "headers": _grouped(response.headers),
            "body": {"string": _body(response.body)},
        },
        "gws_replay": _Inline(began=exchange.began, ended=exchange.ended),
    }


def _notification(notification: Notification) -> dict[str, Any]:
    cause = notification.cause
    return {
        "channel": notification.channel,
        "seen": notification.seen,
        "cause": _Inline(interaction=cause.interaction, rule=cause.rule, after=cause.after) if cause else None,
        "data": notification.data,
    }


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


def _parse(text: str, source: str, *, as_json: bool) -> Mapping[str, Any]:
    try:
        document = json.loads(text) if as_json else yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        problem = getattr(error, "problem", None) or getattr(error, "msg", None) or "it is nested too deeply"
        raise CassetteError(
            f"{source}{where} is not {'JSON' if as_json else 'YAML'} ({problem}): is it torn, or no cassette?"
        ) from None
    if isinstance(document, list):
        raise CassetteError(
            f"{source} has the list form of VCR before version 1: migrate it with vcrpy, or record it again"
        )
    if not isinstance(document, dict):
        raise CassetteError(f"{source} is {'empty' if document is None else 'no cassette'}: record it again")
    return document


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
                reason=status.get("message") or "",
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
                (str(name), str(value))
                for name, values in fields.items()
                for value in (values if isinstance(values, list | tuple) else [values])
            )
        )

    def bytes(self, body: Any, place: str) -> bytes:
        if isinstance(body, str):
            return body.encode()
        if isinstance(body, dict) and not body.keys() - {"string"}:
            return self.bytes(body.get("string"), place)
        if not isinstance(body, bytes | None):
            raise CassetteError(f"{self.source}, {place}: {type(body).__name__} is neither text nor binary")
        return body or b""

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
