"""`gws-replay addon`: print where the mitmproxy addon is."""

import click

from gws_replay.recording.proxy import ADDON


@click.command()
def addon() -> None:
    """Print the path of the mitmproxy addon.

    For recording by hand, in mitmdump, mitmproxy or mitmweb:

    \b
      mitmdump -s "$(gws-replay addon)" --listen-host 127.0.0.1 \\
        --mode reverse:https://gws.example.com --set gws_cassette=cassettes/login.yaml

    Options: gws_cassette, gws_filter, gws_redact, gws_keep, gws_secret, gws_personal, gws_split, gws_force; mitmdump
    --options describes them.
    """  # noqa: D301 (click wants the character itself)
    click.echo(ADDON)
