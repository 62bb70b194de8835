"""The work of `gws-replay diff` on one match, here or elsewhere: load, compare, spell what is to be said."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gws_replay.cli.common import Output
from gws_replay.cli.comparing import Rules, told
from gws_replay.cli.reporting import Told, Wants
from gws_replay.cli.shown import load_shown
from gws_replay.core.change import printable
from gws_replay.core.difference import Finding
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.errors import CassetteError
from gws_replay.recordings_paired import Match
from gws_replay.reports import differences
from gws_replay.reports.judged import Case, Issue
from gws_replay.reports.timelines import part_without_pair
from gws_replay.spread import without_collector


@dataclass(frozen=True, slots=True)
class Work:
    """Two cassettes to compare, or one that is alone, the rules, and how to say it: it crosses to another process."""

    match: Match
    rules: Rules
    output: Output
    wants: Wants


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is to be said of a match, and its findings; `alone` is "missing" or "new"; or why it is broken."""

    told: Told = field(default_factory=Told)
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
            (old, new), note = load_shown(baseline, candidate)
            found = work.rules.findings(old, new)
    except CassetteError as error:
        return Compared(broken=str(error))
    note = f" (renamed){note}" if work.match.is_renamed else note
    said = told((old, new), (baseline, candidate), found, output=work.output, wants=work.wants, note=note)
    return Compared(told=said, findings=found)


def _alone(work: Work) -> Compared:
    path = str(work.match.baseline or work.match.candidate)
    is_missing = work.match.candidate is None
    rule = "missing" if is_missing else "new"
    sentence = "missing: the candidate has no such cassette" if is_missing else "new: the baseline has no such cassette"
    as_json = dumps_ascii({"schema": differences.SCHEMA, rule: path})
    line = as_json if work.output.as_json else printable(f"{path}: {sentence}")
    issue = Issue(level="error" if is_missing else "warning", rule=rule, message=sentence, file=path)
    cases, parts = [Case(name=rule, file=path, issues=(issue,), fails=True)], [part_without_pair(path, issue)]
    return Compared(told=Told([line], cases, parts), alone=rule)
