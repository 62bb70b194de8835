"""The work of `gws-replay diff` on one cassette, here or elsewhere: load, compare, spell what is to be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gws_replay.cli.common import Output
from gws_replay.cli.reporting import lines_in
from gws_replay.core.change import printable
from gws_replay.core.difference import Finding, Kind, Severity
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.core.noise import Noise
from gws_replay.core.regress import diff
from gws_replay.core.suppress import suppressed
from gws_replay.errors import CassetteError
from gws_replay.files import load_cassette
from gws_replay.recordings_paired import Match
from gws_replay.reports import differences
from gws_replay.reports.judged import Case, Issue
from gws_replay.spread import without_collector


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What counts, how much, and how it is to be said."""

    ignore: Sequence[str]
    severity: Mapping[Kind, Severity]
    noise: Noise | None
    output: Output
    wants_cases: bool


@dataclass(frozen=True, slots=True)
class Work:
    """Two cassettes to compare, or one that is alone, and the rules: it crosses to another process."""

    match: Match
    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is to be printed of a match, its cases and findings; `alone` is "missing" or "new"; or why it is broken."""

    lines: Sequence[str] = ()
    cases: Sequence[Case] = ()
    findings: Sequence[Finding] = ()
    alone: str = ""
    broken: str | None = None


def compared(work: Work) -> Compared:
    """Compare the two cassettes of a match."""
    baseline, candidate = work.match.baseline, work.match.candidate
    if baseline is None or candidate is None:
        return _alone(work)
    try:
        with without_collector():
            found = diff(load_cassette(baseline), load_cassette(candidate), severity=work.rules.severity)
    except CassetteError as error:
        return Compared(broken=str(error))
    found = suppressed(found, work.rules.ignore, work.rules.noise)
    counting = [each for each in found if not each.suppressed]
    cases = _cases(work.match, counting) if work.rules.wants_cases else ()
    return Compared(lines=_lines(work, found, counting), cases=cases, findings=found)


def _lines(work: Work, found: Sequence[Finding], counting: Sequence[Finding]) -> list[str]:
    match, output = work.match, work.rules.output
    if output.as_json:
        told = {
            "schema": differences.SCHEMA,
            "baseline": str(match.baseline),
            "candidate": str(match.candidate),
            "findings": [differences.as_json(each) for each in (found if output.verbose else counting)],
        }
        return [dumps_ascii(told)]
    if output.quiet and not counting and not match.is_renamed:
        return []
    renamed = " (renamed)" if match.is_renamed else ""
    same = "" if counting else ": no difference"
    title = printable(f"{match.baseline} -> {match.candidate}{renamed}{same}")
    return [title, *differences.lines(found, all_of_them=output.verbose)]


def _alone(work: Work) -> Compared:
    path = str(work.match.baseline or work.match.candidate)
    is_missing = work.match.candidate is None
    rule = "missing" if is_missing else "new"
    sentence = "missing: the candidate has no such cassette" if is_missing else "new: the baseline has no such cassette"
    as_json = dumps_ascii({"schema": differences.SCHEMA, rule: path})
    line = as_json if work.rules.output.as_json else printable(f"{path}: {sentence}")
    issue = Issue(level="error" if is_missing else "warning", rule=rule, message=sentence, file=path)
    return Compared(lines=[line], cases=[Case(name=rule, file=path, issues=(issue,), fails=True)], alone=rule)


def _cases(match: Match, counting: Sequence[Finding]) -> list[Case]:
    """Return a case for each operation that differs, or one for the whole cassette where none does."""
    sides = match.baseline, match.candidate
    places = [lines_in(path) if path and counting else {} for path in sides]
    by_operation: dict[str, list[Issue]] = {}
    fails: set[str] = set()
    for each in counting:
        side = 0 if each.place[0] else 1
        issue = Issue(
            level=each.severity,
            rule=each.kind,
            message=differences.sentence(each),
            file=str(sides[side]),
            line=places[side].get(each.place[side] or "", 1),
        )
        by_operation.setdefault(each.operation, []).append(issue)
        fails |= {each.operation} if each.severity != "info" else set()
    file = str(match.baseline)
    if not by_operation:
        return [Case(name="no difference", file=file)]
    return [Case(name=name, file=file, issues=issues, fails=name in fails) for name, issues in by_operation.items()]
