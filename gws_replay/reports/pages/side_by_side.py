"""Two recordings side by side: every value at the same place, by its path, and which values differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.finding import SEVERITIES, Finding, spelled
from gws_replay.core.comparison.id_mapping import namings
from gws_replay.core.comparison.pairing import NamedExchange, NamedNotification, named_exchanges, named_notifications
from gws_replay.core.comparison.volatile import Step
from gws_replay.core.json_compare import printable
from gws_replay.reports.pages.cassette import Texts, Timeline, as_value
from gws_replay.reports.terminal import findings as differences

_Path = tuple[Step, ...]
_LEVELS = ("suppressed", *SEVERITIES)


def compared(
    baseline: Cassette, candidate: Cassette, findings: Sequence[Finding]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return a row for each finding, the most severe first, and both recordings as JSON for the page."""
    texts = Texts()
    sides = [Timeline(each, each.updates(), texts) for each in (baseline, candidate)]
    by_place: dict[tuple[str | None, str | None], list[Finding]] = {}
    for finding in findings:
        by_place.setdefault(finding.place, []).append(finding)
    messages = _messages(baseline, candidate)
    pairs = []
    rows: list[dict[str, Any]] = []
    for number, (place, found) in enumerate(by_place.items()):
        marked = {"pair": number, "level": max((_level(each) for each in found), key=_LEVELS.index)}
        at = [side.positions[where] if where else None for side, where in zip(sides, place, strict=True)]
        for side, where in zip(sides, place, strict=True):
            if where:
                side.mark(where, marked)
        values = [messages[n].get(where or "", {}) for n, where in enumerate(place)]
        pairs.append({"at": at, "places": place, "tables": _tables(values, found, texts)})
        rows.extend(_row(each, number) for each in found)
    return rows, as_value(sides, texts, pairs)


def _row(finding: Finding, pair: int) -> dict[str, Any]:
    return {
        "level": _level(finding),
        "rule": finding.kind,
        "operation": printable(finding.operation),
        "what": printable(f"{finding.operation} {finding.resource}".strip()),
        "where": printable(spelled(finding.path)),
        "result": printable(differences.change(finding)),
        "why": finding.suppressed,
        "pair": pair,
    }


def _level(finding: Finding) -> str:
    return "suppressed" if finding.suppressed else finding.severity


def _messages(baseline: Cassette, candidate: Cassette) -> list[dict[str, Mapping[str, Any]]]:
    """Return the values of each message of both, with common names for ids, by its place."""
    found: list[dict[str, Mapping[str, Any]]] = []
    for cassette, naming in zip((baseline, candidate), namings(baseline, candidate), strict=True):
        items: list[NamedExchange | NamedNotification] = [
            *named_exchanges(cassette, naming),
            *named_notifications(cassette, naming),
        ]
        found.append({each.place: _parts(each) for each in items})
    return found


def _parts(item: NamedExchange | NamedNotification) -> Mapping[str, Any]:
    if isinstance(item, NamedExchange):
        return {"request": item.sent, "answer": item.answer}
    return {f"notification {item.kind}": item.data if isinstance(item.data, dict) else {"data": item.data}}


def _tables(values: Sequence[Mapping[str, Any]], found: Sequence[Finding], texts: Texts) -> list[dict[str, Any]]:
    """Return userData and the other values of each part as rows: name, both values, severity of the difference."""
    levels: dict[_Path, str] = {}
    for each in found:
        levels[each.path] = max(levels.get(each.path, "suppressed"), _level(each), key=_LEVELS.index)
    tables: dict[str, list[list[Any]]] = {}
    for part in dict.fromkeys([*values[0], *values[1]]):
        leaves = [dict(_leaves((part,), side[part])) if part in side else {} for side in values]
        for path in dict.fromkeys([*leaves[0], *leaves[1]]):
            inside = next((at + 1 for at, step in enumerate(path[:-1]) if step in api.USER_DATA), 1)
            title = str(path[inside - 1]) if inside > 1 else part
            level = next((levels[path[:end]] for end in range(len(path), -1, -1) if path[:end] in levels), "")
            both = [texts.value(side[path]) if path in side else None for side in leaves]
            tables.setdefault(f"{title} · {part}" if inside > 1 else part, []).append(
                [texts.text(spelled(path[inside:])), *both, level]
            )
    return [{"title": printable(title), "rows": rows} for title, rows in sorted(tables.items(), key=_user_data_first)]


def _user_data_first(table: tuple[str, list[list[Any]]]) -> bool:
    return not table[0].startswith(tuple(api.USER_DATA))


def _leaves(path: _Path, value: Any) -> Iterator[tuple[_Path, Any]]:
    """Yield the innermost values, in order."""
    rest: list[tuple[_Path, Any]] = [(path, value)]
    while rest:  # a stack of our own: values may be nested deeper than Python recurses
        path, value = rest.pop()
        if isinstance(value, dict) and value:
            rest.extend(((*path, key), item) for key, item in reversed(value.items()))
        elif isinstance(value, list) and value:
            rest.extend(((*path, index), item) for index, item in reversed(list(enumerate(value))))
        else:
            yield path, value
