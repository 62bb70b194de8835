"""`gws-replay explore`: run a client in any language under every order of notifications that its recording allows."""

import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gws_replay.cli.options import PATH, Output, Progress, output_options
from gws_replay.core.counted import counted
from gws_replay.core.json_compare import printable
from gws_replay.errors import GwsReplayError

if TYPE_CHECKING:
    from gws_replay.core.explore.deviation import Variant
    from gws_replay.core.explore.exploration import Exploration, Finding
    from gws_replay.core.explore.space import Level, Space
    from gws_replay.server.explored_command import CommandEnded, ExploredCommand

_COUNT, _TIMEOUT = 50, 30.0
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")
_UNITS = {"s": 1, "m": 60, "h": 3600, None: 1}
_SHOWN_LINES, _SHOWN_MISSES = 12, 3


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float:
    if value is None:
        return float("inf")
    found = _SECONDS.fullmatch(value)
    if not found or not float(found[1]):
        raise click.BadParameter(f"needs a time such as 60s or 5m, got {value!r}", ctx, param)
    return float(found[1]) * _UNITS[found[2]]


@click.command()
@click.option(
    "--variants", "count", type=click.IntRange(min=1), default=_COUNT, show_default=True, help="How many variants."
)
@click.option(
    "--level",
    type=click.Choice(["orders", "interruptions", "faults"]),
    default="orders",
    show_default=True,
    help="What deviates from the recording. interruptions has the orders, too; faults has both.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Which variants are drawn where there are more than can run."
)
@click.option("--time", "limit", metavar="60s", callback=_seconds, help="Explore for this time at the most: 60s, 5m.")
@click.option(
    "--timeout",
    metavar="30s",
    default="30s",
    show_default=True,
    callback=_seconds,
    help="A command that runs longer is stopped, and has failed.",
)
@click.option("--variant", "named", metavar="@v1:...", help="Run this variant only, as a failure names it.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many commands run at once.")
@output_options("Only what failed.", "Also the variants that are run, and what the command printed as recorded.")
@click.argument("cassette", type=PATH)
@click.argument("command", nargs=-1, required=True, metavar="-- CMD...")
def explore(
    *,
    output: Output,
    cassette: Path,
    command: tuple[str, ...],
    count: int,
    level: "Level",
    seed: int,
    limit: float,
    timeout: float,
    named: str | None,
    jobs: int,
) -> int:
    """Find races of a client: run CMD under many orders of events that the recording allows.

    CMD finds the replay in GWS_REPLAY_URL, as in `record`, and has succeeded if it ends with 0. It runs as recorded
    first, and then under variants: notifications come before the response to their cause, later, or in another order.
    Recorded requests that it does not send are no failure. A variant that fails is reduced as far as it goes.

    Exit codes: 0 no variant failed; 1 one did; 2 bad input, or CMD fails as recorded.
    """
    from gws_replay.core.explore.space import Space
    from gws_replay.core.replay.cassette_index import CassetteIndex
    from gws_replay.server.explored_command import ExploredCommand
    from gws_replay.storage.files import load_cassette

    index = CassetteIndex(load_cassette(cassette))
    if shutil.which(command[0]) is None:
        raise GwsReplayError(f"cannot run {command[0]}: the command was not found")
    space = Space([index], level)
    if space.is_empty:
        raise GwsReplayError(
            f"{cassette} has no notifications, so there is no order to explore: record the CometD traffic, too"
        )
    variant = space.parse(named) if named else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    explored = ExploredCommand(command, index, timeout)
    output.progress(f"Running the command as recorded in {cassette}")
    _check(explored, explored.as_recorded(), output)
    space = Space([index], level, explored.recorded.traffic)
    exploration = _explore(explored, space, variant, output, seed=seed, count=count, limit=limit, jobs=jobs)
    again = ["gws-replay", "explore", str(cassette)] + ([f"--timeout={timeout:g}s"] if timeout != _TIMEOUT else [])
    for finding in exploration.findings:
        _show(finding, [*again, "--variant", str(finding.variant), "--", *command], output)
    return _sum_up(exploration, output)


def _check(explored: "ExploredCommand", ended: "CommandEnded", output: Output) -> None:
    """Refuse a command that fails as recorded, or does not come to the replay at all."""
    plan, command = explored.recorded, shlex.join(explored.command)
    if ended.problem:
        for line in _lines(ended):
            click.echo(line, err=True)
        raise GwsReplayError(
            f"{command} fails as recorded: {ended.problem}; mend that first, it says nothing about orders"
        )
    if not plan.requests and not plan.batches:
        raise GwsReplayError(f"{command} sent nothing: it must send its requests to the address in GWS_REPLAY_URL")
    for line in _lines(ended):
        output.detail(line)
    if not plan.connects:
        output.progress("Note: the command did not connect by CometD, so it receives no notifications.")
    if ended.missed:
        output.progress(f"Note: {counted(len(ended.missed), 'request')} had no recorded response: {ended.missed[0]}")


def _explore(
    explored: "ExploredCommand",
    space: "Space",
    variant: "Variant | None",
    output: Output,
    *,
    seed: int,
    count: int,
    limit: float,
    jobs: int,
) -> "Exploration[CommandEnded]":
    """Run the variants, or the one that was named."""
    from gws_replay.core.explore.exploration import Exploration
    from gws_replay.playback.explored_run import drawing
    from gws_replay.server.explored_command import Ahead

    end, run = time.monotonic() + limit, partial(explored.under, space)
    upcoming = Exploration(space, run, draw=drawing(seed), count=count).variants()
    ahead = Ahead(run, upcoming, jobs=1 if variant else jobs)
    exploration = Exploration(space, ahead, draw=drawing(seed), count=count, is_over=lambda: time.monotonic() > end)
    exploration.coverage.add(explored.recorded.seen)
    progress = Progress(quiet=output.quiet)
    try:
        if variant:
            exploration.try_one(variant)
        for each in () if variant else exploration.explore():
            progress.show(f"{exploration.ran} of {count} variants, {len(exploration.findings)} failed")
            output.detail(str(each))
    finally:
        progress.clear()
        explored.close()
        ahead.close()
    return exploration


def _show(finding: "Finding[CommandEnded]", again: Sequence[str], output: Output) -> None:
    ended = finding.result
    lines = [finding.sentence, f"  {ended.problem}{'; the end of its output:' if ended.output else ''}"]
    lines += [f"    {each}" for each in _lines(ended)]
    lines.append(f"  to run it again: {shlex.join(again)}")
    if finding.same:
        others = counted(len(finding.same), "more variant")
        lines.append(f"  {others} failed alike, such as {finding.same[0]}")
    value = {
        "event": "flaky" if finding.is_flaky else "failed",
        "variant": str(finding.variant),
        "sentence": finding.sentence,
        "problem": ended.problem,
        "output": ended.output,
        "missed": ended.missed,
        "after": finding.after,
        "same": [str(each) for each in finding.same],
    }
    output.result("\n".join(lines), value)


def _lines(ended: "CommandEnded") -> list[str]:
    """Return the last lines that a command printed, and the requests that replay did not know."""
    lines = ended.output.splitlines()[-_SHOWN_LINES:]
    return [printable(each) for each in (*lines, *ended.missed[:_SHOWN_MISSES])]


def _sum_up(exploration: "Exploration[CommandEnded]", output: Output) -> int:
    coverage, findings = exploration.coverage, exploration.findings
    flaky = sum(each.is_flaky for each in findings)
    failed = len(findings) - flaky
    parts = [
        counted(exploration.ran, "variant") + (", then the time was over" if exploration.stopped else ""),
        f"{coverage.seen} of {coverage.possible} orderings seen",
        f"{failed} failed",
        *([f"{flaky} flaky"] if flaky else []),
    ]
    value = {
        "event": "ended",
        "variants": exploration.ran,
        "extra_runs": exploration.extra,
        "stopped": exploration.stopped,
        "orderings": {"seen": coverage.seen, "possible": coverage.possible},
        "failed": failed,
        "flaky": flaky,
    }
    output.result("" if output.quiet else "; ".join(parts), value)
    return 1 if failed else 0
