"""`gws-replay verify`: judge every userData operation in cassettes."""

from collections.abc import Sequence
from pathlib import Path

import click

from gws_replay.cli.common import PATH, Output, output_options
from gws_replay.core.judge import Update
from gws_replay.errors import CassetteError
from gws_replay.files import cassettes_in, load_cassette
from gws_replay.reports import as_json, text


@click.command()
@click.argument("paths", type=PATH, nargs=-1, required=True, metavar="PATH...")
@click.option("--allow-unknown", is_flag=True, help="End with 0 though some operations cannot be judged.")
@output_options("Only what failed or cannot be told.", "Also what changed in each operation that passed.")
def verify(*, output: Output, paths: Sequence[Path], allow_unknown: bool) -> int:
    """Judge every userData operation in cassettes (files or folders).

    Passed: exactly the keys that the request wrote changed, to exactly the values it sent; request, notification and
    the next GET agree. Cannot tell: a snapshot before or after is missing from the recording.

    Exit codes: 0 all passed; 1 one failed, or cannot be told; 2 a file is no cassette; 5 there was nothing to judge.
    """
    judged: list[Update] = []
    broken: list[str] = []
    count = 0
    for path in list(cassettes_in(paths)):  # a path that does not exist is said before anything is judged
        count += 1
        try:
            updates = load_cassette(path).updates()
        except CassetteError as error:
            broken.append(str(error))
            continue
        judged.extend(updates)
        _report(str(path), updates, output)
    for problem in broken:
        click.echo(f"Error: {problem}", err=True)
    tally = text.tally(judged, count)
    if output.as_json or not output.quiet:
        verdicts = [update.verdict for update in judged]
        output.result(
            tally, {name: verdicts.count(name) for name in ("passed", "failed", "unknown")} | {"broken": broken}
        )
    if broken:
        return 2
    failed = any(update.verdict == "failed" or (update.verdict == "unknown" and not allow_unknown) for update in judged)
    return 1 if failed else 0 if judged else 5


def _report(path: str, updates: Sequence[Update], output: Output) -> None:
    if output.as_json:
        output.result("", {"cassette": path, "updates": [as_json.update(update) for update in updates]})
        return
    shown = [update for update in updates if not output.quiet or update.verdict != "passed"]
    if shown or not output.quiet:
        click.echo(path if updates else f"{path}: no userData operation")
    for update in shown:
        for line in text.verdict(update, path, details=output.verbose):
            click.echo(line)
