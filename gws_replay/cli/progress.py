"""How far long work has come, on stderr, where a person watches."""

import sys
import time

import click

_SOON = 2.0  # seconds; nobody needs to watch less
_OFTEN = 0.1


class Progress:
    """One line that is written over again and again; nothing at all when it is `quiet` or stderr is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._next = float("inf") if quiet or not sys.stderr.isatty() else time.monotonic() + _SOON
        self._shown = False

    def show(self, text: str) -> None:
        """Show how far it is, unless that was shown a moment ago."""
        if time.monotonic() >= self._next:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
            self._next, self._shown = time.monotonic() + _OFTEN, True

    def clear(self) -> None:
        """Make room for a result."""
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._shown = False
