"""Redactors with a key that is the same in every run, for several test files."""

from collections.abc import Iterable
from typing import Any

from gws_replay.core.redaction.policy import Level, Policy
from gws_replay.core.redaction.redactor import Redactor

KEY = b"a key for tests"


def redactor(level: Level = "all", settled: Iterable[str] = (), **rules: Any) -> Redactor:
    """A redactor of a level, with rules of one's own."""
    return Redactor(Policy(level, **rules), KEY, settled)
