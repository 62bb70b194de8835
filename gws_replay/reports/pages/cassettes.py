"""The page of cassettes for show, verify and diff: verdicts or findings, and the timeline of each cassette."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.finding import Finding
from gws_replay.core.json_compare import printable
from gws_replay.core.oracle.judge import Update
from gws_replay.reports.cases import Issue
from gws_replay.reports.format import Part
from gws_replay.reports.pages.cassette import Texts, Timeline, as_value, besides
from gws_replay.reports.pages.page_skeleton import SHADE, bar, block, data, page_skeleton, safe
from gws_replay.reports.pages.side_by_side import compared

# The style and the scripts of the page.
ASSETS = ("timelines", "dom.js", "board.js", "lanes.js", "detail.js", "events.js", "timelines.js")
_WORDS = {
    "failed": "failed",
    "unknown": "cannot tell",
    "passed": "passed",
    "error": "error",
    "warning": "warning",
    "info": "info",
    "suppressed": "suppressed",
}
_WHICH = {"Findings": " to look at"}
_ORDER = tuple(_WORDS)
_SIGNS = {"failed": "✗", "error": "✗", "passed": "✓", "unknown": "?", "warning": "!", "info": "i", "suppressed": "○"}


def part_of(cassette: Cassette, updates: Sequence[Update]) -> Part:
    """Return a cassette with the verdicts on its operations."""
    texts = Texts()
    recorded = Timeline(cassette, updates, texts)
    rows = [
        {
            "level": update.verdict,
            "rule": "",
            "operation": printable(update.operation),
            "what": printable(f"{update.operation} {update.resource_id}"),
            "where": f"interaction {update.interaction}",
            "result": printable("; ".join(update.reasons) or _own(cassette, update)),
            "at": recorded.positions[f"interaction {update.interaction}"],
        }
        for update in updates
    ]
    return Part(name=printable(cassette.source), sides=("",), rows=rows, block=data(as_value([recorded], texts)))


def part_of_pair(
    name: str, baseline: Cassette, candidate: Cassette, findings: Sequence[Finding], unasked: Sequence[Issue] = ()
) -> Part:
    """Return two cassettes with their findings, side by side, and the requests that were not sent."""
    rows, both = compared(baseline, candidate, findings)
    rows += [_row(issue, "Not sent") for issue in unasked]
    return Part(name=printable(name), sides=("baseline", "candidate"), rows=rows, block=data(both))


def part_of_issue(issue: Issue) -> Part:
    """Return an issue without a cassette: one side is missing, or there was nothing to compare."""
    name = printable(issue.file)
    return Part(name=name, rows=[_row(issue, name)])


def page(parts: Iterable[Part], summary: str, *, first: str = "") -> Iterator[str]:
    """Yield the page; `first` is the heading of the list before the timelines, empty for a timeline alone."""
    listed = list(parts)
    rows = [{**row, "part": number} for number, part in enumerate(listed) for row in part.rows]
    rows.sort(key=lambda row: _ORDER.index(row["level"]))
    title = (
        listed[0].name
        if len(listed) == 1
        else f"{len(listed)} cassettes{_WHICH.get(first, '')}"
        if listed
        else "nothing to show"
    )
    counts = Counter(row["level"] for row in rows)
    yield from page_skeleton(
        f"{title} · gws_replay",
        ASSETS[0],
        [*_head(title, summary, counts, first), *_body(listed, rows, first)],
        ASSETS[1:],
    )


def around(name: str) -> tuple[str, str]:
    """Return the page of one timeline in two pieces, between which the block of a `Part` belongs."""
    nothing = Part(name=name, sides=("",), block="{}")
    before, part, after = "".join(page([nothing], "")).partition(block("part0", nothing.block))
    opening, _, closing = part.partition(nothing.block)
    return before + opening, closing + after


def _head(title: str, summary: str, counts: Mapping[str, int], first: str) -> Iterator[str]:
    yield f'<header>\n<div class="top"><h1>gws_replay <span>{safe(title)}</span></h1>{SHADE}</div>\n'
    yield bar(counts, _WORDS)
    yield f'<p class="quiet" id="facts">{safe(summary)}</p>\n<form class="tools" role="search">\n'
    if first:
        yield (
            '<div class="outcomes" role="group" aria-label="View">'
            f'<button type="button" data-view="list">{first}</button>'
            '<button type="button" data-view="time">Timeline</button></div>\n'
        )
    yield (
        '<select id="recording" aria-label="Cassette"></select>\n'
        '<input id="text" type="search" placeholder="Filter: operation, id, key, value" aria-label="Filter">\n'
        '<select id="operation" aria-label="Operation"></select>\n'
        '<div class="outcomes" role="group" aria-label="Outcomes">'
    )
    for level in _ORDER:
        if counts[level]:
            plural = "s" if level in ("error", "warning") and counts[level] > 1 else ""
            yield (
                f'<button type="button" class="{level}" data-level="{level}" aria-pressed="false">'
                f"{_SIGNS[level]} {counts[level]:,} {_WORDS[level]}{plural}</button>"
            )
    yield (
        '</div>\n<div class="outcomes" role="group" aria-label="Scale" id="scales">'
        '<button type="button" id="scale" aria-pressed="false" title="time to scale (s)">To scale</button>'
        '<button type="button" id="less" title="smaller (-)" aria-label="smaller">-</button>'
        '<button type="button" id="more" title="larger (+)" aria-label="larger">+</button></div>\n'
        '<output id="count" aria-live="polite"></output>\n</form>\n</header>\n'
    )


def _body(parts: Sequence[Part], rows: Sequence[Mapping[str, Any]], first: str) -> Iterator[str]:
    yield (
        '<main>\n<section class="board" aria-label="Timeline">\n<svg id="heads" aria-hidden="true"></svg>\n'
        '<div id="list" tabindex="0" role="listbox" aria-label="Events">'
        '<div id="content"><svg id="art" aria-hidden="true"></svg><div id="rows"></div></div>'
        '<p id="none" class="none" hidden></p></div>\n</section>\n'
        '<aside id="detail" aria-label="Detail" tabindex="-1"></aside>\n</main>\n'
        '<footer class="keys"><kbd>/</kbd> filter <kbd>j</kbd> <kbd>k</kbd> next, previous <kbd>Enter</kbd> detail '
        "<kbd>c</kbd> cause <kbd>s</kbd> to scale <kbd>v</kbd> view <kbd>t</kbd> light or dark <kbd>Esc</kbd> clear"
        "</footer>\n<noscript>The timeline is drawn by the script in this file, which is switched off.</noscript>\n"
    )
    named = [{"name": each.name, "sides": each.sides} for each in parts]
    yield block("index", data({"first": first, "parts": named, "rows": rows}))
    for number, part in enumerate(parts):
        if part.block:
            yield block(f"part{number}", part.block)


def _row(issue: Issue, what: str) -> dict[str, Any]:
    return {
        "level": issue.level,
        "rule": issue.rule,
        "operation": issue.rule,
        "what": what,
        "where": "",
        "result": printable(issue.message),
    }


def _own(cassette: Cassette, update: Update) -> str:
    others = besides(cassette.interactions[update.interaction], update)
    return ", ".join(sorted(update.changes.keys.difference(others))) or "changed nothing"
