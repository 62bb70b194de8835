"""`gws-replay sandbox`: run the GWS stand-in until it is told to stop.

The URL is the only thing on stdout, so that a script can read it; hints and the request log go to stderr. This file
must never know how the sandbox answers.
"""

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from gws_replay.cli.common import Output, output_options
from gws_replay.sandbox_faults import FAULTS

if TYPE_CHECKING:
    from gws_replay.sandbox import StartOptions

_FAULT_LINES = "\n".join(f"  {name:<20}{fault.description}" for name, fault in FAULTS.items())


@click.command(
    "sandbox",
    short_help="Run an embedded GWS stand-in.",
    epilog=f"\b\nFaults:\n{_FAULT_LINES}",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port to listen on; 0 takes a free one."
)
@click.option("--fault", type=click.Choice(list(FAULTS)), metavar="NAME", help="Be wrong on purpose (see below).")
@click.option(
    "--push-delay",
    type=click.FloatRange(min=0),
    default=0.05,
    show_default=True,
    metavar="SECONDS",
    help="Time from a request to its notification.",
)
@output_options("Print the URL and nothing else.", "Log one line per request to stderr, without credentials.")
def sandbox(*, output: Output, host: str, port: int, fault: str | None, push_delay: float) -> None:
    """Run a GWS stand-in with two Facebook sessions, until Ctrl-C.

    It answers the documented REST operations on userData and pushes their notifications by CometD long-polling. It is
    our own reading of the public documentation, for trying things out without a staging system; user agent1,
    password sandbox.
    """
    import asyncio

    options: StartOptions = {
        "host": host,
        "port": port,
        "fault": fault,
        "push_delay": push_delay,
        "log": output.detail if output.verbose else None,
    }
    ended_by = asyncio.run(_serve(options, output))
    sys.exit(130 if ended_by == signal.SIGINT else 0)


async def _serve(options: "StartOptions", output: Output) -> int:
    """Serve until SIGINT or SIGTERM; return which it was."""
    import asyncio

    from gws_replay.sandbox import start

    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def settle(number: int) -> None:
        if not stopped.done():
            stopped.set_result(number)

    def stop(number: int, _frame: Any) -> None:
        loop.call_soon_threadsafe(settle, number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        running = await start(**options)
        try:
            output.result(running.url, {"url": running.url, "pid": os.getpid()})
            sessions = ", ".join(running.session_ids)
            output.progress(f"User {running.user}, password {running.password}. Facebook sessions: {sessions}.")
            output.progress("Ctrl-C ends it.")
            return await stopped
        finally:
            await running.close()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
