"""A library is patched when it is imported, before or during the first replay; replay itself imports none."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gws_replay.interception.libraries import LIBRARIES, UNWATCHED, unwatched

PROGRAM = """
import importlib, json, sys
from gws_replay.core.cassette import Cassette
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
names = {names!r}
before = [name for name in names if name in sys.modules]
with replaying(ReplayRun(Cassette(interactions=()))):
    module = importlib.import_module({library!r})
    from gws_replay.interception.libraries import _BY_MODULE
    swaps = list(_BY_MODULE[{library!r}].load())
    inside = [f"{{swap.name}}" for swap in swaps if "gws_replay" in str(getattr(swap.target, swap.name).__module__)]
print(json.dumps([before, inside]))
"""


@pytest.mark.parametrize("library", ["http.client", "urllib3", "requests.adapters", "httpx", "aiohttp"])
def test_a_library_that_is_imported_late_is_patched_then(library: str) -> None:
    """At its first import inside a replay; none is imported before it is needed."""
    program = PROGRAM.format(library=library, names=["urllib3", "httpx", "aiohttp", "requests", "vcr", "tornado"])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    before, inside = json.loads(done.stdout)
    assert [] == before
    assert inside


def test_each_library_is_registered_once() -> None:
    """By the name of its module; libraries that cannot be patched are not among them."""
    names = [library.module for library in LIBRARIES]
    assert len(set(names)) == len(names)
    assert not set(names) & set(UNWATCHED)


def test_a_loaded_library_that_cannot_be_watched_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only while it is loaded."""
    assert "primp" not in unwatched()
    monkeypatch.setitem(sys.modules, "primp", sys)
    assert "primp" in unwatched()
