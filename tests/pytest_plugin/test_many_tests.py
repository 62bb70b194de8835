"""Many tests with one CometD client of a module: what they leave behind does not grow.

GWS_REPLAY_MANY_TESTS=1000 makes them as many; the default is for every day.
"""

import os

import pytest
import requests  # noqa: F401 (once, here: the inner runs forget what they import)

from gws_replay.sandbox.server import serving
from tests.pytest_plugin.test_living_clients import HEAD

COUNT = max(20, int(os.environ.get("GWS_REPLAY_MANY_TESTS", "60")))
TESTS = """
import collections, gc, os

@pytest.fixture(scope="module")
def desk():
    desk = Desk()
    yield desk
    desk.stop()

def counted():
    gc.collect()
    names = collections.Counter(f"{type(each).__module__}.{type(each).__name__}" for each in gc.get_objects())
    ours = collections.Counter({name: count for name, count in names.items() if name.startswith("gws_replay")})
    return ours, threading.active_count(), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

seen = {}

@pytest.mark.gws_cassette("one")
@pytest.mark.parametrize("number", range(COUNT))
def test_update(desk, number):
    before = len(desk.received)
    desk.sessions()
    desk.update(UserData1="second")
    desk.wait(before + 1)
    assert ["second"] == [each["UserData1"] for each in desk.received[before:]]
    if number in (COUNT // 5, COUNT * 4 // 5):
        seen[number] = counted()

def test_growth():
    (objects, threads, files), (later, threads_later, files_later) = seen.values()
    grown = {name: count for name, count in (later - objects).items() if count > COUNT // 20}
    assert ({}, threads, files) == (grown, threads_later, files_later)
"""


def test_nothing_grows_with_the_number_of_tests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """No objects of ours, no threads, no open files; and the client receives each notification once."""
    monkeypatch.delenv("CI", raising=False)
    with serving(push_delay=0.02) as sandbox:
        pytester.makepyfile(test_it=f"URL = {sandbox.url!r}\nCOUNT = {COUNT}\n{HEAD}{TESTS}")
        pytester.runpytest_inprocess("--gws-record=once", "-k", "test_update[0]").assert_outcomes(
            passed=1, deselected=COUNT
        )
    pytester.makepyfile(test_it=f"URL = 'http://gws.example:9'\nCOUNT = {COUNT}\n{HEAD}{TESTS}")
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=COUNT + 1)
