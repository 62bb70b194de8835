"""`gws-replay sandbox`: run the GWS stand-in until it is stopped.

The URL is the only thing on stdout, so that a script can read it; hints and the request log go to stderr. This file
must never know how the sandbox responds.
"""

import os
import signal
from typing import TYPE_CHECKING

import click

from gws_replay.cli.options import Output, output_options
from gws_replay.errors import did_you_mean
from gws_replay.sandbox.faults import FAULTS

if TYPE_CHECKING:
    from gws_replay.sandbox.server import RunningSandbox


def _fault_lines() -> str:
    """List the faults by group; click keeps the lines of a paragraph that begins with its mark."""
    groups: dict[str, list[str]] = {}
    for name, fault in FAULTS.items():
        groups.setdefault(fault.group, []).append(f"  {name:<20}{fault.description}")
    return "\n\n".join("\n".join(("\b", f"Faults, {group.lower()}:", *lines)) for group, lines in groups.items())


def _fault(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and value not in FAULTS:
        raise click.BadParameter(f"there is no fault {value!r}.{did_you_mean(value, FAULTS)}", ctx, param)
    return value


@click.command(
    "sandbox",
    short_help="Run an embedded GWS stand-in.",
    epilog=_fault_lines(),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port to listen on; 0 takes a free one."
)
@click.option("--fault", callback=_fault, metavar="NAME", help="Be wrong on purpose (see below).")
@click.option(
    "--push-delay",
    type=click.FloatRange(min=0),
    default=0.05,
    show_default=True,
    metavar="SECONDS",
    help="Time from a request to its notification.",
)
@output_options("Print the URL and nothing else.", "Log one line per request to stderr, without credentials.")
def sandbox(*, output: Output, host: str, port: int, fault: str | None, push_delay: float) -> int:
    """Run a stand-in for a GWS server, with two interactions on every channel, until Ctrl-C.

    It has the documented REST operations on userData and delivers their notifications by CometD (long-polling,
    callback-polling, WebSocket). GET /api/v2/me/facebooksessions?fields=* shows the Facebook sessions; chats,
    smssessions, emails, workitems, openmedia, twitter, facebook, im-sessions and calls likewise. Workspace v3 has
    /workspace/v3/media/chat/interactions and /workspace/v3/voice/calls.

    It is our own reading of the public documentation, to try things without a staging system. User agent1, password
    sandbox.
    """
    from gws_replay.sandbox.server import start
    from gws_replay.web.listening import serve_until_stopped

    log = output.detail if output.verbose else None
    ended_by = serve_until_stopped(
        lambda: start(host=host, port=port, fault=fault, push_delay=push_delay, log=log),
        lambda running: _announce(running, output),
    )
    return 128 + signal.SIGINT if ended_by == signal.SIGINT else 0


def _announce(running: "RunningSandbox", output: Output) -> None:
    output.result(running.url, {"url": running.url, "pid": os.getpid()})
    output.progress(f"User {running.user}, password {running.password}.")
    output.progress(f"Facebook sessions: {', '.join(running.session_ids)}. Ctrl-C ends it.")
