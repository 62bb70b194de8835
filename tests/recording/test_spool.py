"""A spool keeps its file open as long as somebody holds it, and no longer."""

import gc
from pathlib import Path
from typing import Any

import pytest

from gws_replay.core.model import Notification
from gws_replay.recording.spool import of_notifications


@pytest.mark.parametrize("cycle", [False, True])
def test_a_spool_that_is_not_held_closes_its_file(tmp_path: Path, *, cycle: bool) -> None:
    spool = of_notifications(tmp_path)
    spool.add(Notification(channel="/c", data="{}", seen=1.0), 1.0)
    read = spool.by_time(lambda value, _tag: value)
    file = spool._file
    held: list[Any] = [spool]
    if cycle:
        held.append(held)
    del spool, held
    gc.collect()
    assert ("/c", False) == (read[0].channel, file.closed)
    del read
    gc.collect()
    assert file.closed


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    spool = of_notifications(tmp_path)
    spool.close()
    spool.close()
