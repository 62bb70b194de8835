"""`gws-replay record`: put the recording proxy before a server, and save a cassette at the end."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import click

from gws_replay.cli.options import (
    PATH,
    Output,
    force_option,
    keep_option,
    output_options,
    redact_option,
    tls_options,
    warn_if_unredacted,
)
from gws_replay.errors import GwsReplayError
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import reason

_DEFAULT_PORT = 8080
_PATIENCE = 10.0


def _address(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, int] | None:
    if value is None:
        return None
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(
            f"needs HOST:PORT (127.0.0.1:8080, or 127.0.0.1:0 for any free port), got {value!r}", ctx, param
        )
    return host.strip("[]"), int(port)


@click.command(context_settings={"allow_interspersed_args": False})  # what follows the command is the command's
@click.option("--upstream", metavar="URL", help="The GWS server. Regular mode: record only what goes there.")
@click.option("--cassette", type=PATH, required=True, help="Where to save: .yaml, or .json.")
@click.option(
    "--listen",
    metavar="HOST:PORT",
    callback=_address,
    help=f"Where to listen. Default: 127.0.0.1:{_DEFAULT_PORT}, or any free port when a command is given.",
)
@click.option(
    "--mode",
    type=click.Choice(["reverse", "regular"]),
    default="reverse",
    show_default=True,
    help="reverse: the client talks to the proxy's address. regular: the client uses it as its HTTP proxy.",
)
@click.option(
    "--filter",
    metavar="EXPR",
    help="Record what matches this mitmproxy filter. Default: every known API, and CometD at any path.",
)
@click.option("--tls", is_flag=True, help="Reverse mode: listen with HTTPS, with a certificate of mitmproxy's CA.")
@tls_options
@click.option(
    "--via",
    metavar="URL",
    help="Reach the server through this HTTP proxy. Default: HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
)
@click.option(
    "--split",
    metavar="SIZE|TIME",
    default="",
    help="Go on in NAME.2.yaml, NAME.3.yaml ... after so much: 100MB, 1GB, 30min, 1h.",
)
@redact_option
@keep_option
@force_option
@output_options("No live lines.", "Also show mitmproxy's own log.")
@click.argument("command", nargs=-1, metavar="[-- CMD...]")
def record(
    *,
    output: Output,
    command: tuple[str, ...],
    listen: tuple[str, int] | None,
    mode: Literal["reverse", "regular"],
    upstream: str | None,
    cassette: Path,
    keep: tuple[str, ...],
    **options: Any,
) -> int:
    """Record GWS traffic through mitmproxy into a cassette.

    Without a command it runs until Ctrl-C or SIGTERM. With one, it runs the command, saves when that ends, and
    ends with its exit code. The command finds the proxy in GWS_REPLAY_URL (reverse mode), or in the usual proxy and
    CA variables (regular mode).

    A recording that was interrupted is left as CASSETTE.journal: see gws-replay recover.
    """
    if command and shutil.which(command[0]) is None:
        raise GwsReplayError(f"cannot run {command[0]}: the command was not found")
    warn_if_unredacted(options["redact"])
    host, port = listen or ("127.0.0.1", 0 if command else _DEFAULT_PORT)
    options["rules"] = {"keep": keep}
    settings = Settings(upstream=upstream, cassette=cassette, mode=mode, host=host, port=port, **options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    recorder = Recorder(settings, say=output.progress, log=output.detail)
    code = 0
    try:
        with recorder:
            try:
                _announce(recorder, output)
                if command:
                    code = _run(command, recorder.environment())
                else:
                    recorder.wait()
            finally:
                _keep_saving(settings.cassette, output)
    except GwsReplayError as error:
        if not code:
            raise
        click.echo(f"Error: {error}", err=True)
    finally:
        for part in recorder.saved:
            saved = {key: value for key, value in part.items() if key not in ("kind", "text")}
            output.result(part["text"], {"event": "saved", **saved})
    return code


def _keep_saving(cassette: Path, output: Output) -> None:
    """From now on print a line on Ctrl-C and SIGTERM: the cassette is being saved."""

    def say(*_: object) -> None:
        output.progress(f"Still saving {cassette}; please wait")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, say)
    if sys.exception():
        output.progress(f"Saving {cassette} ...")


def _announce(recorder: Recorder, output: Output) -> None:
    settings = recorder.settings
    target = f" -> {settings.upstream}" if settings.upstream else ""
    kind = "" if settings.mode == "reverse" else "HTTP proxy "
    output.progress(f"Recording {kind}{recorder.url}{target} into {settings.cassette}; Ctrl-C ends it")
    if output.as_json:
        output.result("", {"event": "ready", "url": recorder.url})


def _run(command: tuple[str, ...], environment: dict[str, str]) -> int:
    """Run the command to its end; Ctrl-C and SIGTERM give it time to end by itself."""
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:  # a script without its interpreter, a program for another machine
        raise GwsReplayError(f"cannot run {command[0]}: {reason(error)}") from None
    try:
        code = process.wait()
    except BaseException:
        # The terminal has sent Ctrl-C to the command as well; SIGTERM was for us alone.
        if not isinstance(sys.exception(), KeyboardInterrupt):
            process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return code if code >= 0 else 128 - code
