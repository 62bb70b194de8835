"""`gws-replay noise learn`: what differs between recordings of one scenario against one build."""

from pathlib import Path

import click

from gws_replay.batch.noise_file import write_noise
from gws_replay.cli.options import LOCATION, PATH, Output, force_option, output_options
from gws_replay.core.comparison.noise import learn as learned_from
from gws_replay.core.counted import counted
from gws_replay.core.json_compare import printable
from gws_replay.errors import GwsReplayError
from gws_replay.storage.files import Location, cassettes_in, load_cassette


@click.group()
def noise() -> None:
    """Learn what differs between two recordings of one scenario although nothing changed."""


@noise.command()
@click.argument("paths", type=LOCATION, nargs=-1, required=True, metavar="PATH PATH...")
@click.option("--output", "path", type=PATH, default=Path("noise.json"), show_default=True, help="The file to write.")
@force_option
@output_options("No list of what was found.", "Also what was compared.")
def learn(*, output: Output, paths: tuple[Location, ...], path: Path, force: bool) -> int:
    """Compare recordings of the same scenario and the same build with each other, and write what differs.

    For each operation and path, the file says how often it was compared and how often it differed: read it before you
    trust it. `diff --noise FILE` ignores these differences. Keys that an operation writes are never noise.

    Exit codes: 0 written; 2 bad input; 5 fewer than two recordings.
    """
    if path.exists() and not force:
        raise GwsReplayError(f"{path} exists: give --force to replace it")
    recordings = [load_cassette(each) for each in cassettes_in(paths)]
    if len(recordings) < 2:
        raise GwsReplayError("noise is what differs between recordings: give two of one scenario, or more", exit_code=5)
    for each in recordings:
        output.detail(printable(f"compared: {each.source}"))
    learned = learned_from(recordings)
    write_noise(learned, path)
    rows = learned.as_json()["noise"]
    lines = [f"  {row['differed']} of {row['seen']}  {row['operation']}  {row['path']}" for row in rows]
    places = f"{counted(len(rows), 'place')} differed in {len(recordings)} recordings: {path}"
    output.result("\n".join(map(printable, [*([] if output.quiet else lines), places])), learned.as_json())
    return 0
