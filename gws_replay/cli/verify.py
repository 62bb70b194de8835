"""`gws-replay verify`: judge every userData operation in cassettes."""

import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from gws_replay.cli.common import PATH, Output, Progress
from gws_replay.cli.reporting import Report, lines_in, report_options
from gws_replay.cli.shown import load_shown
from gws_replay.core.change import printable
from gws_replay.core.judge import Update
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.files import cassettes_in
from gws_replay.reports import as_json, text
from gws_replay.reports.judged import Case, Issue


@dataclass(frozen=True, slots=True)
class _Work:
    """One cassette to judge, and how: it crosses to another process, and so does `_Judged`."""

    path: Path
    ignore: tuple[str, ...]
    output: Output
    allow_unknown: bool
    wants_cases: bool


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is to be printed of one cassette, its cases, how many operations had which verdict, and why it is none."""

    lines: Sequence[str] = ()
    cases: Sequence[Case] = ()
    verdicts: Mapping[str, int] = field(default_factory=dict)
    broken: str | None = None


@click.command()
@click.argument("paths", type=PATH, nargs=-1, required=True, metavar="PATH...")
@click.option("--allow-unknown", is_flag=True, help="End with 0 though some operations cannot be judged.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="NAME",
    help="A userData key, or an attribute, that the server moves by itself; `*` stands for anything (LCA_*). It is "
    "reported, and does not count unless the operation wrote it. May be given several times.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes to judge cassettes in."
)
@report_options("Only what failed or cannot be told.", "Also what changed in each operation that passed.")
def verify(*, report: Report, paths: Sequence[Path], allow_unknown: bool, ignore: tuple[str, ...], jobs: int) -> int:
    """Judge every userData operation in cassettes (files or folders).

    Passed: exactly the keys that the request wrote changed, to exactly the values it sent, and nothing else moved;
    request, notification and the next GET agree. Cannot tell: the recording lacks what would show it.

    Exit codes: 0 all passed; 1 one failed, or cannot be told; 2 a file is no cassette; 5 there was nothing to judge.
    """
    output = report.output
    work = [_Work(path, ignore, output, allow_unknown, report.wants_cases) for path in cassettes_in(paths)]
    verdicts: Counter[str] = Counter()
    broken: list[str] = []
    for judged in _all_judged(work, jobs, Progress(quiet=output.quiet)):
        report.say(judged.lines)
        report.take(judged.cases)
        verdicts.update(judged.verdicts)
        broken.extend([judged.broken] if judged.broken else [])
    for problem in broken:
        click.echo(f"Error: {problem}", err=True)
    counts: dict[str, Any] = {name: verdicts[name] for name in ("passed", "failed", "unknown")}
    report.end(text.tally(verdicts, len(work)), counts | {"broken": broken})
    if broken:
        return 2
    failed = verdicts["failed"] or (verdicts["unknown"] and not allow_unknown)
    return 1 if failed else 0 if verdicts else 5


def _all_judged(work: Sequence[_Work], jobs: int, progress: Progress) -> Iterator[_Judged]:
    """Yield what becomes of each cassette, in their order whatever the number of processes."""
    results = map(_judged, work) if min(jobs, len(work)) < 2 else _in_processes(work, jobs)
    operations = 0
    for number, one in enumerate(work):
        progress.show(printable(f"{number} of {len(work)} cassettes, {operations} operations: {one.path}"))
        judged = next(results)
        operations += sum(judged.verdicts.values())
        progress.clear()
        yield judged


def _in_processes(work: Sequence[_Work], jobs: int) -> Iterator[_Judged]:
    pool = ProcessPoolExecutor(min(jobs, len(work)), mp_context=get_context("spawn"), initializer=_end_at_once)
    try:
        yield from pool.map(_judged, work)
    except BrokenProcessPool:
        raise GwsReplayError("a process of verify was ended, for want of memory perhaps: give fewer --jobs") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _end_at_once() -> None:
    """End without a word at Ctrl-C, which reaches every process of a terminal: the parent says what is to be said."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _judged(work: _Work) -> _Judged:
    try:
        (cassette,), note = load_shown(work.path)
        updates = cassette.updates(ignore=work.ignore)
    except CassetteError as error:
        return _Judged(broken=str(error))
    output, path = work.output, str(work.path)
    verdicts: Counter[str] = Counter(update.verdict for update in updates)
    cases = _cases(work, updates) if work.wants_cases else ()
    if output.as_json:
        told = {"cassette": path, "updates": [as_json.update(update) for update in updates]}
        return _Judged([dumps_ascii(told)], cases, verdicts)
    shown = [update for update in updates if not output.quiet or update.verdict != "passed"]
    lines = [line for update in shown for line in text.verdict(update, path, details=output.verbose)]
    if shown or not output.quiet:
        lines.insert(0, (path if updates else f"{path}: no userData operation") + note)
    return _Judged(lines, cases, verdicts)


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
