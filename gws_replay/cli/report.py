"""The reports of commands: --format and --output, and what a command that judges writes for GitHub Actions unasked."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gws_replay.cli.options import PATH, Output, colour
from gws_replay.core.json_compare import printable
from gws_replay.errors import GwsReplayError
from gws_replay.formats.vcr.line_numbers import lines_of
from gws_replay.reports.cases import Case, Issue
from gws_replay.reports.format import Format, Part, Results
from gws_replay.reports.formats.registry import FORMATS
from gws_replay.reports.terminal.style import PLAIN, Look
from gws_replay.storage.files import Location, read_text, reason, write_whole

# Characters of the timelines on a page where nothing is wrong; those of what failed are always there.
_ROOM = 2**26


@dataclass(frozen=True, slots=True)
class Wants:
    """What a report needs of a cassette: cases, a part of the page, text for this terminal. It crosses to processes."""

    cases: bool
    parts: bool
    look: Look


class Report:
    """Collects the results of a command, and writes them at its end: to stdout, or to a file."""

    def __init__(self, format_: Format, path: Path | None, output: Output, *, judges: bool) -> None:
        self.output = output
        self._format = format_
        self._path = path
        self._lines: list[str] = []
        self._cases: list[Case] = []
        self._parts: list[Part] = []
        self._problems: list[str] = []
        self._judges = judges
        self._finished = False
        self._room = _ROOM if judges else sys.maxsize
        self._on_github = judges and os.environ.get("GITHUB_ACTIONS") == "true"
        self._step_summary = os.environ.get("GITHUB_STEP_SUMMARY") if self._on_github else None

    @property
    def wants(self) -> Wants:
        """What a command has to hand over."""
        look = PLAIN
        if self._path is None and sys.stdout.isatty():
            look = Look(width=shutil.get_terminal_size().columns, colour=colour() is None)
        needs = self._format.needs
        return Wants(cases=self._on_github or needs == "cases", parts=needs == "parts", look=look)

    def add_lines(self, lines: Iterable[str]) -> None:
        """Add lines of text or JSON; they are printed at once unless they go to a file."""
        if self._format.needs not in ("text", "json"):
            return
        if self._path is not None:
            self._lines.extend(lines)
            return
        for line in lines:
            click.echo(line)

    def add_cases(self, cases: Iterable[Case]) -> None:
        """Add what was judged."""
        self._cases.extend(cases)

    def add_parts(self, parts: Iterable[Part]) -> None:
        """Add what the page shows of cassettes; no browser would open all of ten thousand."""
        for part in parts:
            self._room -= len(part.block)
            self._parts.append(part if self._room > 0 or not part.is_clean else part.without_timeline())

    @property
    def is_complete(self) -> bool:
        """Whether everything could be read."""
        return not self._problems

    def add_problem(self, problem: str, *places: Location, has_next_step: bool = False) -> None:
        """Add that something could not be read: one of the places, the first if the problem does not name one.

        `has_next_step` says that the text of the problem already names the next step.
        """
        step = "" if has_next_step else "; nothing in it was compared: put it right, and run this again"
        self._problems.append(problem + step)
        file = next((each for each in places if str(each) in problem), places[0])
        self.add_issue(Issue(level="error", rule="unread", message=self._problems[-1], file=str(file)), fails=True)

    def add_issue(self, issue: Issue, *, fails: bool = False) -> None:
        """Add an issue of no cassette."""
        self.add_cases([Case(name=issue.rule, file=issue.file, issues=(issue,), fails=fails)])
        if self.wants.parts:
            from gws_replay.reports.pages.cassettes import part_of_issue

            self.add_parts([part_of_issue(issue)])

    def finish(self, summary: str, totals: Any, *, heading: str = "") -> None:
        """Write the report; `heading` is that of the list on a page. Raises GwsReplayError if it cannot be written."""
        self._finished = True
        for problem in self._problems:
            click.echo(f"Error: {problem}", err=True)
        if self._problems:
            summary = f"{summary}; {len(self._problems)} could not be read"
        self._write(summary, {**totals, "broken": self._problems} if self._judges else totals, heading)

    def abort(self, error: GwsReplayError, places: Sequence[Location]) -> None:
        """Write the report of a command that cannot go on, so that an older one does not stand for it.

        A report that is finished stays.
        """
        if self._finished:
            return
        self.add_problem(str(error), *places)
        summary = "nothing was compared"
        with suppress(GwsReplayError):  # the first error is the one to mend
            if self._format.needs == "text" and self._path is None:
                self._write_for_github(summary)  # the error itself is shown
            else:
                self._write(summary, {"broken": self._problems}, "Problems")

    def _write(self, summary: str, totals: Any, heading: str) -> None:
        is_text = self._format.needs == "text"
        results = Results(
            lines=self._lines,
            cases=self._cases,
            parts=self._parts,
            problems=() if self._path is None else self._problems,  # they are on stderr
            summary="" if is_text and self.output.quiet else summary,
            totals=totals,
            heading=heading,
        )
        content = self._format.write(results)
        if self._path is None:
            click.echo(content, nl=False)
        else:
            write_whole(self._path, [content])
            if not self.output.quiet:
                click.echo(printable(f"{summary}; written to {self._path}".removeprefix("; ")))
        self._write_for_github(summary)

    def _write_for_github(self, summary: str) -> None:
        """Annotate, on stderr, which a runner reads too: stdout may be a report. Add to the summary of the step."""
        if not self._on_github:
            return
        results = Results(cases=self._cases, summary=summary)
        annotations, page = FORMATS["github"], FORMATS["markdown"]
        if self._format is not annotations or self._path is not None:
            click.echo(annotations.write(results), nl=False, err=True)
        if self._step_summary:
            try:
                with Path(self._step_summary).open("a", encoding="utf-8") as file:
                    file.write(page.write(results))
            except OSError as error:
                problem = f"cannot write GITHUB_STEP_SUMMARY {self._step_summary}: {reason(error)}"
                raise GwsReplayError(problem) from None


def report_options(
    quiet: str, verbose: str, *, judges: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add --format, --output, --json, -q and -v; the function gets one `report`."""
    names = [name for name, each in FORMATS.items() if judges or each.needs != "cases"]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option("--format", "name", type=click.Choice(names), help="The format of the report.  [default: text]")
        @click.option("--output", "path", type=PATH, help="Write the report to this file; print only the summary.")
        @click.option("--json", "as_json", is_flag=True, help="The same as --format json: one document per line.")
        @click.option("-q", "--quiet", is_flag=True, help=quiet)
        @click.option("-v", "--verbose", is_flag=True, help=verbose)
        @wraps(command)
        def with_report(
            *, name: str | None, path: Path | None, as_json: bool, quiet: bool, verbose: bool, **arguments: Any
        ) -> Any:
            if as_json and name not in (None, "json"):
                raise GwsReplayError(f"--json and --format {name} are two formats: give one")
            chosen = FORMATS["json" if as_json else name or "text"]
            output = Output(as_json=chosen.needs == "json", quiet=quiet, verbose=verbose)
            report = Report(chosen, path, output, judges=judges)
            try:
                return command(report=report, **arguments)
            except GwsReplayError as error:
                report.abort(error, _places(arguments.values()))
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
