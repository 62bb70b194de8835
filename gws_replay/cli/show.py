"""`gws-replay show`: what is in a cassette, as operations."""

from pathlib import Path

import click

from gws_replay.cli.common import PATH
from gws_replay.cli.reporting import SHOWN, Report, report_options
from gws_replay.files import load_cassette
from gws_replay.reports import as_json, text


@click.command()
@click.argument("cassette", type=PATH)
@report_options("No userData changes.", "Also the bodies.", formats=SHOWN)
def show(*, report: Report, cassette: Path) -> None:
    """Show the operations and notifications of a cassette in time order, with causes and userData changes.

    --format html writes one page that needs no network: lanes for REST, CometD and each resource, userData before and
    after each operation with the keys that changed, and every message as it is stored.
    """
    loaded = load_cassette(cassette)
    output = report.output
    if report.wants_parts:
        from gws_replay.reports.timelines import part_of

        report.take_parts([part_of(loaded, loaded.updates())])
    elif not output.as_json:
        report.say(text.timeline(loaded, changes=not output.quiet, bodies=output.verbose, look=report.look))
    report.end(text.summary(loaded) if report.wants_parts else "", as_json.cassette(loaded) if output.as_json else None)
