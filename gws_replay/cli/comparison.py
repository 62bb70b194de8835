"""What the commands that compare two recordings share: options that say what counts, and descriptions of results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gws_replay.batch.noise_file import read_noise
from gws_replay.cli.options import PATH, Output
from gws_replay.cli.report import Wants, lines_in
from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.core.comparison.finding import KINDS, SEVERITIES, Finding, Kind, Severity
from gws_replay.core.comparison.noise import Noise, suppressed
from gws_replay.core.json_compare import printable
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.core.replay.request_fields import NOTHING_IGNORED, IgnoredFields
from gws_replay.errors import GwsReplayError
from gws_replay.reports.cases import Case, Issue
from gws_replay.reports.format import Part
from gws_replay.reports.terminal import findings as differences
from gws_replay.storage.files import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which differences count, and how severe they are."""

    ignore: Sequence[str]
    severity: Mapping[Kind, Severity]
    noise: Noise | None
    ignored: IgnoredFields = NOTHING_IGNORED

    def findings(self, baseline: Cassette, candidate: Cassette) -> tuple[Finding, ...]:
        """Compare two recordings; findings that do not count are marked."""
        one, other = (
            replace(each, interactions=self.ignored.removed_from_all(each.interactions))
            for each in (baseline, candidate)
        )
        return suppressed(diff(one, other, severity=self.severity), self.ignore, self.noise)


def comparing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --severity, --ignore and --noise; the function gets one `rules`."""

    @click.option(
        "--severity",
        "levels",
        multiple=True,
        metavar="KIND=LEVEL",
        help=f"The severity of a kind of finding ({', '.join(KINDS)}): {', '.join(SEVERITIES)}. Repeatable.",
    )
    @click.option(
        "--ignore",
        multiple=True,
        metavar="PATH",
        help="Ignore differences at this path, spelled as in the report, or the end of one; `*` matches anything "
        "(userData.LCA_*). They are counted, and shown with -v. Repeatable.",
    )
    @click.option("--noise", "noise_file", type=PATH, help="Ignore what `gws-replay noise learn` wrote to this file.")
    @wraps(command)
    def with_rules(*, levels: Sequence[str], ignore: Sequence[str], noise_file: Path | None, **arguments: Any) -> Any:
        noise = read_noise(noise_file) if noise_file else None
        rules = Rules(ignore=ignore, severity=dict(map(_level, levels)), noise=noise)
        return command(rules=rules, **arguments)

    return with_rules


@dataclass(frozen=True, slots=True)
class Described:
    """The results of a comparison: lines to print, cases, parts of a page."""

    lines: Sequence[str]
    cases: Sequence[Case]
    parts: Sequence[Part] = ()


def describe(
    sides: tuple[Location, Location],
    both: Sequence[Cassette],
    found: Sequence[Finding],
    output: Output,
    wants: Wants,
    *,
    note: str = "",
    unasked: Sequence[Issue] = (),
) -> Described:
    """Describe the findings in a baseline and its candidate; a `note` on them is printed even without findings.

    Formats other than text and JSON also name the requests that were not sent (`unasked`).
    """
    counting = [each for each in found if not each.suppressed]
    cases = _cases(sides, counting) if wants.cases else []
    cases += [Case(name="not asked", file=issue.file, issues=(issue,)) for issue in unasked]
    listed = found if output.verbose else counting
    if wants.parts:
        from gws_replay.reports.pages.cassettes import part_of_pair

        name = f"{sides[0]} → {sides[1]}{note}"
        parts = [part_of_pair(name, both[0], both[1], listed, unasked)] if listed or unasked else ()
        return Described((), cases, parts)
    if output.as_json:
        shown = [differences.as_json(each) for each in listed]
        value = {"schema": differences.SCHEMA, "baseline": str(sides[0]), "candidate": str(sides[1]), "findings": shown}
        return Described([dumps_ascii(value)], cases)
    if output.quiet and not counting and not note:
        return Described((), cases)
    title = printable(f"{sides[0]} -> {sides[1]}{note}{'' if counting else ': no difference'}")
    return Described([title, *differences.lines(found, all_of_them=output.verbose, look=wants.look)], cases)


def _cases(sides: tuple[Location, Location], counting: Sequence[Finding]) -> list[Case]:
    """Return a case for each operation that differs, or one for the whole cassette if none does."""
    places = [lines_in(path) if counting else {} for path in sides]
    by_operation: dict[str, list[Issue]] = {}
    fails: set[str] = set()
    for each in counting:
        side = 0 if each.place[0] else 1
        issue = Issue(
            level=each.severity,
            rule=each.kind,
            message=differences.sentence(each),
            file=str(sides[side]),
            line=places[side].get(each.place[side] or "", 1),
        )
        by_operation.setdefault(each.operation, []).append(issue)
        fails |= {each.operation} if each.severity != "info" else set()
    file = str(sides[0])
    if not by_operation:
        return [Case(name="no difference", file=file)]
    return [Case(name=name, file=file, issues=issues, fails=name in fails) for name, issues in by_operation.items()]


def _level(option: str) -> tuple[Kind, Severity]:
    name, _, level = option.partition("=")
    kind = next((each for each in KINDS if each == name), None)
    severity = next((each for each in SEVERITIES if each == level), None)
    if kind is None or severity is None:
        raise GwsReplayError(
            f"--severity needs KIND=LEVEL, got {option}: kinds are {', '.join(KINDS)}, levels {', '.join(SEVERITIES)}"
        )
    return kind, severity
