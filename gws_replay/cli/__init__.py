"""The command line. Each command is a file, loaded when it is called; an error becomes a sentence and an exit code."""

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from gws_replay.errors import GwsReplayError, did_you_mean

_COMMANDS = {
    "addon": 'Print the path of the mitmproxy addon, for mitmdump -s "$(gws-replay addon)".',
    "convert": "Convert a mitmproxy flow file, a HAR or another cassette into a cassette.",
    "demo": "Record, replay and prove on the built-in sandbox, in under a minute.",
    "diff": "Compare cassettes with a baseline, operation by operation.",
    "doctor": "Check whether this machine, and a server, are ready for a recording.",
    "drift": "Send a cassette's requests to a live system again, and compare the responses.",
    "explore": "Find races of a client: run it under many orders of events that a cassette allows.",
    "noise": "Learn what differs between two recordings of one scenario although nothing changed.",
    "pending": "Show, accept or reject the recordings of tests that failed while they were recorded.",
    "record": "Record GWS traffic through mitmproxy into a cassette.",
    "recover": "Save the cassette of an interrupted recording.",
    "sandbox": "Run the built-in stand-in for a GWS server.",
    "scrub": "Redact existing cassettes in place; --check only reports what is not redacted.",
    "serve": "Replay cassettes to a client in any language, over HTTP and CometD.",
    "show": "Show the operations, notifications and userData changes of a cassette.",
    "verify": "Check that each userData operation in cassettes changed exactly what was sent.",
}


class _Commands(click.Group):
    """Loads a command's module only when that command is used, so that `--help` is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click asks with it)
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (as above)
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"gws_replay.cli.commands.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise click.UsageError(f"There is no command {args[0]!r}.{did_you_mean(args[0], _COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gws-replay", prog_name="gws-replay")
def group() -> None:
    """Record and replay Genesys Web Services traffic, and prove what each userData operation changed.

    Exit codes: 0 clean; 1 differences, misses or a failed verdict; 2 wrong usage or bad input; 3 unredacted data
    found; 4 damaged recording; 5 nothing recorded or compared; 130 Ctrl-C. If `record` runs a command that fails, its
    exit code is passed through.
    """


def main() -> NoReturn:
    """Run the command line; every error a user can cause ends in one sentence and an exit code."""
    try:
        result: Any = group.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except GwsReplayError as error:
        click.echo(f"Error: {error}", err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Stopped.", err=True)
        code = 130
    except OSError as error:
        click.echo(f"Error: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}", err=True)
        _drop_output()
        code = 2
    else:
        code = result if isinstance(result, int) else 0
    sys.exit(code)


def _drop_output() -> None:
    """Discard buffered output that cannot be written, so that Python does not fail on it at exit."""
    with suppress(OSError):
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
