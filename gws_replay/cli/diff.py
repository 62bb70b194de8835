"""`gws-replay diff`: what a candidate recording shows otherwise than a baseline."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from gws_replay.cli.accepting import Drifted, take_over
from gws_replay.cli.common import PATH
from gws_replay.cli.comparing import Rules, comparing_options, say_findings
from gws_replay.cli.reporting import Report, report_options
from gws_replay.cli.shown import load_shown
from gws_replay.core.accept import drifted
from gws_replay.core.change import printable
from gws_replay.core.difference import SEVERITIES, Finding, Severity
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.errors import CassetteError
from gws_replay.recordings_paired import Match, matched
from gws_replay.reports import differences
from gws_replay.reports.judged import Case, Issue


@dataclass(slots=True)
class _Sum:
    findings: list[Finding] = field(default_factory=list)
    drifted: list[Drifted] = field(default_factory=list)
    compared: int = 0
    missing: int = 0
    new: int = 0
    broken: list[str] = field(default_factory=list)


@click.command()
@click.argument("baseline", type=PATH)
@click.argument("candidate", type=PATH)
@comparing_options
@click.option(
    "--accept", is_flag=True, help="Rewrite what drifted in the baseline as the candidate has it; asks first."
)
@click.option("--yes", is_flag=True, help="With --accept: do not ask.")
@report_options("Only what differs.", "Also what is suppressed, and why.")
def diff(
    *,
    report: Report,
    baseline: Path,
    candidate: Path,
    rules: Rules,
    accept: bool,
    yes: bool,
) -> int:
    """Compare a cassette, or a folder of them, with a baseline, operation by operation.

    Ids of sessions and people may be others, clocks and counters are passed over, and what overlapped has no order. A
    difference that later messages show again is said once.

    --accept takes over the exchanges and notifications that drifted, and no others, under the baseline's ids; what is
    ignored, noise, a matter of order or time, or a whole cassette stays as it is.

    Exit codes: 0 nothing at warning or above (after --accept: nothing is left); 1 something is; 2 a file is no
    cassette; 5 there was nothing to compare.
    """
    total = _Sum()
    for match in matched(baseline, candidate):
        try:
            _one(match, rules, report, total)
        except CassetteError as error:
            total.broken.append(str(error))
    for problem in total.broken:
        click.echo(f"Error: {problem}", err=True)
    names = f"{total.compared} cassette{'' if total.compared == 1 else 's'} compared"
    alone = "".join(f", {count} {name}" for name, count in (("missing", total.missing), ("new", total.new)) if count)
    counts: Counter[Severity] = Counter(each.severity for each in total.findings if not each.suppressed)
    facts: dict[str, Any] = {"compared": total.compared, "missing": total.missing, "new": total.new}
    facts |= {level: counts[level] for level in SEVERITIES}
    facts |= {"suppressed": len(total.findings) - counts.total(), "broken": total.broken}
    report.end(differences.tally(total.findings, names + alone), facts)
    if total.broken:
        return 2
    if not (total.compared or total.missing or total.new):
        return 5
    settled = {id(each) for each in take_over(total.drifted, yes=yes)} if accept else set()
    left = [
        each for each in total.findings if not each.suppressed and each.severity != "info" and id(each) not in settled
    ]
    return 1 if left or total.missing or total.new else 0


def _one(match: Match, rules: Rules, report: Report, total: _Sum) -> None:
    baseline, candidate = match.baseline, match.candidate
    if baseline is None or candidate is None:
        _only(match, report, total)
        return
    (old, new), note = load_shown(baseline, candidate)
    found = rules.findings(old, new)
    total.findings.extend(found)
    total.compared += 1
    if drifted(found):
        total.drifted.append((baseline, candidate, found))
    say_findings(report, baseline, candidate, found, note=f"{' (renamed)' if match.is_renamed else ''}{note}")


def _only(match: Match, report: Report, total: _Sum) -> None:
    path = match.baseline or match.candidate
    is_missing = match.candidate is None
    rule = "missing" if is_missing else "new"
    total.missing += is_missing
    total.new += not is_missing
    sentence = "missing: the candidate has no such cassette" if is_missing else "new: the baseline has no such cassette"
    if report.output.as_json:
        report.say([dumps_ascii({"schema": differences.SCHEMA, rule: str(path)})])
    else:
        report.say([printable(f"{path}: {sentence}")])
    issue = Issue(level="error" if is_missing else "warning", rule=rule, message=sentence, file=str(path))
    report.take([Case(name=rule, file=str(path), issues=(issue,), fails=True)])
