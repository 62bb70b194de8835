"""`gws-replay serve`: replay cassettes to a client in any language until it is stopped.

The URL is the only thing on stdout, so that a script can read it; hints, the request log and the summary go to stderr.
"""

import gc
import itertools
import os
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gws_replay.cli.options import PATH, Output, ignore_options, output_options, timing_option
from gws_replay.core.counted import counted

if TYPE_CHECKING:
    from gws_replay.core.cassette import Cassette
    from gws_replay.core.replay.request_fields import IgnoredFields
    from gws_replay.playback.replay_run import ReplayRun
    from gws_replay.server.server import RunningServer

_MOST_WARNINGS = 3


@click.command()
@click.argument("cassettes", type=PATH, nargs=-1, required=True, metavar="CASSETTE...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port to listen on; 0 takes a free one."
)
@timing_option(
    "Pace of responses and notifications: as fast as their order allows, as recorded, or recorded times a factor."
)
@click.option("--tls", is_flag=True, help="Serve HTTPS with a new certificate; the file of its CA is printed.")
@click.option(
    "--keep-uris",
    is_flag=True,
    help="Keep recorded absolute addresses; otherwise those of the API become the server's own.",
)
@click.option(
    "--control-host",
    "control_hosts",
    multiple=True,
    metavar="NAME",
    help="A host name that the control endpoint may be reached by, beside localhost. May be given several times.",
)
@ignore_options
@output_options("Print the URL and nothing else.", "Log one line per REST request to stderr, without credentials.")
def serve(
    *,
    output: Output,
    ignored: "IgnoredFields",
    cassettes: tuple[Path, ...],
    host: str,
    port: int,
    timing: str,
    tls: bool,
    keep_uris: bool,
    control_hosts: tuple[str, ...],
) -> int:
    """Replay cassettes to a GWS client in any language, over HTTP and CometD, until Ctrl-C or SIGTERM.

    Requests get the recorded responses. Notifications are delivered by CometD (long-polling, WebSocket,
    callback-polling) after the requests that caused them. Any credentials are accepted; no network is used.

    GET /__gws_replay__ returns what was served and missed, and what waits for what; POST /__gws_replay__/rewind starts
    again.

    Exit codes: 0 stopped by SIGTERM, 1 the same after a miss, 2 bad input, 130 Ctrl-C.
    """
    from gws_replay.core.replay.cassette_index import CassetteIndex
    from gws_replay.core.replay.request_key import WHOLE
    from gws_replay.server.server import ServedRun, start
    from gws_replay.storage.files import load_cassette
    from gws_replay.web.listening import certificate_for, serve_until_stopped

    matching = WHOLE.ignoring(ignored)
    loaded = [CassetteIndex(load_cassette(path), matching) for path in cassettes]
    run = ServedRun(*loaded, timing=timing)
    run.sessions.keep_few()
    gc.freeze()  # what was loaded lives as long as the process: not to be looked through again and again
    log = output.detail if output.verbose else None
    with ExitStack() as stack:
        context, ca = None, None
        if tls:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gws-replay-")))
            context, ca = certificate_for(host, folder)
        ended_by = serve_until_stopped(
            lambda: start(
                run, host=host, port=port, tls=context, keep_uris=keep_uris, log=log, control_hosts=control_hosts
            ),
            lambda running: _announce(running, output, run, ca),
        )
    _sum_up(run, output)
    if ended_by == signal.SIGINT:
        return 128 + signal.SIGINT
    return 1 if run.misses or run.faults else 0


def _announce(running: "RunningServer", output: Output, run: "ReplayRun", ca: Path | None) -> None:
    from gws_replay.core.replay.conflicts import disagreements

    trusted = {"ca": str(ca)} if ca else {}
    output.result(running.url, {"event": "ready", "url": running.url, "pid": os.getpid(), **trusted})
    output.progress(f"Replaying {'; '.join(map(_content, run.cassettes))}. Any credentials are accepted.")
    for cassette in run.cassettes:
        for sentence in cassette.not_replayed:
            output.progress(f"Note: {cassette.source}: {sentence}.")
    if ca:
        output.progress(f"Clients must trust the CA certificate in {ca}.")
    for warning in itertools.islice(disagreements(run.sessions.indexes), _MOST_WARNINGS):
        output.progress(f"Warning: {warning}; the first one is replayed first.")
    output.progress(f"Its state: {running.url}/__gws_replay__. Ctrl-C ends it.")


def _content(cassette: "Cassette") -> str:
    counts = (len(cassette.interactions), "exchange"), (len(cassette.notifications), "notification")
    return f"{cassette.source} ({', '.join(itertools.starmap(counted, counts))})"


def _sum_up(run: "ReplayRun", output: Output) -> None:
    """Print what happened, as the control endpoint returns it."""
    from gws_replay.server.control import state

    happened = state(run)
    left = ", ".join(f"{len(happened[name])} {name}" for name in ("unplayed", "unreleased", "undelivered"))
    counts = f"{happened['missed_count']} missed, {left}"
    text = [f"Served {happened['served']} requests ({happened['repeated']} of them repeated); {counts}."]
    if left_out := happened["missed_left_out"]:
        text.append(f"The newest misses follow; {left_out} older ones are left out.")
    text += [each["text"] for each in happened["missed"]]
    text += happened["faults"]
    if output.as_json:
        output.result("", {"event": "ended", **happened})
    output.progress("\n".join(text))
    for unplayed in run.unplayed:
        output.detail(f"unplayed: {unplayed}")
    for undelivered in run.undelivered:
        output.progress(undelivered)
