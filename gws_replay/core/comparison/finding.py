"""One difference between two recordings, and how grave each kind is."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gws_replay.core.comparison.volatile import Step

Kind = Literal["added", "removed", "value", "type", "order", "cause", "timing", "verdict"]
Severity = Literal["info", "warning", "error"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
# A field more is what clients of a growing API must bear; order and causes may be a matter of chance.
SEVERITY: Mapping[Kind, Severity] = {
    "added": "warning",
    "removed": "error",
    "value": "error",
    "type": "error",
    "order": "warning",
    "cause": "warning",
    "timing": "info",
    "verdict": "error",
}
# Why a finding does not count, where the comparison itself says so.
VOLATILE, SHOWN_BEFORE = "volatile", "shown before"
_CLEAR = re.compile(r"[^.\[\]\"]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference. `before` and `after` are JSON values, NOTHING on a side that has none.

    `path` begins with `request`, `answer` or `notification <kind>` and is empty for a whole exchange; `pattern` is the
    path as rules name it, with `*` for an id and for a place in a list. `place` is where it stands in the baseline and
    in the candidate ("interaction 3", "notification 0", or None). `suppressed` says why it does not count; empty when
    it does. `written` tells that an operation writes the userData key.
    """

    operation: str
    resource: str
    path: tuple[Step, ...]
    pattern: str
    before: Any
    after: Any
    kind: Kind
    severity: Severity
    place: tuple[str | None, str | None]
    suppressed: str = ""
    written: bool = False


def spelled(path: Iterable[Step]) -> str:
    """Spell a path: `answer.body.user.roles[0]`; a key that would be read otherwise is quoted."""
    return "".join(map(_step, path)).removeprefix(".")


def _step(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _CLEAR.fullmatch(step) else f'["{step}"]'
