"""When two requests are the same question, how they differ when they are not, and which recorded one is nearest.

The host does not count: a cassette recorded from staging answers a client that talks to localhost. Nor do headers.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gws_replay.core import lossless_json
from gws_replay.core.json_compare import compare_userdata, printable, show
from gws_replay.core.model import Request

MATCH_ON = frozenset({"method", "path", "query", "body"})
_COMPARED = 50  # how many bodies a miss is compared with
_BOUNDARY = re.compile(r'boundary="?([^\s";,]+)', re.IGNORECASE)
_Place = tuple[int, str, str]
Key = tuple[str, str, tuple[tuple[str, str], ...], str | bytes]


@dataclass(frozen=True, slots=True)
class Difference:
    """One part in which an asked request differs from a recorded one, both spelled for a message."""

    part: str
    asked: str
    recorded: str

    def __str__(self) -> str:
        return f"{printable(self.part)}: asked {self.asked}, recorded {self.recorded}"


def key_of(
    request: Request, match_on: frozenset[str] = MATCH_ON, spelled: Mapping[bytes, str] = MappingProxyType({})
) -> Key:
    """Return what must be equal for two requests to match: method, path, query in any order, JSON in any key order.

    Other bodies count byte by byte, but for the boundary of their parts. What is not to be matched on is blank.
    `spelled` are JSON bodies with what `canonical_body` makes of them: one that is known need not be parsed.
    """
    parts = urlsplit(request.uri)
    query = tuple(sorted(parse_qsl(parts.query, keep_blank_values=True))) if parts.query else ()
    body: str | bytes | None = spelled.get(request.body) or canonical_body(request.body)
    if body is None:
        body = _plain_body(request)
    if match_on is not MATCH_ON:
        return (
            request.method.upper() if "method" in match_on else "",
            parts.path or "/" if "path" in match_on else "",
            query if "query" in match_on else (),
            body if "body" in match_on else "",
        )
    return request.method.upper(), parts.path or "/", query, body


def canonical_body(body: bytes) -> str | None:
    """Spell a body of JSON as all bodies of the same value are spelled; None for any other."""
    parsed = lossless_json.loads_or_none(body) if body else None
    return None if parsed is None else lossless_json.canonical(parsed)


def _plain_body(request: Request) -> bytes:
    """Return a body that is no JSON; in a form of several parts a client chooses another boundary each time."""
    kind = (request.headers.get("content-type") or "") if request.body else ""
    found = _BOUNDARY.search(kind) if kind[:10].lower() == "multipart/" else None
    return request.body.replace(found[1].encode(), b"boundary") if found else request.body


@dataclass(frozen=True, slots=True)
class Matching:
    """How requests are compared: which parts count, and what is done before to a live and to a recorded one.

    `asked` gives None for a live request that is to be none of the cassette's.
    """

    match_on: frozenset[str] = MATCH_ON
    asked: Callable[[Request], Request | None] = lambda request: request
    recorded: Callable[[Request], Request] = lambda request: request


WHOLE = Matching()


def differences(asked: Request, recorded: Request, match_on: frozenset[str] = MATCH_ON) -> tuple[Difference, ...]:
    """Return where a request differs from a recorded one; empty means that they match. JSON bodies by path."""
    one, other = key_of(asked, match_on), key_of(recorded, match_on)
    found = [
        Difference(part, show(mine), show(theirs))
        for part, mine, theirs in zip(("method", "path"), one[:2], other[:2], strict=True)
        if mine != theirs
    ]
    if one[2] != other[2]:
        found.append(Difference("query", show(urlsplit(asked.uri).query), show(urlsplit(recorded.uri).query)))
    if one[3] != other[3]:
        found.extend(_body_differences(asked, recorded))
    return tuple(found)


class Neighbours:
    """Recorded requests by where they stand, so that the nearest to another is found without looking at all of them."""

    def __init__(self, recorded: Sequence[Request]) -> None:
        self._recorded = recorded
        self._places: dict[_Place, list[int]] = {}
        for index, request in enumerate(recorded):
            for place in _places(request):
                there = self._places.setdefault(place, [])
                if len(there) < _COMPARED:
                    there.append(index)

    def nearest(self, asked: Request) -> int | None:
        """Return the index of the recorded request that differs least, or None where not even the path is alike.

        Of many that are equally alike by method and path, the bodies of the first are compared.
        """
        best = next((found for place in _places(asked) if (found := self._places.get(place))), ())
        return min(best, key=lambda index: len(differences(asked, self._recorded[index])), default=None)


def _places(request: Request) -> tuple[_Place, ...]:
    """Return by what two requests are alike, the nearest first: path and method, path, folder and method, folder."""
    path, method = request.path, request.method.upper()
    folder = path.rpartition("/")[0]
    return (0, path, method), (1, path, ""), (2, folder, method), (3, folder, "")


def _body_differences(asked: Request, recorded: Request) -> list[Difference]:
    mine, theirs = (lossless_json.loads_or_none(request.body) for request in (asked, recorded))
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return [Difference("body", _body(mine, asked.body), _body(theirs, recorded.body))]
    found = []
    for change in compare_userdata(theirs, mine).entries:
        place = "body" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in change.path)
        absent = {"added": "recorded", "removed": "asked"}.get(change.kind)
        found.append(
            Difference(
                place,
                "nothing" if absent == "asked" else show(change.after),
                "nothing" if absent == "recorded" else show(change.before),
            )
        )
    return found


def _body(parsed: Any, body: bytes) -> str:
    if parsed is not None:
        return show(parsed)
    return f"{len(body)} bytes that are not JSON" if body else "no body"
