"""A request taken apart: every single value with its place, so that two requests can be compared place by place."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.lossless_json import Repeated
from gws_replay.core.model import Request
from gws_replay.core.replay.form_bodies import form_fields, is_form, parts_of
from gws_replay.core.replay.rehost import text_without_own
from gws_replay.core.replay.request_key import MATCH_ON

Place = tuple[str | int, ...]


class Leaf(NamedTuple):
    """A value: its JSON type, its text, and the name of the key or parameter that it stands under."""

    type: str
    text: str
    name: str


def leaves_of(request: Request, match_on: frozenset[str] = MATCH_ON) -> dict[Place, Leaf]:
    """Return the values of what is matched on, by place; two requests match when these are equal."""
    found: dict[Place, Leaf] = {}
    parts = urlsplit(request.uri)
    if "method" in match_on:
        found["method",] = Leaf("word", request.method.upper(), "")
    if "path" in match_on:
        for index, segment in enumerate((parts.path or "/").split("/")):
            found["path", index] = Leaf("string", unquote(segment), "")
    if "query" in match_on:
        found.update(_parameters("query", parse_qsl(parts.query, keep_blank_values=True)))
    if "body" in match_on:
        found.update(_body(request))
    return found


def compared(place: Place, leaf: Leaf, hosts: Collection[str]) -> str:
    """Return the text of a leaf as it counts: without the client's own addresses."""
    if leaf.type != "string" or ":" not in leaf.text or place[0] == "path":
        return leaf.text
    return text_without_own(leaf.text, hosts, of_api=api.USER_DATA.isdisjoint(place))


def id_place(request: Request) -> Place | None:
    """Return the place of the resource's id in the path, or None."""
    resource_id = api.call_of(request, None).resource_id
    segments = (urlsplit(request.uri).path or "/").split("/")
    return ("path", len(segments) - 1 - segments[::-1].index(resource_id)) if resource_id in segments else None


def _body(request: Request) -> Iterator[tuple[Place, Leaf]]:
    parsed = lossless_json.loads_or_none(request.body)
    if parsed is not None:
        yield from _inside(("body",), "", parsed)
    elif is_form(request):
        yield from _parameters("form", form_fields(request))
    elif fields := list(parts_of(request)):
        yield from _parameters("form", fields)
    elif request.body:
        yield ("body",), Leaf("string", request.body.decode("utf-8", "surrogateescape"), "")


def _parameters(part: str, fields: Iterable[tuple[str, str]]) -> Iterator[tuple[Place, Leaf]]:
    counts: dict[str, int] = {}
    for name, value in fields:
        counts[name] = counts.get(name, 0) + 1
        yield (part, name, counts[name]), Leaf("string", value, name)


def _inside(place: Place, name: str, value: Any) -> Iterator[tuple[Place, Leaf]]:
    """Yield the leaves of a JSON value; an empty object or array is one itself."""
    rest: list[tuple[Place, str, Any]] = [(place, name, value)]
    while rest:  # a stack of our own: values may be nested deeper than Python recurses
        place, name, value = rest.pop()
        if isinstance(value, Repeated):
            rest.extend(((*place, "repeated", index), name, item) for index, item in enumerate(value.values))
        elif isinstance(value, dict) and value:
            beside = value.get("key")  # {"key": ..., "value": ...} of Workspace v3
            for key, item in value.items():
                called = beside if key == "value" and isinstance(beside, str) else key
                rest.append(((*place, key), called, item))
        elif isinstance(value, list) and value:
            rest.extend(((*place, index), name, item) for index, item in enumerate(value))
        elif isinstance(value, str):
            yield place, Leaf("string", value, name)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield place, Leaf("number", lossless_json.canonical(value), name)
        else:
            yield place, Leaf("word", lossless_json.canonical(value), name)
