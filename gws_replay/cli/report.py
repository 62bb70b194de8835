"""The reports of commands: --format and --output, and what GitHub Actions is told unasked by those that judge."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gws_replay import __version__
from gws_replay.cli.options import PATH, Output, colour
from gws_replay.core.json_compare import printable
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.errors import GwsReplayError
from gws_replay.formats.vcr.line_numbers import lines_of
from gws_replay.reports.cases import Case, Issue
from gws_replay.reports.terminal.style import PLAIN, Look
from gws_replay.storage.files import Location, read_text, reason, write_whole

if TYPE_CHECKING:
    from gws_replay.reports.pages.cassettes import Part

_FORMATS = ("text", "json", "junit", "github", "sarif", "markdown", "html")
# Characters of the timelines on a page where nothing is wrong; those of what failed are always there.
_ROOM = 2**26
# Of a command that shows, and judges nothing.
SHOWN = ("text", "json", "html")


@dataclass(frozen=True, slots=True)
class Wants:
    """What a report needs of a cassette: cases, a part of the page, text that looks so. It crosses to processes."""

    cases: bool
    parts: bool
    look: Look


class Report:
    """Collects what is to be said, and says it at the end: to stdout, or to a file."""

    def __init__(self, name: str, path: Path | None, output: Output, *, judges: bool) -> None:
        self.output = output
        self._name = name
        self._path = path
        self._lines: list[str] = []
        self._cases: list[Case] = []
        self._parts: list[Part] = []
        self._broken: list[str] = []
        self._judges = judges
        self._ended = False
        self._room = _ROOM if judges else sys.maxsize
        self._on_github = judges and os.environ.get("GITHUB_ACTIONS") == "true"
        self._summary = os.environ.get("GITHUB_STEP_SUMMARY") if self._on_github else None

    @property
    def wants(self) -> Wants:
        """What is to be written."""
        look = PLAIN
        if self._path is None and sys.stdout.isatty():
            look = Look(width=shutil.get_terminal_size().columns, colour=colour() is None)
        return Wants(cases=self._on_github or self._name not in SHOWN, parts=self._name == "html", look=look)

    def say(self, lines: Iterable[str]) -> None:
        """Take up lines of text or JSON: printed at once where they are what was asked for."""
        if self._name not in ("text", "json"):
            return
        if self._path is not None:
            self._lines.extend(lines)
            return
        for line in lines:
            click.echo(line)

    def take(self, cases: Iterable[Case]) -> None:
        """Take up what was judged."""
        self._cases.extend(cases)

    def take_parts(self, parts: Iterable["Part"]) -> None:
        """Take up what the page shows of cassettes; no browser would open all of ten thousand."""
        for part in parts:
            self._room -= len(part.block)
            self._parts.append(part if self._room > 0 or not part.is_clean else part.without_timeline())

    @property
    def is_whole(self) -> bool:
        """Whether everything could be read."""
        return not self._broken

    def lack(self, why: str, *places: Location) -> None:
        """Take up what could not be read: one of the places, the first if it does not say which."""
        self._broken.append(f"{why}; nothing in it was compared: put it right, and run this again")
        file = next((each for each in places if str(each) in why), places[0])
        self.tell(Issue(level="error", rule="unread", message=self._broken[-1], file=str(file)), fails=True)

    def tell(self, issue: Issue, *, fails: bool = False) -> None:
        """Take up what no cassette shows."""
        self.take([Case(name=issue.rule, file=issue.file, issues=(issue,), fails=fails)])
        if self.wants.parts:
            from gws_replay.reports.pages.cassettes import part_of_issue

            self.take_parts([part_of_issue(issue)])

    def end(self, text: str, value: Any, *, page: str = "") -> None:
        """Say the sum, and write the report; `page` heads the list of a page. Raises GwsReplayError where it fails."""
        self._ended = True
        for problem in self._broken:
            click.echo(f"Error: {problem}", err=True)
        if self._broken:
            text = f"{text}; {len(self._broken)} could not be read"
        self._write(text, {**value, "broken": self._broken} if self._judges else value, page)

    def stop(self, error: GwsReplayError, places: Sequence[Location]) -> None:
        """Write the report of a command that cannot go on, unless that is done: an older one must not stand for it."""
        if self._ended:
            return
        self.lack(str(error), *places)
        text = "nothing was compared"
        with suppress(GwsReplayError):  # the first error is the one to mend
            if self._name == "text" and self._path is None:
                self._tell_github(text)  # a person is told by the error itself
            else:
                self._write(text, {"broken": self._broken}, "Problems")

    def _write(self, text: str, value: Any, page: str) -> None:
        content = self._content(text, value, page)
        if self._path is None:
            click.echo(content, nl=False)
        else:
            write_whole(self._path, [content])
            if not self.output.quiet:
                click.echo(printable(f"{text}; written to {self._path}".removeprefix("; ")))
        self._tell_github(text)

    def _content(self, text: str, value: Any, page: str) -> str:
        if self._name in ("text", "json"):
            if self._name == "json":
                self._lines.append(dumps_ascii(value))
                return "".join(f"{line}\n" for line in self._lines)
            if self._path is not None:
                self._lines.extend(f"Error: {problem}" for problem in self._broken)
            if text and not self.output.quiet:
                self._lines.append(text)
            return "".join(f"{line}\n" for line in self._lines)
        if self._name == "html":
            from gws_replay.reports.pages import cassettes as timelines

            return "".join(timelines.page(self._parts, text, first=page))
        return _written(self._name, self._cases, text)

    def _tell_github(self, text: str) -> None:
        """Annotate, on stderr, which a runner reads too: stdout may be a report. Add to the summary of the step."""
        if not self._on_github:
            return
        if self._name != "github" or self._path is not None:
            click.echo(_written("github", self._cases, text), nl=False, err=True)
        if self._summary:
            try:
                with Path(self._summary).open("a", encoding="utf-8") as file:
                    file.write(_written("markdown", self._cases, text))
            except OSError as error:
                raise GwsReplayError(f"cannot write GITHUB_STEP_SUMMARY {self._summary}: {reason(error)}") from None


def report_options(
    quiet: str, verbose: str, *, formats: Sequence[str] = _FORMATS
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --format, --output, --json, -q and -v; the function gets one `report`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option("--format", "name", type=click.Choice(formats), help="What to write.  [default: text]")
        @click.option("--output", "path", type=PATH, help="Write the report to this file; stdout gets the sum alone.")
        @click.option("--json", "as_json", is_flag=True, help="As --format json: one document a line.")
        @click.option("-q", "--quiet", is_flag=True, help=quiet)
        @click.option("-v", "--verbose", is_flag=True, help=verbose)
        @wraps(command)
        def with_report(
            *, name: str | None, path: Path | None, as_json: bool, quiet: bool, verbose: bool, **arguments: Any
        ) -> Any:
            if as_json and name not in (None, "json"):
                raise GwsReplayError(f"--json and --format {name} are two formats: give one")
            name = "json" if as_json else name or "text"
            output = Output(as_json=name == "json", quiet=quiet, verbose=verbose)
            report = Report(name, path, output, judges=formats is _FORMATS)
            try:
                return command(report=report, **arguments)
            except GwsReplayError as error:
                report.stop(error, _places(arguments.values()))
                raise

        return with_report

    return decorate


def _places(arguments: Iterable[Any]) -> list[Location]:
    """Return the cassettes and folders among a command's arguments."""
    listed = [each for value in arguments for each in (value if isinstance(value, tuple) else [value])]
    return [each for each in listed if isinstance(each, Location)]


def lines_in(path: Location) -> dict[str, int]:
    """Return the lines of a cassette's interactions and notifications by their names."""
    return lines_of(read_text(path), as_json=path.suffix == ".json")


def _written(name: str, cases: Sequence[Case], text: str) -> str:
    if name == "junit":
        from gws_replay.reports.junit import junit

        return junit(cases)
    if name == "github":
        from gws_replay.reports.github import github

        return github(cases)
    if name == "markdown":
        from gws_replay.reports.markdown import markdown

        return markdown(cases, text)
    from gws_replay.reports.sarif import sarif

    return json.dumps(sarif(cases, __version__), indent=2) + "\n"
