"""Many variants leave nothing behind: no thread, no descriptor, no run."""

import gc
import os
import threading
from pathlib import Path

import pytest

from gws_replay.server.server import ServedRun
from tests.support import racing_clients as clients
from tests.support.explorations import explored, two_sessions

COUNT = int(os.environ.get("GWS_REPLAY_VARIANTS", "25"))
DESCRIPTORS = Path("/proc/self/fd")


def left() -> tuple[int, int, int]:
    """The threads, open descriptors and runs that there are."""
    gc.collect()
    runs = sum(type(each) is ServedRun for each in gc.get_objects())
    return threading.active_count(), len(list(DESCRIPTORS.iterdir())), runs


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="counts descriptors in /proc")
def test_variants_leave_nothing_behind() -> None:
    exploration = explored(
        two_sessions(), lambda url: clients.play(clients.Client, url, 20), level="interruptions", count=COUNT
    )
    variants = exploration.explore()
    next(variants)
    before = left()
    for _ in variants:
        pass
    assert (COUNT, before) == (exploration.ran, left())
