"""Why a request matches nothing: the recorded request that is nearest to it, and how the two differ.

The effort is bounded: whatever a client sends, explaining why it was not recorded takes a few milliseconds.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from gws_replay.core import json_paths, lossless_json
from gws_replay.core.json_compare import show, show_both
from gws_replay.core.model import Request
from gws_replay.core.replay.form_bodies import form_fields, is_form, parts_of
from gws_replay.core.replay.miss import Difference
from gws_replay.core.replay.rehost import text_without_own
from gws_replay.core.replay.request_key import MATCH_ON, key_of
from gws_replay.core.replay.request_values import compared, leaves_of

# How many recorded requests, and how many bytes of their bodies, a request is compared with to find the nearest.
_MOST_COMPARED: Final = 50
_MOST_BYTES: Final = 2**18
# A longer body is not compared value by value.
_LONGEST_COMPARED: Final = 2**15
_MOST_DIFFERENCES: Final = 100
_Place = tuple[int, str, str]


def differences(
    live: Request, recorded: Request, match_on: frozenset[str] = MATCH_ON, hosts: frozenset[str] = frozenset()
) -> tuple[Difference, ...]:
    """Return where a request differs from a recorded one, bodies by path or field; empty if they match."""
    hosts = hosts | {host for each in (live, recorded) if (host := urlsplit(each.uri).hostname)}
    found = [
        Difference(part, show(mine), show(theirs))
        for part, mine, theirs in (
            ("method", live.method.upper(), recorded.method.upper()),
            ("path", live.path, recorded.path),
        )
        if part in match_on and mine != theirs
    ]
    if "query" in match_on:
        queries = [parse_qsl(urlsplit(each.uri).query, keep_blank_values=True) for each in (live, recorded)]
        found.extend(_of_fields("query", queries[0], queries[1], hosts))
    if "body" in match_on and live.body != recorded.body:
        found.extend(_of_bodies(live, recorded, hosts))
    return tuple(found[:_MOST_DIFFERENCES])


class Neighbours:
    """Recorded requests by where they stand, so that the nearest to another is found without looking at all of them."""

    def __init__(self, recorded: Sequence[Request], hosts: frozenset[str] = frozenset()) -> None:
        self._recorded = recorded
        self._hosts = hosts
        self._places: dict[_Place, list[int]] = {}
        for index, request in enumerate(recorded):
            for place in _places(request):
                there = self._places.setdefault(place, [])
                if len(there) < _MOST_COMPARED:
                    there.append(index)

    def nearest(self, live: Request) -> int | None:
        """Return the index of the recorded request that differs least, or None if not even the path is similar.

        Of many that are equally similar by method and path, the bodies of the first are compared.
        """
        similar = next((found for place in _places(live) if (found := self._places.get(place))), [])
        if len(similar) < 2 or len(live.body) > _LONGEST_COMPARED:
            return similar[0] if similar else None
        values, room = _values(live, self._hosts), _MOST_BYTES
        fewest, nearest = len(values) + 1, similar[0]
        for index in similar:
            request = self._recorded[index]
            if len(request.body) > _LONGEST_COMPARED or (room := room - len(request.body)) < 0:
                continue
            unlike = {place for place, _ in values ^ _values(request, self._hosts)}
            if len(unlike) < fewest:
                fewest, nearest = len(unlike), index
        return nearest


def _values(request: Request, hosts: Collection[str]) -> frozenset[tuple[Any, Any]]:
    return frozenset((place, (leaf.type, compared(place, leaf, hosts))) for place, leaf in leaves_of(request).items())


def _places(request: Request) -> tuple[_Place, ...]:
    """Return by what two requests are similar, the nearest first: path and method, path, folder and method, folder."""
    path, method = request.path, request.method.upper()
    folder = path.rpartition("/")[0]
    return (0, path, method), (1, path, ""), (2, folder, method), (3, folder, "")


def _of_bodies(live: Request, recorded: Request, hosts: frozenset[str]) -> Iterator[Difference]:
    if max(len(live.body), len(recorded.body)) > _LONGEST_COMPARED:
        yield from _of_bytes(live.body, recorded.body)
        return
    if key_of(live, frozenset({"body"}), hosts=hosts) == key_of(recorded, frozenset({"body"}), hosts=hosts):
        return
    mine, theirs = (lossless_json.loads_or_none(request.body) for request in (live, recorded))
    if mine is not None and theirs is not None and type(mine) is type(theirs):
        yield from _of_json(mine, theirs, hosts)
        return
    fields = [_fields(request) for request in (live, recorded)]
    if (fields[0] or not live.body) and (fields[1] or not recorded.body):
        yield from _of_fields("form", fields[0], fields[1], hosts)
    else:
        yield Difference("body", _shown(mine, live), _shown(theirs, recorded))


def _of_bytes(mine: bytes, theirs: bytes) -> Iterator[Difference]:
    """Yield how two bodies differ of which one is too long to be compared value by value."""
    where = f", different from byte {_common(mine, theirs):,} on" if mine and theirs else ""
    yield Difference("body", f"{len(mine):,} bytes{where}", f"{len(theirs):,} bytes")


def _common(mine: bytes, theirs: bytes) -> int:
    """Return how many bytes two bodies have in common at their beginning."""
    low, high = 0, min(len(mine), len(theirs))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if mine[low:middle] == theirs[low:middle] else (low, middle - 1)
    return low


def _of_json(mine: Any, theirs: Any, hosts: Collection[str]) -> Iterator[Difference]:
    is_array = isinstance(mine, list)
    for each in json_paths.differences(theirs, mine):
        path = each.path[1:] if is_array else each.path
        place = "body" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        if _same(each.before, each.after, hosts):
            continue
        if each.kind == "added":
            yield Difference(place, show(each.after), None)
        elif each.kind == "removed":
            yield Difference(place, None, show(each.before))
        else:
            recorded, sent = show_both(each.before, each.after)
            yield Difference(place, sent, recorded)


def _same(one: Any, other: Any, hosts: Collection[str]) -> bool:
    """Return whether two values differ in the client's own addresses only."""
    is_text = isinstance(one, str) and isinstance(other, str)
    return is_text and text_without_own(one, hosts) == text_without_own(other, hosts)


def _fields(request: Request) -> list[tuple[str, str]]:
    return form_fields(request) if is_form(request) else list(parts_of(request))


def _of_fields(
    part: str, mine: Sequence[tuple[str, str]], theirs: Sequence[tuple[str, str]], hosts: Collection[str]
) -> Iterator[Difference]:
    """Yield the fields that differ, by name; of a name that stands several times, the values in order."""
    names = dict.fromkeys(name for name, _ in (*theirs, *mine))
    for name in names:
        sent, recorded = ([value for each, value in fields if each == name] for fields in (mine, theirs))
        counted = [sorted(text_without_own(value, hosts) for value in values) for values in (sent, recorded)]
        if counted[0] != counted[1]:
            yield Difference(f"{part}.{name}", _all(sent), _all(recorded))


def _all(values: Sequence[str]) -> str | None:
    if len(values) > 1:
        return show(values)
    return show(values[0]) if values else None


def _shown(parsed: Any, request: Request) -> str:
    if parsed is not None:
        return show(parsed)
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip()
    return (
        f"{len(request.body):,} bytes{f' of {kind}' if kind else ' that are not JSON'}" if request.body else "no body"
    )
