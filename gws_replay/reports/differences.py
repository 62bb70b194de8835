"""The findings of a comparison as text for a terminal, and as JSON values for programs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gws_replay.core.change import printable, show, show_both, type_name
from gws_replay.core.difference import SEVERITIES, Finding, spelled
from gws_replay.core.places import NOTHING

SCHEMA = "gws-replay/diff/1"


def sentence(finding: Finding) -> str:
    """Say on one line what differs, and where."""
    what = f"{finding.operation} {finding.resource}".strip()
    place = spelled(finding.path)
    return printable(f"{what}{f': {place}' if place else ''}: {change(finding)}{_where(finding)}")


def change(finding: Finding) -> str:
    """Say what a value was and is."""
    before, after = finding.before, finding.after
    whole = len(finding.path) < 2 and finding.kind in ("added", "removed")
    if before is NOTHING:
        return f"only in the candidate{'' if whole and after is None else f': {show(after)}'}"
    if after is NOTHING:
        return f"gone{'' if whole and before is None else f', was {show(before)}'}"
    if finding.kind in ("order", "cause", "verdict", "timing"):
        return f"{before} -> {after}"
    types = f" ({type_name(before)} to {type_name(after)})" if finding.kind == "type" else ""
    return f"{' -> '.join(show_both(before, after))}{types}"


def lines(findings: Iterable[Finding], *, all_of_them: bool = False) -> Iterator[str]:
    """Yield a block of lines for each finding that counts, or for all."""
    for each in findings:
        if each.suppressed and not all_of_them:
            continue
        label = each.suppressed or each.severity
        yield printable(f"  {label:<12} {each.kind:<8} {each.operation} {each.resource}".rstrip())
        place = f"{spelled(each.path)}: " if each.path else ""
        yield printable(f"{'':>15}{place}{change(each)}{_where(each)}")


def tally(findings: Sequence[Finding], compared: str) -> str:
    """Say how many findings there were of each severity, and how many are suppressed and why."""
    counts = Counter(each.severity for each in findings if not each.suppressed)
    hidden = Counter(each.suppressed for each in findings if each.suppressed)
    text = f"{compared}: {', '.join(_several(counts[level], level) for level in reversed(SEVERITIES))}"
    if hidden:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(hidden.items()))
        text += f"; {hidden.total()} suppressed ({reasons})"
    return text


def as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding; `before` and `after` are left out on a side that has none."""
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


def _several(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
