"""Recording destroys nothing: tests that share a cassette, failing tests, hosts that are not recorded."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests  # noqa: F401 (once, here: the inner runs forget what they import)

import gws_replay.interception.interceptor
import gws_replay.pytest_plugin.recordings  # noqa: F401
from gws_replay.core.compile.parts import recorded_tests
from gws_replay.sandbox.server import RunningSandbox, serving
from gws_replay.storage.files import load_cassette
from tests.support.clients import live_server

SESSION = "0002DaAVKJ0V0095"
SHARED = """
import pytest, requests
pytestmark = pytest.mark.gws_cassette("shared")

def login():
    session = requests.Session()
    session.auth = ("agent1", "sandbox")
    assert session.get(URL + "/api/v2/me", timeout=60).ok
    return session

def test_one():
    login()

def test_two():
    assert login().get(URL + "/api/v2/diagnostics/version", timeout=60).ok

def test_three():
    assert login().get(URL + "/api/v2/me/facebooksessions?fields=*", timeout=60).ok
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _writable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def write(pytester: pytest.Pytester, tests: str, url: str = "http://gws.example:9") -> Path:
    pytester.makepyfile(test_it=f"URL = {url!r}\n{tests}")
    return pytester.path / "cassettes/shared.yaml"


@pytest.mark.parametrize("mode", ["once", "rewrite", "all"])
def test_each_test_of_a_shared_cassette_has_its_part(
    pytester: pytest.Pytester, sandbox: RunningSandbox, mode: str
) -> None:
    """They are recorded together, and each replays alone, with nothing unplayed."""
    path = write(pytester, SHARED, sandbox.url)
    pytester.runpytest_inprocess(f"--gws-record={mode}").assert_outcomes(passed=3)
    assert ("test_it.py::test_one", "test_it.py::test_two", "test_it.py::test_three") == recorded_tests(
        load_cassette(path)
    )
    write(pytester, SHARED)
    pytester.runpytest_inprocess().assert_outcomes(passed=3)
    pytester.runpytest_inprocess("-k", "two").assert_outcomes(passed=1, deselected=2)


def test_recording_one_test_again_keeps_the_other_parts(pytester: pytest.Pytester, sandbox: RunningSandbox) -> None:
    """Only its own part is replaced."""
    path = write(pytester, SHARED, sandbox.url)
    pytester.runpytest_inprocess("--gws-record=rewrite").assert_outcomes(passed=3)
    count = len(load_cassette(path).interactions)
    pytester.runpytest_inprocess("--gws-record=rewrite", "-k", "two").assert_outcomes(passed=1, deselected=2)
    assert count == len(load_cassette(path).interactions)
    write(pytester, SHARED)
    pytester.runpytest_inprocess().assert_outcomes(passed=3)


def test_failure_while_recording_names_an_existing_file(pytester: pytest.Pytester, sandbox: RunningSandbox) -> None:
    """An expectation that fails while recording names the pending recording."""
    failing = (
        "@pytest.mark.gws_cassette\ndef test_wrong(gws):\n"
        "    session = login()\n    session.get(URL + '/api/v2/me/facebooksessions?fields=*', timeout=60)\n"
        f"    with gws.expect_userdata({SESSION!r}, changed={{'Nothing': 1}}, timeout=0.1):\n"
        "        session.get(URL + '/api/v2/me/facebooksessions?fields=*', timeout=60)\n"
    )
    write(pytester, SHARED.replace("def test_one", f"{failing}\ndef test_one"), sandbox.url)
    result = pytester.runpytest_inprocess("--gws-record=once", "-k", "wrong")
    result.assert_outcomes(failed=1, deselected=3)
    (name,) = re.findall(r"more: +gws-replay show (\S+)", str(result.stdout))
    assert load_cassette(pytester.path / name).interactions


def test_an_allowed_host_is_not_recorded(pytester: pytest.Pytester, sandbox: RunningSandbox) -> None:
    """It is reached while recording and while replaying."""
    with live_server() as live:
        tests = (
            "import pytest, requests\n@pytest.mark.gws_cassette('shared', allowed_hosts=['127.0.0.1'])\n"
            "def test_it():\n    requests.get(URL + '/api/v2/diagnostics/version', timeout=60)\n"
            f"    requests.get({live.url!r} + '/other', timeout=60)\n"
        )
        path = write(pytester, tests, sandbox.url.replace("127.0.0.1", "localhost"))
        pytester.runpytest_inprocess("--gws-record=once").assert_outcomes(passed=1)
        assert ["/api/v2/diagnostics/version"] == [each.request.path for each in load_cassette(path).interactions]
        write(pytester, tests)
        pytester.runpytest_inprocess().assert_outcomes(passed=1)
        assert ["/other", "/other"] == live.hits


FIXTURES = """
import pytest, requests

def get(path):
    assert requests.get(URL + path, auth=("agent1", "sandbox"), timeout=60).ok

@pytest.fixture(scope="module")
def one(gws_use_cassette):
    with gws_use_cassette("shared"):
        get("/api/v2/me")

@pytest.fixture(scope="module", params=PARAMS)
def two(gws_use_cassette):
    with gws_use_cassette("shared"):
        get("/api/v2/diagnostics/version")

def test_one(one):
    pass

def test_two(two):
    pass
"""


@pytest.mark.parametrize("mode", ["once", "rewrite", "all"])
def test_fixtures_that_use_one_cassette_have_a_part_each(
    pytester: pytest.Pytester, sandbox: RunningSandbox, mode: str
) -> None:
    """None of them overwrites what another recorded, and each is replayed alone."""
    tests = FIXTURES.replace("PARAMS", "[1]")
    path = write(pytester, tests, sandbox.url)
    for _ in range(2):
        pytester.runpytest_inprocess(f"--gws-record={mode}").assert_outcomes(passed=2)
        assert ("test_it.py::one", "test_it.py::two") == recorded_tests(load_cassette(path))
    write(pytester, tests)
    pytester.runpytest_inprocess().assert_outcomes(passed=2)
    pytester.runpytest_inprocess("-k", "two").assert_outcomes(passed=1, deselected=1)


def test_a_block_that_would_record_twice_is_refused(pytester: pytest.Pytester, sandbox: RunningSandbox) -> None:
    """What it recorded the first time stays."""
    path = write(pytester, FIXTURES.replace("PARAMS", "[1, 2]"), sandbox.url)
    result = pytester.runpytest_inprocess("--gws-record=rewrite")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*shared.yaml was already recorded here in this session*"])
    assert 2 == len(load_cassette(path).interactions)


@pytest.mark.parametrize("mode", ["once", "all"])
def test_a_recording_of_nothing_fails(pytester: pytest.Pytester, sandbox: RunningSandbox, mode: str) -> None:
    """Its replay would fail, too; a test that is skipped records nothing, and is in nobody's way."""
    tests = (
        "import pytest\npytestmark = pytest.mark.gws_cassette\ndef test_it():\n    pass\n"
        "def test_skipped():\n    pytest.skip('not here')\n"
    )
    write(pytester, tests, sandbox.url)
    result = pytester.runpytest_inprocess(f"--gws-record={mode}")
    result.assert_outcomes(passed=1, errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*test_it.yaml: nothing was recorded, so there would be nothing to replay*"])
