"""`gws-replay diff`: what a candidate recording shows otherwise than a baseline."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from gws_replay.cli.accepting import Drifted, take_over
from gws_replay.cli.common import PATH
from gws_replay.cli.reporting import Report, lines_in, report_options
from gws_replay.core.accept import drifted
from gws_replay.core.change import printable
from gws_replay.core.difference import KINDS, SEVERITIES, Finding, Kind, Severity
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.core.noise import Noise
from gws_replay.core.regress import diff as compared
from gws_replay.core.suppress import suppressed
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.files import load_cassette
from gws_replay.noise_file import read_noise
from gws_replay.recordings_paired import Match, matched
from gws_replay.reports import differences
from gws_replay.reports.judged import Case, Issue
from gws_replay.reports.timelines import part_of_pair, part_without_pair


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What counts, and how much."""

    ignore: Sequence[str]
    severity: Mapping[Kind, Severity]
    noise: Noise | None


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
@click.option(
    "--severity",
    "levels",
    multiple=True,
    metavar="KIND=LEVEL",
    help=f"How grave a kind ({', '.join(KINDS)}) is: {', '.join(SEVERITIES)}. May be given several times.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="PATH",
    help="A path as it is shown, or the end of one, that does not count; `*` stands for anything (userData.LCA_*). "
    "What it suppresses is counted, and shown with -v. May be given several times.",
)
@click.option("--noise", "noise_file", type=PATH, help="What `gws-replay noise learn` found to differ by itself.")
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
    levels: Sequence[str],
    ignore: Sequence[str],
    noise_file: Path | None,
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
    noise = read_noise(noise_file) if noise_file else None
    rules = _Rules(ignore=ignore, severity=dict(map(_level, levels)), noise=noise)
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
    report.end(differences.tally(total.findings, names + alone), facts, page="Findings")
    if total.broken:
        return 2
    if not (total.compared or total.missing or total.new):
        return 5
    settled = {id(each) for each in take_over(total.drifted, yes=yes)} if accept else set()
    left = [
        each for each in total.findings if not each.suppressed and each.severity != "info" and id(each) not in settled
    ]
    return 1 if left or total.missing or total.new else 0


def _one(match: Match, rules: _Rules, report: Report, total: _Sum) -> None:
    baseline, candidate = match.baseline, match.candidate
    if baseline is None or candidate is None:
        _only(match, report, total)
        return
    both = load_cassette(baseline), load_cassette(candidate)
    found = suppressed(compared(*both, severity=rules.severity), rules.ignore, rules.noise)
    total.findings.extend(found)
    total.compared += 1
    output = report.output
    counting = [each for each in found if not each.suppressed]
    if drifted(found):
        total.drifted.append((baseline, candidate, found))
    if output.as_json:
        told = {
            "schema": differences.SCHEMA,
            "baseline": str(baseline),
            "candidate": str(candidate),
            "findings": [differences.as_json(each) for each in (found if output.verbose else counting)],
        }
        report.say([dumps_ascii(told)])
    elif counting or match.is_renamed or not output.quiet:
        renamed = " (renamed)" if match.is_renamed else ""
        same = "" if counting else ": no difference"
        report.say([printable(f"{baseline} -> {candidate}{renamed}{same}")])
        report.say(differences.lines(found, all_of_them=output.verbose, look=report.look))
    if report.wants_cases:
        report.take(_cases(match, counting))
    if report.wants_parts and counting:
        report.take_parts([part_of_pair(*both, found if output.verbose else counting)])


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
    report.take_parts([part_without_pair(str(path), issue)])


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


def _level(option: str) -> tuple[Kind, Severity]:
    name, _, level = option.partition("=")
    kind = next((each for each in KINDS if each == name), None)
    severity = next((each for each in SEVERITIES if each == level), None)
    if kind is None or severity is None:
        raise GwsReplayError(
            f"--severity {option} is no KIND=LEVEL: kinds are {', '.join(KINDS)}, levels {', '.join(SEVERITIES)}"
        )
    return kind, severity
