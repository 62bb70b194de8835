"""What the commands share: the options that stand everywhere, and where output goes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gws_replay.core.lossless_json import dumps_ascii

PATH = click.Path(path_type=Path)

redact_option = click.option(
    "--redact",
    type=click.Choice(["all", "secrets", "none"]),
    default="all",
    show_default=True,
    help="What to replace before anything is written. `secrets`: credentials, cookies, tokens, Bayeux client ids, "
    "unknown request headers. `all`: personal data too. `none` warns.",
)
keep_option = click.option("--keep", metavar="KEY", multiple=True, help="Never redact the values of this key.")
force_option = click.option("--force", is_flag=True, help="Replace the output if it exists.")


@dataclass(frozen=True, slots=True)
class Output:
    """Results go to stdout, as text or JSON; progress goes to stderr unless it is to be quiet."""

    as_json: bool
    quiet: bool
    verbose: bool

    def result(self, text: str, value: Any) -> None:
        """Print a result: the value as one line of JSON with --json, else the text."""
        if self.as_json:
            click.echo(dumps_ascii(value))
        elif text:
            click.echo(text)

    def progress(self, text: str) -> None:
        """Tell a person how it goes."""
        if not self.quiet:
            click.echo(text, err=True)

    def detail(self, text: str) -> None:
        """Tell a person who asked for more."""
        if self.verbose:
            click.echo(text, err=True)


def output_options(quiet: str, verbose: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --json, -q and -v, with what the two mean for the command; the function gets one `output`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option("--json", "as_json", is_flag=True, help="Print results as JSON, one document a line.")
        @click.option("-q", "--quiet", is_flag=True, help=quiet)
        @click.option("-v", "--verbose", is_flag=True, help=verbose)
        @wraps(command)
        def with_output(*, as_json: bool, quiet: bool, verbose: bool, **arguments: Any) -> Any:
            return command(output=Output(as_json, quiet, verbose), **arguments)

        return with_output

    return decorate


def warn_if_unredacted(redact: str) -> None:
    """Warn, even with -q, that secrets are going to be written."""
    if redact == "none":
        click.echo("Warning: --redact none writes passwords, tokens and personal data as they are.", err=True)
