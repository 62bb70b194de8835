"""The findings of a comparison as text for a terminal, and as JSON values for programs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gws_replay.core.comparison.finding import SEVERITIES, Finding, Severity, spelled
from gws_replay.core.counted import counted
from gws_replay.core.json_compare import printable, show, show_both
from gws_replay.core.json_paths import NOTHING
from gws_replay.reports.terminal.style import PLAIN, Look, spelled_types
from gws_replay.reports.terminal.style import Kind as Paint

SCHEMA = "gws-replay/diff/1"
_IN_WORDS = ("order", "cause", "verdict", "timing")  # before and after are words, not JSON values
_INDENT = 15
_PAINTS: Mapping[Severity, Paint] = {"error": "bad", "warning": "odd", "info": "quiet"}


def sentence(finding: Finding) -> str:
    """Return one line that says what differs, and where."""
    what = f"{finding.operation} {finding.resource}".strip()
    place = spelled(finding.path)
    return printable(f"{what}{f': {place}' if place else ''}: {change(finding)}{_where(finding)}")


def change(finding: Finding) -> str:
    """Return a text with the value before and after."""
    before, after = finding.before, finding.after
    whole = len(finding.path) < 2 and finding.kind in ("added", "removed")
    if before is NOTHING:
        return f"only in the candidate{'' if whole and after is None else f': {show(after)}'}"
    if after is NOTHING:
        return f"gone{'' if whole and before is None else f', was {show(before)}'}"
    if finding.kind in _IN_WORDS:
        return f"{before} -> {after}"
    types = spelled_types(before, after) if finding.kind == "type" else ""
    return f"{' -> '.join(show_both(before, after))}{types}"


def lines(findings: Iterable[Finding], *, all_of_them: bool = False, look: Look = PLAIN) -> Iterator[str]:
    """Yield lines for each finding that counts, or for all findings."""
    for each in findings:
        if each.suppressed and not all_of_them:
            continue
        label = look.paint(
            f"{each.suppressed or each.severity:<12}", None if each.suppressed else _PAINTS[each.severity]
        )
        what = look.cut(printable(f"{each.operation} {each.resource}").rstrip(), 2 + 12 + 1 + 8 + 1)
        yield f"  {label} {look.paint(f'{each.kind:<8}', 'quiet')} {what}".rstrip()
        yield from _block(each, look)


def _block(finding: Finding, look: Look) -> Iterator[str]:
    """Yield the place and the change on one line, or on two if they do not fit."""
    where, place = _where(finding), printable(spelled(finding.path))
    text = printable(change(finding))
    room = look.room(_INDENT)
    if room is None or len(f"{place}: {text}{where}") <= room:
        shown = _shown(finding, look, _INDENT + len(place) + 2 + len(where))
        yield f"{'':>{_INDENT}}{f'{place}: ' if place else ''}{shown}{look.paint(where, 'quiet')}"
        return
    yield f"{'':>{_INDENT}}{look.cut(place, _INDENT + len(where), keep='end')}{look.paint(where, 'quiet')}"
    if finding.before is NOTHING or finding.after is NOTHING or finding.kind in _IN_WORDS:
        yield from look.sentence(text, _INDENT + 2, kind=_paint(finding))
    else:
        yield f"{'':>{_INDENT + 2}}{_shown(finding, look, _INDENT + 2)}"


def _shown(finding: Finding, look: Look, used: int) -> str:
    """Return the values before and after, cut around the difference to fit the remaining columns."""
    before, after = finding.before, finding.after
    if before is NOTHING or after is NOTHING or finding.kind in _IN_WORDS:
        return look.paint(printable(change(finding)), _paint(finding))
    types = spelled_types(before, after) if finding.kind == "type" else ""
    return look.arrow(*look.values(before, after, used + len(types))) + types


def _paint(finding: Finding) -> Paint:
    return "good" if finding.before is NOTHING else "bad" if finding.after is NOTHING else "odd"


def tally(findings: Sequence[Finding], compared: str) -> str:
    """Return a line with the number of findings of each severity, and of suppressed ones by reason."""
    counts = Counter(each.severity for each in findings if not each.suppressed)
    hidden = Counter(each.suppressed for each in findings if each.suppressed)
    text = f"{compared}: {', '.join(counted(counts[level], level) for level in reversed(SEVERITIES))}"
    if hidden:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(hidden.items()))
        text += f"; {hidden.total()} suppressed ({reasons})"
    return text


def as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding; `before` or `after` is missing if that side has no value."""
    return {
        "operation": finding.operation,
        "resource": finding.resource,
        "path": list(finding.path),
        "kind": finding.kind,
        "severity": finding.severity,
        **({} if finding.before is NOTHING else {"before": finding.before}),
        **({} if finding.after is NOTHING else {"after": finding.after}),
        "place": {"baseline": finding.place[0], "candidate": finding.place[1]},
        "suppressed": finding.suppressed or None,
    }


def _where(finding: Finding) -> str:
    before, after = finding.place
    if before == after:
        return f"  [{before}]"
    return f"  [{before or 'nothing'} / {after or 'nothing'}]"
