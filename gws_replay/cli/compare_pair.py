"""What `gws-replay diff` does with one pair of cassettes, in this process or another: load, compare, describe."""

from collections.abc import Sequence
from dataclasses import dataclass

from gws_replay.batch.cassette_pairs import Match
from gws_replay.batch.processes import without_collector
from gws_replay.cli.comparison import Rules, describe
from gws_replay.cli.options import Output
from gws_replay.cli.redacted_load import Showing, load_shown
from gws_replay.cli.report import Wants
from gws_replay.core.comparison.finding import Finding
from gws_replay.core.json_compare import printable
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.errors import CassetteError
from gws_replay.reports.cases import Case, Issue
from gws_replay.reports.format import Part
from gws_replay.reports.terminal import findings as differences


@dataclass(frozen=True, slots=True)
class Work:
    """Two cassettes to compare, or one without a counterpart, and how. It is sent to another process."""

    match: Match
    rules: Rules
    output: Output
    wants: Wants
    showing: Showing


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The results for one pair: lines to print, cases, findings, parts of a page.

    `alone` is "missing" or "new" for a cassette without a counterpart; `broken` says why one could not be read.
    """

    lines: Sequence[str] = ()
    cases: Sequence[Case] = ()
    findings: Sequence[Finding] = ()
    alone: str = ""
    broken: str | None = None
    parts: Sequence[Part] = ()


def compared(work: Work) -> Compared:
    """Compare the two cassettes of a match."""
    baseline, candidate = work.match.baseline, work.match.candidate
    if baseline is None or candidate is None:
        return _alone(work)
    try:
        with without_collector():
            both, note = load_shown(work.showing, baseline, candidate)
            found = work.rules.findings(*both)
    except CassetteError as error:
        return Compared(broken=str(error))
    note = f" (renamed){note}" if work.match.is_renamed else note
    described = describe((baseline, candidate), both, found, work.output, work.wants, note=note)
    return Compared(lines=described.lines, cases=described.cases, findings=found, parts=described.parts)


def _alone(work: Work) -> Compared:
    path = str(work.match.baseline or work.match.candidate)
    is_missing = work.match.candidate is None
    rule = "missing" if is_missing else "new"
    sentence = "missing: the candidate has no such cassette" if is_missing else "new: the baseline has no such cassette"
    as_json = dumps_ascii({"schema": differences.SCHEMA, rule: path})
    line = as_json if work.output.as_json else printable(f"{path}: {sentence}")
    issue = Issue(level="error" if is_missing else "warning", rule=rule, message=sentence, file=path)
    cases = [Case(name=rule, file=path, issues=(issue,), fails=True)]
    parts = []
    if work.wants.parts:
        from gws_replay.reports.pages.cassettes import part_of_issue

        parts.append(part_of_issue(issue))
    return Compared(lines=[line], cases=cases, alone=rule, parts=parts)
