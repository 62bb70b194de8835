"""What the parts of the pytest plugin keep on a test or on the session, for each other to read."""

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from gws_replay.core.replay.cassette_index import CassetteIndex
    from gws_replay.playback.run import Run
    from gws_replay.pytest_plugin.marker import Marked
    from gws_replay.reports.run_data import RanTest
    from gws_replay.server.server import LastingServer


class MarkedRun(NamedTuple):
    """The run of a marked test, and what its marker says."""

    run: "Run"
    marked: "Marked"


class Making(Protocol):
    """Makes the run of a test that is explored: as recorded, or `is_variant`."""

    is_variant: ClassVar[bool]

    def make(self, kind: "Callable[..., Any]", indexes: "Sequence[CassetteIndex]", **options: Any) -> Any:
        """Return a run of a class for some cassettes."""


# The run of the marked test that is being set up or runs, with its marker; None between marked tests.
MARKED_RUN: "pytest.StashKey[MarkedRun | None]" = pytest.StashKey()
# Tests whose client went on sending after they had ended, and the first request that it sent.
LEFT_BEHIND: "pytest.StashKey[dict[str, str]]" = pytest.StashKey()
# What keeps the patches installed until the session ends.
READY: "pytest.StashKey[ExitStack]" = pytest.StashKey()
IS_READY: "pytest.StashKey[bool]" = pytest.StashKey()
# What makes the run of a test that is explored.
MAKING: "pytest.StashKey[Making]" = pytest.StashKey()
# The run of a test's cassettes: a replay, or a recording.
PLAYBACK: "pytest.StashKey[Run]" = pytest.StashKey()
# The files of its cassettes, there or not.
CASSETTES: "pytest.StashKey[Sequence[Path]]" = pytest.StashKey()
# Whether a phase of the test has failed so far.
ENDED_BADLY: "pytest.StashKey[bool]" = pytest.StashKey()
# What a session's blocks of gws_use_cassette came to, until a report takes them along.
BLOCKS: "pytest.StashKey[list[RanTest]]" = pytest.StashKey()
# What became of its recording, in a sentence.
RECORDED: "pytest.StashKey[str]" = pytest.StashKey()
# The cassettes that blocks of gws_use_cassette have recorded in this session, each with the name of the part.
RECORDED_PARTS: "pytest.StashKey[set[tuple[Path, str]]]" = pytest.StashKey()
# The server of all tests with gws_server.
SERVER: "pytest.StashKey[LastingServer]" = pytest.StashKey()
# What its phases came to so far.
OUTCOME: "pytest.StashKey[str]" = pytest.StashKey()
