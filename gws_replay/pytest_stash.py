"""What the parts of the pytest plugin keep on a test, for each other to read."""

from pathlib import Path

import pytest

# The run of a test's cassettes: a replay, or a recording.
PLAYBACK = pytest.StashKey["Playback"]()
# The files of its cassettes, there or not.
CASSETTES = pytest.StashKey[tuple[Path, ...]]()
# Whether a phase of the test has failed so far.
ENDED_BADLY = pytest.StashKey[bool]()
# What became of its recording, in a sentence.
RECORDED = pytest.StashKey[str]()
