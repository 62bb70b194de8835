"""What the commands share: common options, output to stdout and stderr, and a progress line."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.errors import GwsReplayError
from gws_replay.storage.files import Location
from gws_replay.storage.object_storage import Stored, is_address


class _File(click.Path):
    """A path of a file. The address of object storage, which only some commands read, is refused with a reason."""

    def __init__(self, refusal: str) -> None:
        super().__init__(path_type=Path)
        self._refusal = refusal

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and is_address(value):
            raise GwsReplayError(f"{Stored(value)} is on storage, {self._refusal}")
        return super().convert(value, param, ctx)


PATH = _File("which show, verify, diff and noise learn read: give a path here")
IN_PLACE = _File("and files are rewritten in place here: copy it to a folder first")


class _Where(click.ParamType[Location]):
    """A path, or an address of object storage."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Location:  # noqa: ARG002 (click gives them)
        return Stored(value) if is_address(value) else Path(value)


LOCATION = _Where()
# Seconds before a progress line appears, and between two changes of it.
_FIRST_SHOWN, _BETWEEN = 2.0, 0.1

redact_option = click.option(
    "--redact",
    type=click.Choice(["all", "secrets", "none"]),
    default="all",
    show_default=True,
    help="What to replace before anything is written. `secrets`: credentials, cookies, tokens, Bayeux client ids and "
    "unknown request headers. `all`: personal data, too. `none`: nothing; a warning is printed.",
)
keep_option = click.option("--keep", metavar="KEY", multiple=True, help="Never redact the values of this key.")
_INSECURE = click.option("--insecure", is_flag=True, help="Do not verify the server's certificate.")
_UPSTREAM_CA = click.option(
    "--upstream-ca",
    type=PATH,
    help="Trust this CA certificate (PEM) of the server. Default: SSL_CERT_FILE, REQUESTS_CA_BUNDLE, the usual ones.",
)
_CLIENT_CERT = click.option(
    "--client-cert", type=PATH, help="Authenticate to the server with this certificate and its private key (PEM)."
)
force_option = click.option("--force", is_flag=True, help="Replace the output if it exists.")


@dataclass(frozen=True, slots=True)
class Output:
    """Prints results to stdout, as text or JSON, and progress to stderr unless `quiet`."""

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
        """Print progress."""
        if not self.quiet:
            click.echo(text, err=True)

    def detail(self, text: str) -> None:
        """Print details with --verbose."""
        if self.verbose:
            click.echo(text, err=True)


def colour() -> bool | None:
    """Return False if colour is off (https://no-color.org, a dumb terminal), None to let click decide."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


class Progress:
    """One line that is overwritten as work goes on; nothing if `quiet`, or if stderr is not a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._next = float("inf") if quiet or not sys.stderr.isatty() else time.monotonic() + _FIRST_SHOWN
        self._shown = False

    def show(self, text: str) -> None:
        """Show the text, unless another one was shown a moment ago."""
        if time.monotonic() >= self._next:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
            self._next, self._shown = time.monotonic() + _BETWEEN, True

    def clear(self) -> None:
        """Remove the line, before a result is printed."""
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._shown = False


def output_options(quiet: str, verbose: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --json, -q and -v, with the help texts of the latter two; the function gets one `output`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option("--json", "as_json", is_flag=True, help="Print results as JSON, one document per line.")
        @click.option("-q", "--quiet", is_flag=True, help=quiet)
        @click.option("-v", "--verbose", is_flag=True, help=verbose)
        @wraps(command)
        def with_output(*, as_json: bool, quiet: bool, verbose: bool, **arguments: Any) -> Any:
            return command(output=Output(as_json, quiet, verbose), **arguments)

        return with_output

    return decorate


def ignore_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --ignore-query and --ignore-body; the function gets one `ignored`, with what pyproject.toml says as well."""

    @click.option(
        "--ignore-query",
        multiple=True,
        metavar="NAME",
        help="A query parameter that does not count when requests are compared. May be given several times.",
    )
    @click.option(
        "--ignore-body",
        multiple=True,
        metavar="PATH",
        help="A member of JSON bodies ($.requestId, $.list[*].at, $..at), or a form field ($.requestId), that does not "
        "count. May be given several times.",
    )
    @wraps(command)
    def with_ignored(*, ignore_query: tuple[str, ...], ignore_body: tuple[str, ...], **arguments: Any) -> Any:
        from gws_replay.settings.matching import ignored_fields

        return command(ignored=ignored_fields(ignore_query, ignore_body), **arguments)

    return with_ignored


def tls_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add how the server's certificate is verified, and the client's own."""
    return _INSECURE(_UPSTREAM_CA(_CLIENT_CERT(command)))


def timing_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --timing with its help text."""
    return click.option(
        "--timing",
        default="instant",
        show_default=True,
        callback=_timing,
        metavar="instant|recorded|FACTOR",
        help=help_text,
    )


def _timing(ctx: click.Context, param: click.Parameter, value: str) -> str:
    from gws_replay.core.replay.push_schedule import factor_of

    try:
        factor_of(value)
    except GwsReplayError as error:
        raise click.BadParameter(str(error), ctx, param) from None
    return value


def warn_if_unredacted(redact: str) -> None:
    """Warn, even with -q, that secrets will be written."""
    if redact == "none":
        click.echo("Warning: --redact none writes passwords, tokens and personal data as they are.", err=True)
