"""What a report format is: which results it needs of a command, and how it writes them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from gws_replay.reports.cases import Case

# Lines of text; lines of JSON; the cases of what was judged; parts of an HTML page.
Needs = Literal["text", "json", "cases", "parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What an HTML page shows of one cassette, or of two that were compared.

    `sides` are the names of its recordings beside its own, `rows` what was judged or found, `block` is the JSON of its
    timeline, or empty.
    """

    name: str
    sides: Sequence[str] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    block: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing that a person must look at."""
        return all(row["level"] == "passed" for row in self.rows)

    def without_timeline(self) -> "Part":
        """Return its rows alone."""
        return replace(self, sides=(), block="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The results of a command: a format finds those here that it needs, and `summary`, one line of text.

    `problems` say what could not be read, `totals` is what JSON has as its last line, `heading` heads the list of a
    page.
    """

    lines: Sequence[str] = ()
    cases: Sequence[Case] = ()
    parts: Sequence[Part] = ()
    problems: Sequence[str] = ()
    summary: str = ""
    totals: Mapping[str, Any] = field(default_factory=dict)
    heading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format of reports. Only commands that judge have cases, so only they offer a format that needs them."""

    name: str
    needs: Needs
    write: Callable[[Results], str]
