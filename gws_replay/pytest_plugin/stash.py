"""What the parts of the pytest plugin keep on a test, for each other to read."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gws_replay.playback.run import Run
    from gws_replay.reports.run_data import RanTest

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
