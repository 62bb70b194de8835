"""`gws-replay diff`: what a candidate recording shows otherwise than a baseline."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from gws_replay.batch.cassette_pairs import Operations, matched, operations_in
from gws_replay.cli.accept import Drifted, accept_drift
from gws_replay.cli.compare_pair import Compared, Work, compared
from gws_replay.cli.comparison import Rules, comparing_options
from gws_replay.cli.options import LOCATION
from gws_replay.cli.parallel import LOST, Spreading, spreading_options
from gws_replay.cli.redacted_load import Showing
from gws_replay.cli.report import Report, report_options
from gws_replay.core.comparison.accept import drifted
from gws_replay.core.comparison.finding import SEVERITIES, Finding, Severity
from gws_replay.core.counted import counted
from gws_replay.errors import GwsReplayError
from gws_replay.reports.cases import Issue
from gws_replay.reports.terminal import findings as differences
from gws_replay.storage.files import Location


@dataclass(slots=True)
class _Sum:
    findings: list[Finding] = field(default_factory=list)
    drifted: list[Drifted] = field(default_factory=list)
    compared: int = 0
    alone: Counter[str] = field(default_factory=Counter)


@click.command()
@click.argument("baseline", type=LOCATION)
@click.argument("candidate", type=LOCATION)
@comparing_options
@click.option(
    "--accept", is_flag=True, help="Rewrite what drifted in the baseline as the candidate has it; asks first."
)
@click.option("--yes", is_flag=True, help="With --accept: do not ask.")
@spreading_options
@report_options("Only what differs.", "Also what is suppressed, and why.")
def diff(
    *,
    report: Report,
    spreading: Spreading,
    baseline: Location,
    candidate: Location,
    rules: Rules,
    accept: bool,
    yes: bool,
) -> int:
    """Compare a cassette, or a folder of them, with a baseline, operation by operation.

    Ids of sessions and people may be others, clocks and counters are passed over, and what overlapped has no order. A
    difference that later messages show again is listed once.

    --accept takes over the exchanges and notifications that drifted, and no others, under the baseline's ids; what is
    ignored, noise, a matter of order or time, or a whole cassette stays as it is.

    Exit codes: 0 nothing at warning or above (after --accept: nothing is left); 1 something is; 2 a file is not a
    cassette; 5 there was nothing to compare.
    """
    if accept and not isinstance(baseline, Path):
        raise GwsReplayError(f"--accept rewrites files, and {baseline} is on storage: copy it to a folder first")
    output = report.output

    def read(paths: Sequence[Location]) -> Sequence[Operations]:
        return list(spreading.results(operations_in, paths, _unasked, name=str, quiet=output.quiet))

    matches, broken = matched(spreading.location(baseline), spreading.location(candidate), read)
    showing = Showing()
    work = [Work(match, rules, output, report.wants, showing) for match in matches]
    total = _Sum()
    for path, why in broken:
        report.add_problem(why, path)
    for one, result in zip(work, spreading.results(compared, work, _lost, name=_name, quiet=output.quiet), strict=True):
        _take(one, result, report, total)
    is_empty = report.is_complete and not (total.compared or total.alone)
    if is_empty:
        why = "there was nothing to compare: neither folder holds a cassette"
        report.add_issue(Issue(level="error", rule="nothing", message=why, file=str(baseline)), fails=True)
    names = f"{counted(total.compared, 'cassette')} compared"
    alone = "".join(f", {total.alone[name]} {name}" for name in ("missing", "new") if total.alone[name])
    counts: Counter[Severity] = Counter(each.severity for each in total.findings if not each.suppressed)
    facts: dict[str, Any] = {"compared": total.compared, "missing": total.alone["missing"], "new": total.alone["new"]}
    facts |= {level: counts[level] for level in SEVERITIES}
    facts |= {"suppressed": len(total.findings) - counts.total()}
    report.finish(differences.tally(total.findings, names + alone), facts, heading="Findings")
    if not report.is_complete:
        return 2
    if is_empty:
        return 5
    settled = {id(each) for each in accept_drift(total.drifted, yes=yes)} if accept else set()
    left = [
        each for each in total.findings if not each.suppressed and each.severity != "info" and id(each) not in settled
    ]
    return 1 if left or total.alone else 0


def _take(work: Work, result: Compared, report: Report, total: _Sum) -> None:
    """Take up what became of a match."""
    if result.broken is not None:
        report.add_problem(result.broken, *(each for each in (work.match.baseline, work.match.candidate) if each))
        return
    report.add_lines(result.lines)
    report.add_cases(result.cases)
    report.add_parts(result.parts)
    if result.alone:
        total.alone[result.alone] += 1
        return
    total.compared += 1
    total.findings.extend(result.findings)
    baseline, candidate = work.match.baseline, work.match.candidate
    if isinstance(baseline, Path) and candidate is not None and drifted(result.findings):
        total.drifted.append((baseline, candidate, result.findings))


def _name(work: Work) -> object:
    return work.match.baseline or work.match.candidate


def _lost(work: Work) -> Compared:
    return Compared(broken=f"{_name(work)}: {LOST}")


def _unasked(path: Location) -> Operations:
    return Operations(broken=f"{path}: {LOST}")
