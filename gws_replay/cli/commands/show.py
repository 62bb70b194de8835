"""`gws-replay show`: what is in a cassette, as operations."""

import click

from gws_replay.cli.options import LOCATION
from gws_replay.cli.redacted_load import Showing, load_shown
from gws_replay.cli.report import Report, report_options
from gws_replay.core.json_compare import printable
from gws_replay.reports import json_values as as_json
from gws_replay.reports.terminal import cassette as text
from gws_replay.storage.files import Location


@click.command()
@click.argument("cassette", type=LOCATION)
@report_options("Leave out userData changes.", "Show bodies, too.", judges=False)
def show(*, report: Report, cassette: Location) -> None:
    """Show the operations and notifications of a cassette in time order, with causes and userData changes.

    --format html writes one page that needs no network: a timeline with lanes for REST, CometD and each resource, the
    userData before and after each operation, and every message as it is stored.
    """
    (loaded,), note = load_shown(Showing(), cassette)
    if note:
        click.echo(printable(f"{cassette}{note}"), err=True)
    output, wants = report.output, report.wants
    if wants.parts:
        from gws_replay.reports.pages.cassettes import part_of

        report.add_parts([part_of(loaded, loaded.updates())])
        report.finish(text.summary(loaded), None)
        return
    if not output.as_json:
        report.add_lines(text.timeline(loaded, changes=not output.quiet, bodies=output.verbose, look=wants.look))
    report.finish("", as_json.cassette(loaded) if output.as_json else None)
