"""`gws-replay show`: what is in a cassette, as operations."""

import click

from gws_replay.cli.common import LOCATION, Output, output_options
from gws_replay.cli.shown import load_shown
from gws_replay.core.change import printable
from gws_replay.files import Location
from gws_replay.reports import as_json, text


@click.command()
@click.argument("cassette", type=LOCATION)
@output_options("No userData changes.", "Also the bodies.")
def show(*, output: Output, cassette: Location) -> None:
    """Show the operations and notifications of a cassette in time order, with causes and userData changes."""
    (loaded,), note = load_shown(cassette)
    if note:
        click.echo(printable(f"{cassette}{note}"), err=True)
    if output.as_json:
        output.result("", as_json.cassette(loaded))
        return
    for line in text.timeline(loaded, changes=not output.quiet, bodies=output.verbose):
        click.echo(line)
