"""The page of a pytest session.

The tests are HTML that can be read, folded and printed without the script, which only filters and moves.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import zip_longest

from gws_replay.core.counted import counted
from gws_replay.reports.pages.cassettes import ASSETS, around
from gws_replay.reports.pages.page_skeleton import SHADE, bar, block, data, figures, page_skeleton, safe
from gws_replay.reports.run_data import Details, Explored, Missed, Operation, RanTest
from gws_replay.reports.run_events import Event
from gws_replay.reports.terminal.session import total

# Characters of all timelines on a page: no browser opens those of ten thousand tests. Failed tests come first.
_ROOM = 2**26
_OUTCOMES = ("failed", "error", "xpassed", "passed", "xfailed", "skipped")
_SIGNS = {"failed": "✗", "error": "✗", "passed": "✓", "skipped": "○", "xfailed": "✓", "xpassed": "!"}
_ARROWS = {"missed": "✗", "delivered": "←", "undelivered": "⇠"}
_VERDICTS = {"passed": "exactly what was sent", "failed": "not what was sent", "unknown": "cannot tell"}


def page(tests: Sequence[RanTest], began: datetime) -> Iterator[str]:
    """Yield the page, failed tests first."""
    yield from page_skeleton(_title(tests), "page", _body(tests, began), ["page.js"], ASSETS)


def _body(tests: Sequence[RanTest], began: datetime) -> Iterator[str]:
    yield from _head(tests, began)
    yield "<main>\n"
    # Failures first; otherwise as they ran.
    listed = sorted(tests, key=lambda each: each["outcome"] not in ("failed", "error"))
    room = _ROOM
    drawn: list[int] = []
    for number, test in enumerate(listed):
        room -= len(test.get("timeline", ""))
        drawn += [number] if test.get("timeline") and room > 0 else []
        yield from _test(test, number, drawn=number in drawn[-1:])
    nothing = "No test with a cassette ran." if not tests else "No test matches."
    yield f'<p id="none" class="none"{" hidden" if tests else ""}>{nothing}</p>\n</main>\n'
    if drawn:
        yield block("around", data(around("the run")))
        yield from (block(f"timeline{number}", listed[number]["timeline"]) for number in drawn)


def _head(tests: Sequence[RanTest], began: datetime) -> Iterator[str]:
    counts, outcomes = total(tests), Counter(test["outcome"] for test in tests)
    present = [outcome for outcome in _OUTCOMES if outcomes[outcome]]
    yield '<header>\n<div class="top"><h1>gws_replay</h1>'
    yield f'<time datetime="{began.isoformat(timespec="seconds")}">{began:%Y-%m-%d %H:%M} UTC</time>{SHADE}</div>\n'
    yield bar(outcomes, {outcome: outcome for outcome in present})
    shown = [
        (len(tests), "test" if len(tests) == 1 else "tests", ""),
        (counts["played"], "played", ""),
        (counts["missed"], "missed", "bad"),
        (counts["unplayed"], "unplayed", "odd"),
        (counts["stopped"], "connections stopped", "bad"),
        *([(counts["live"], "live exchanges", "odd")] if counts["live"] else []),
    ]
    yield figures(shown)
    yield '<form class="tools" role="search">\n'
    yield '<input id="text" type="search" placeholder="Filter: test, cassette, key, value" aria-label="Filter">\n'
    yield '<div class="outcomes" role="group" aria-label="Outcomes">'
    for outcome in present:
        yield (
            f'<button type="button" class="{outcome}" data-outcome="{outcome}" aria-pressed="false">'
            f"{_SIGNS[outcome]} {outcomes[outcome]} {_plural(outcome, outcomes[outcome])}</button>"
        )
    yield (
        '</div>\n<button type="button" id="fold">Open all</button>\n'
        '<p class="keys"><kbd>/</kbd> filter <kbd>j</kbd> <kbd>k</kbd> next, previous <kbd>Enter</kbd> open '
        "<kbd>e</kbd> all <kbd>t</kbd> light or dark <kbd>Esc</kbd> clear</p>\n"
        '<output id="count" aria-live="polite"></output>\n</form>\n</header>\n'
    )


def _test(test: RanTest, number: int, *, drawn: bool) -> Iterator[str]:
    outcome, details = test["outcome"], test.get("details")
    opened = " open" if outcome in ("failed", "error") else ""
    file, _, name = test["nodeid"].rpartition("::") if "[" not in test["nodeid"] else _split(test["nodeid"])
    yield f'<details class="test {outcome}" id="t{number}" data-outcome="{outcome}"{opened}>\n<summary>'
    yield f'<span class="outcome">{_SIGNS.get(outcome, "?")} {safe(outcome)}</span>'
    yield f'<span class="name"><b>{safe(name)}</b> <small>{safe(file)}</small></span>'
    yield f'<span class="cassette">{safe(test["cassette"])}</span><span class="counts">'
    kinds = {"played": "", "missed": "bad", "unplayed": "odd", "undelivered": "", "stopped": "bad", "live": "odd"}
    for word, value in test["counts"].items():
        if value or word == "played":
            yield f'<span class="{kinds[word]}">{value} {word}</span>'
    yield f'<span>{test["seconds"] * 1000:,.0f} ms</span></span></summary>\n<div class="body">\n'
    if test["recorded"]:
        yield f'<p class="recorded">{safe(test["recorded"])}</p>\n'
    if details is None:
        yield '<p class="quiet">The cassette could not be played.</p>\n'
    else:
        if drawn:
            yield f'<button type="button" class="draw" data-timeline="{number}" aria-expanded="false">'
            yield "Timeline</button>\n"
        if "explored" in test:
            yield from _part("Explored", _explored(test["explored"]))
        yield from _details(details)
    yield "</div>\n</details>\n"


def _explored(found: Explored) -> Iterator[str]:
    """Yield the recorded order beside the explored one; the moved notifications are marked."""
    yield f'<p class="bad">{safe(found["sentence"])}</p>\n<p class="quiet">{safe(found["again"])}</p>\n'
    yield "<table>\n<caption>What the client saw</caption>\n<tr><th></th><th>recorded</th><th>explored</th></tr>\n"
    rows = zip_longest(found["recorded"], found["explored"], fillvalue=("", False))
    for number, pair in enumerate(rows, 1):
        cells = "".join(f"<td>{f'<mark>{safe(text)}</mark>' if moved else safe(text)}</td>" for text, moved in pair)
        yield f'<tr><th scope="row">{number}</th>{cells}</tr>\n'
    yield "</table>\n"


def _details(details: Details) -> Iterator[str]:
    if details["misses"]:
        yield from _part("Missed", map(_miss, details["misses"]))
    if details["stopped"]:
        yield from _part("Stopped connections", (f'<p class="bad">{safe(text)}</p>\n' for text in details["stopped"]))
    if details["operations"]:
        yield from _part("userData operations", map(_operation, details["operations"]))
    lists = (
        ("Unplayed", details["unplayed"]),
        ("Waiting notifications", details["waiting"]),
        ("Undelivered notifications", details["undelivered"]),
        ("Delivered out of recorded order", details["out_of_order"]),
    )
    for title, texts in lists:
        if texts:
            yield from _part(title, ['<ul class="left">\n', *(f"<li>{safe(text)}</li>\n" for text in texts), "</ul>\n"])
    if details["events"]:
        yield from _part("What happened", ['<ol class="events">\n', *map(_event, details["events"]), "</ol>\n"])
    else:
        yield '<p class="quiet">No request was sent.</p>\n'


def _part(title: str, content: Iterable[str]) -> Iterator[str]:
    yield f"<section>\n<h2>{title}</h2>\n"
    yield from content
    yield "</section>\n"


def _event(event: Event) -> str:
    arrow = _ARROWS.get(event["kind"], "→")
    result = f'<span class="result">{safe(event["result"])}</span>' if event["result"] else ""
    what = f'<span class="arrow">{arrow}</span><span class="what">{safe(event["what"])}</span>'
    return f'<li class="{event["kind"]}">{what}{result}<span class="where">{safe(event["where"])}</span></li>\n'


def _miss(miss: Missed) -> str:
    parts = [f'<div class="miss">\n<p class="bad">{safe(miss["text"])}</p>\n']
    if miss["differences"]:
        head = "<tr><th>part</th><th>sent</th><th>recorded</th></tr>"
        rows = "\n".join(_row("difference", each) for each in miss["differences"])
        parts.append(f"<table>\n<caption>nearest: interaction {miss['nearest']}</caption>\n{head}\n{rows}\n</table>\n")
    elif miss["nearest"] is not None:
        parts.append(f'<p class="quiet">It was recorded as interaction {miss["nearest"]}.</p>\n')
    return "".join([*parts, "</div>\n"])


def _operation(operation: Operation) -> str:
    verdict = operation["verdict"]
    seen = f", seen from {safe(operation['places'])}" if operation["places"] else ""
    title = (
        f'<div class="operation {verdict}">\n<p><b>{safe(operation["name"])}</b> '
        f'<span class="verdict">{_VERDICTS[verdict]}</span> '
        f'<span class="quiet">interaction {operation["interaction"]} of {safe(operation["cassette"])}{seen}'
        "</span></p>\n"
    )
    parts = [
        title,
        *(f'<p class="bad">{safe(reason)}</p>\n' for reason in operation["reasons"]),
    ]
    if operation["changes"]:
        rows = "\n".join(_row(kind, [name, before, after]) for name, kind, before, after in operation["changes"])
        parts.append(f"<table>\n<tr><th>key</th><th>before</th><th>after</th></tr>\n{rows}\n</table>\n")
    if operation["places"]:
        others = operation["unchanged"]
        what = "nothing changed; " if not operation["changes"] else ""
        parts.append(f'<p class="quiet">{what}{counted(others, "other key")} as before</p>\n')
    return "".join([*parts, "</div>\n"])


def _row(kind: str, cells: Sequence[str]) -> str:
    first, *others = cells
    values = "".join(f"<td>{safe(cell) if cell else '<i>absent</i>'}</td>" for cell in others)
    return f'<tr class="{kind}"><th scope="row">{safe(first)}</th>{values}</tr>'


def _title(tests: Sequence[RanTest]) -> str:
    bad = sum(test["outcome"] in ("failed", "error") for test in tests)
    return f"{f'{bad} of {len(tests)} failed' if bad else f'{len(tests)} tests'} · gws_replay"


def _split(nodeid: str) -> tuple[str, str, str]:
    """Split the id of a parametrized test; its parameters may contain any text."""
    place, bracket, parameters = nodeid.partition("[")
    file, colons, name = place.rpartition("::")
    return file, colons, f"{name}{bracket}{parameters}"


def _plural(outcome: str, number: int) -> str:
    return "errors" if outcome == "error" and number > 1 else outcome
