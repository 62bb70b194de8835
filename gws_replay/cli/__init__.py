"""The command line: one file a command, loaded when it is called; errors become a sentence and an exit code here."""

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from gws_replay.errors import GwsReplayError

_COMMANDS = {
    "addon": 'Print the path of the mitmproxy addon: mitmdump -s "$(gws-replay addon)".',
    "convert": "Make a cassette of a mitmproxy flow file, a HAR, or another cassette.",
    "demo": "Record, replay, prove: the whole tool on the embedded sandbox, in under a minute.",
    "diff": "Compare cassettes with a baseline, operation by operation.",
    "drift": "Ask a live system a cassette's questions again, and compare what it answers.",
    "noise": "Learn what differs between recordings of one scenario by itself.",
    "record": "Record GWS traffic through mitmproxy into a cassette.",
    "recover": "Save the cassette of a recording that was interrupted.",
    "sandbox": "Run the embedded GWS stand-in.",
    "scrub": "Redact cassettes in place, ours or plain vcrpy's; --check finds what is not.",
    "serve": "Play cassettes to a client in any language: REST, and the notifications by CometD.",
    "show": "Show the operations, notifications and userData changes of a cassette.",
    "verify": "Judge every userData operation in cassettes: exactly what was sent changed.",
}


class _Commands(click.Group):
    """Loads a command's module only when that command is used, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click asks with it)
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (as above)
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"gws_replay.cli.commands.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gws-replay", prog_name="gws-replay")
def group() -> None:
    """Record and replay Genesys Web Services traffic, and prove what each userData operation changed.

    Exit codes: 0 clean, 1 differences or a failed judgement, 2 usage or bad input, 3 something to redact was
    found, 4 damaged recording, 5 nothing recorded or collected, 130 Ctrl-C; a wrapped command's own code is passed
    through.
    """


def main() -> NoReturn:
    """Run the command line; everything a user can cause ends in one sentence and an exit code."""
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
    """Let nothing be written at the very end that could not be written before."""
    with suppress(OSError):
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
