"""`gws-replay verify`: judge every userData operation in cassettes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from gws_replay.batch.processes import without_collector
from gws_replay.cli.options import LOCATION, Output
from gws_replay.cli.parallel import LOST, Spreading, spreading_options
from gws_replay.cli.redacted_load import Showing, load_shown
from gws_replay.cli.report import Report, Wants, lines_in, report_options
from gws_replay.core.json_compare import printable
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.core.oracle.judge import Update
from gws_replay.errors import CassetteError
from gws_replay.reports import json_values as as_json
from gws_replay.reports.cases import Case, Issue
from gws_replay.reports.format import Part
from gws_replay.reports.terminal import cassette as text
from gws_replay.storage.files import Location, cassettes_in


@dataclass(frozen=True, slots=True)
class _Work:
    """One cassette to judge, and how: it crosses to another process, and so does `_Judged`."""

    path: Location
    ignore: tuple[str, ...]
    coerce: tuple[str, ...]
    explain: int | None
    output: Output
    allow_unknown: bool
    wants: Wants
    showing: Showing


@dataclass(frozen=True, slots=True)
class _Judged:
    """The report of one cassette: its lines, its cases, the count of each verdict, and why it could not be verified.

    `parts` are what the page shows of it. `has_next_step` says that `broken` already names the next step.
    """

    lines: Sequence[str] = ()
    cases: Sequence[Case] = ()
    verdicts: Mapping[str, int] = field(default_factory=dict)
    broken: str | None = None
    has_next_step: bool = False
    parts: Sequence[Part] = ()


class _NotAnOperationError(CassetteError):
    """The interaction that --explain names is not a userData operation."""


@click.command()
@click.argument("paths", type=LOCATION, nargs=-1, required=True, metavar="PATH...")
@click.option("--allow-unknown", is_flag=True, help="End with 0 though some operations cannot be judged.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="NAME",
    help="A userData key, or an attribute, that the server moves by itself; `*` stands for anything (LCA_*). It is "
    "reported, and does not count unless the operation wrote it. May be given several times.",
)
@click.option(
    "--coerce",
    multiple=True,
    metavar="string[:NAME]",
    callback=lambda _context, _parameter, values: tuple(map(_coerced, values)),
    help='The server may keep the values of a userData key as strings (5 as "5"): of the keys that NAME matches '
    "(`string:Price*`), or of all. It is reported. May be given several times.",
)
@click.option(
    "--explain",
    type=int,
    metavar="INTERACTION",
    help="Print the evidence behind the verdict on one operation, by its number: snapshots, what others wrote, each "
    "view.",
)
@spreading_options
@report_options('Only what failed, or is "cannot tell".', "Also what changed in each operation that passed.")
def verify(
    *,
    report: Report,
    spreading: Spreading,
    paths: Sequence[Location],
    allow_unknown: bool,
    ignore: tuple[str, ...],
    coerce: tuple[str, ...],
    explain: int | None,
) -> int:
    """Check that each userData operation in cassettes (files or folders) changed exactly what was sent.

    Passed: exactly the keys that the request wrote changed, to exactly the values it sent, and nothing else changed;
    request, notification and the next GET agree. Cannot tell: the recording does not show it.

    Exit codes: 0 all passed; 1 one failed, or is "cannot tell"; 2 a file is not a cassette; 5 nothing to check.
    """
    output = report.output
    found = list(cassettes_in(map(spreading.location, paths)))
    showing = Showing()
    work = [_Work(path, ignore, coerce, explain, output, allow_unknown, report.wants, showing) for path in found]
    verdicts: Counter[str] = Counter()
    results = spreading.results(_judged, work, _lost, name=lambda each: each.path, quiet=output.quiet)
    for path, judged in zip(found, results, strict=True):
        report.add_lines(judged.lines)
        report.add_cases(judged.cases)
        report.add_parts(judged.parts)
        verdicts.update(judged.verdicts)
        if judged.broken:
            report.add_problem(judged.broken, path, has_next_step=judged.has_next_step)
    if report.is_complete and not verdicts:
        why = "there was nothing to judge: no cassette holds a userData operation"
        report.add_issue(Issue(level="error", rule="nothing", message=why, file=str(paths[0])), fails=True)
    counts = {name: verdicts[name] for name in ("passed", "failed", "unknown")}
    report.finish(text.tally(verdicts, len(work)), counts, heading="Verdicts")
    if not report.is_complete:
        return 2
    failed = verdicts["failed"] or (verdicts["unknown"] and not allow_unknown)
    return 1 if failed else 0 if verdicts else 5


def _lost(work: _Work) -> _Judged:
    return _Judged(broken=f"{work.path}: {LOST}")


def _judged(work: _Work) -> _Judged:
    try:
        with without_collector():
            (cassette,), note = load_shown(work.showing, work.path)
            updates = _explained(cassette.updates(ignore=work.ignore, coerce=work.coerce), work)
    except _NotAnOperationError as error:
        return _Judged(broken=str(error), has_next_step=True)
    except CassetteError as error:
        return _Judged(broken=str(error))
    output, path = work.output, str(work.path)
    verdicts: Counter[str] = Counter(update.verdict for update in updates)
    cases = _cases(work, updates) if work.wants.cases else ()
    if work.wants.parts:
        from gws_replay.reports.pages.cassettes import part_of

        return _Judged((), cases, verdicts, parts=[part_of(cassette, updates)])
    if output.as_json:
        document: dict[str, Any] = {"cassette": path, "updates": [_as_json(update, work) for update in updates]}
        document |= {"not_replayed": list(cassette.not_replayed)} if cassette.not_replayed else {}
        return _Judged([dumps_ascii(document)], cases, verdicts)
    shown = [update for update in updates if not output.quiet or update.verdict != "passed"]
    look = work.wants.look
    lines = [line for update in shown for line in text.verdict(update, path, details=output.verbose, look=look)]
    if work.explain is not None:
        lines.extend(line for update in shown for line in text.explanation(update, look=look))
    if shown or not output.quiet:
        lines.insert(0, (path if updates else f"{path}: no userData operation") + note)
        lines += [printable(f"  note: {sentence}") for sentence in cassette.not_replayed]
    return _Judged(lines, cases, verdicts)


def _as_json(update: Update, work: _Work) -> Mapping[str, Any]:
    found = as_json.update(update)
    if work.explain is not None:
        found["evidence"] = [{"about": each.about, "text": each.text} for each in update.evidence()]
    return found


def _explained(updates: Sequence[Update], work: _Work) -> Sequence[Update]:
    """Return the operation that --explain names, or all without --explain. Raises _NotAnOperationError."""
    if work.explain is None:
        return updates
    found = [update for update in updates if update.interaction == work.explain]
    if not found:
        others = ", ".join(str(update.interaction) for update in updates[:10])
        step = f"give --explain one of {others}" if others else "this cassette has none, so leave --explain out"
        raise _NotAnOperationError(f"{work.path}: interaction {work.explain} is not a userData operation: {step}")
    return found


def _coerced(value: str) -> str:
    """Read `string` or `string:NAME` as a pattern of keys."""
    kind, colon, name = value.partition(":")
    if kind != "string" or (colon and not name):
        raise click.BadParameter(f"needs string or string:NAME, got {value!r}")
    return name or "*"


def _cases(work: _Work, updates: Sequence[Update]) -> list[Case]:
    lines = lines_in(work.path) if any(update.verdict != "passed" for update in updates) else {}
    file = str(work.path)
    cases = []
    for update in updates:
        what = f"{update.operation} {update.resource_id}"
        fails = update.verdict == "failed" or (update.verdict == "unknown" and not work.allow_unknown)
        place = f"interaction {update.interaction}"
        message = f"{what}: {'; '.join(update.reasons)}"
        issue = Issue(
            level="error" if update.verdict == "failed" else "warning",
            rule=update.verdict,
            message=message,
            file=file,
            line=lines.get(place, 1),
        )
        issues = () if update.verdict == "passed" else (issue,)
        cases.append(Case(name=f"{place} {what}", file=file, issues=issues, fails=fails))
    return cases
