"""Fixtures as users write them: their requests are recorded once, and each test replays alone and in any order."""

from collections.abc import Iterator

import pytest
import requests  # noqa: F401 (once, here: the inner runs forget what they import)

from gws_replay.sandbox.server import RunningSandbox, serving
from gws_replay.storage.files import load_cassette
from tests.support.commands import saved, small

HEAD = """
import unittest
import pytest, requests

def login():
    session = requests.Session()
    session.auth = ("agent1", "sandbox")
    session.headers["X-CSRF-TOKEN"] = session.get(URL + "/api/v2/me", timeout=60).headers["X-CSRF-TOKEN"]
    return session

def version(session):
    assert session.get(URL + "/api/v2/diagnostics/version", timeout=60).json()["statusCode"] == 0
"""
TWO = """
@pytest.mark.gws_cassette
def test_a(http):
    version(http)

@pytest.mark.gws_cassette
def test_b(http):
    version(http)
"""

MODULE = f"""
def setUpModule():
    global HTTP
    HTTP = login()

@pytest.fixture
def http():
    return HTTP
{TWO}
"""
CLASS = """
@pytest.mark.gws_cassette
class TestIt:
    def setup_class(cls):
        cls.http = login()
    def test_a(self):
        version(self.http)
    def test_b(self):
        version(self.http)
"""
UNITTEST = """
@pytest.mark.gws_cassette
class TestIt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.http = login()
    @classmethod
    def tearDownClass(cls):
        version(cls.http)
    def test_a(self):
        version(self.http)
    def test_b(self):
        version(self.http)
"""


def fixture(scope: str, body: str = "    return login()\n", arguments: str = "") -> str:
    return f"@pytest.fixture(scope={scope!r}{arguments})\ndef http(request):\n{body}{TWO}"


MODULES = {
    "module fixture": (fixture("module"), "test_it/fixture-http.yaml"),
    "session fixture": (fixture("session"), "test_it/fixture-http.yaml"),
    "package fixture": (fixture("package"), "test_it/fixture-http.yaml"),
    "with a teardown": (
        fixture("module", "    session = login()\n    yield session\n    version(session)\n"),
        "test_it/fixture-http.yaml",
    ),
    "setUpModule": (MODULE, "test_it/fixture-setUpModule.yaml"),
    "setup_class": (CLASS, "test_it/fixture-TestIt.setup_class.yaml"),
    "setUpClass": (UNITTEST, "test_it/fixture-TestIt.setUpClass.yaml"),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _writable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def recorded(pytester: pytest.Pytester, sandbox: RunningSandbox, tests: str, count: int = 2) -> None:
    """Record a module of tests, then remove the server's address."""
    pytester.makepyfile(test_it=f"URL = {sandbox.url!r}{HEAD}{tests}")
    pytester.runpytest_inprocess("--gws-record=once").assert_outcomes(passed=count)
    pytester.makepyfile(test_it=f"URL = 'http://gws.example:9'{HEAD}{tests}")


@pytest.mark.parametrize(("tests", "name"), MODULES.values(), ids=MODULES)
def test_each_test_replays_alone(pytester: pytest.Pytester, sandbox: RunningSandbox, tests: str, name: str) -> None:
    """The login is in a cassette of the fixture, not in that of the test that came first."""
    recorded(pytester, sandbox, tests)
    assert "/api/v2/me" == load_cassette(pytester.path / "cassettes" / name).interactions[0].request.path
    for chosen in ("test_a", "test_b", "test_"):
        result = pytester.runpytest_inprocess("-k", chosen)
        result.assert_outcomes(passed=2 if chosen == "test_" else 1, deselected=0 if chosen == "test_" else 1)
        result.stdout.fnmatch_lines(["gws_replay: * and 1 block, * 0 missed, 0 unplayed, 0 connections stopped"])


def test_a_parametrized_fixture_has_a_cassette_for_each_parameter(
    pytester: pytest.Pytester, sandbox: RunningSandbox
) -> None:
    """Named by the parameter's id."""
    tests = fixture("module", arguments=", params=['a/b', 2], ids=['first', None]")
    recorded(pytester, sandbox, tests, 4)
    names = sorted(path.name for path in (pytester.path / "cassettes/test_it").glob("fixture-*"))
    assert ["fixture-http[2].yaml", "fixture-http[first].yaml"] == names
    pytester.runpytest_inprocess("-k", "test_b and 2").assert_outcomes(passed=1, deselected=3)


def test_a_fixture_of_a_conftest_is_recorded_beside_it(pytester: pytest.Pytester, sandbox: RunningSandbox) -> None:
    """So each module of the session finds its cassette, whichever ran first."""
    pytester.mkdir("below")
    conftest = "@pytest.fixture(scope='session')\ndef http():\n    return login()\n"
    for url, options in ((sandbox.url, ["--gws-record=once"]), ("http://gws.example:9", ["below"])):
        (pytester.path / "conftest.py").write_text(f"URL = {url!r}{HEAD}{conftest}", "utf-8")
        for name in ("test_one.py", "below/test_two.py"):
            (pytester.path / name).write_text(f"URL = {url!r}{HEAD}{TWO}", "utf-8")
        result = pytester.runpytest_inprocess("--import-mode=importlib", *options)
        result.assert_outcomes(passed=2 if "below" in options else 4)
    assert (pytester.path / "cassettes/conftest/fixture-http.yaml").exists()


def test_a_suite_that_was_recorded_before_still_replays(pytester: pytest.Pytester) -> None:
    """If the fixture has no cassette, its requests are in the cassette of the test."""
    saved(small(), pytester.path / "cassettes" / "small.yaml")
    url = small().interactions[0].request.uri
    pytester.makepyfile(
        f"import pytest, requests\n@pytest.fixture(scope='module')\ndef sessions():\n    return requests.get({url!r})\n"
        "@pytest.mark.gws_cassette('small', allow_unplayed=True)\ndef test_it(sessions):\n    assert sessions.ok\n"
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    pytester.runpytest_inprocess("--gws-record=once").assert_outcomes(passed=1)


def test_a_miss_of_a_fixture_names_the_fixture(pytester: pytest.Pytester, sandbox: RunningSandbox) -> None:
    """Even if the fixture swallows it."""
    recorded(pytester, sandbox, fixture("module"))
    swallowing = "    try:\n        version(login())\n    except BaseException:\n        pass\n    return login()\n"
    pytester.makepyfile(test_it=f"URL = 'http://gws.example:9'{HEAD}{fixture('module', swallowing)}")
    result = pytester.runpytest_inprocess("-k", "test_a")
    result.assert_outcomes(errors=1, deselected=1)
    result.stdout.fnmatch_lines(["*fixture http of test_it.py: *GET /api/v2/diagnostics/version*"])


def test_a_fixture_that_sends_nothing_leaves_no_file(pytester: pytest.Pytester, sandbox: RunningSandbox) -> None:
    """Also under xdist."""
    nothing = "@pytest.fixture(scope='session')\ndef nothing():\n    return 1\n"
    cases = [f"@pytest.mark.gws_cassette\ndef test_{name}(nothing):\n    version(login())\n" for name in "ab"]
    tests = nothing + "".join(cases)
    recorded(pytester, sandbox, tests)
    assert ["test_a.yaml", "test_b.yaml"] == sorted(
        path.name for path in (pytester.path / "cassettes/test_it").iterdir()
    )


SKIPPING = """
@pytest.fixture(scope="module")
def skipping():
    version(login())
    pytest.skip("not here")

@pytest.fixture(scope="module")
def bad():
    version(login())
    raise RuntimeError("boom")

@pytest.fixture
def late():
    pytest.skip("not now")

@pytest.mark.gws_cassette
def test_skipped(skipping): pass

@pytest.mark.gws_cassette
def test_skipped_too(skipping): pass

@pytest.mark.gws_cassette
def test_skipped_late(late): pass

@pytest.mark.gws_cassette
@pytest.mark.xfail(raises=RuntimeError, strict=True)
def test_expected(bad): pass

@pytest.mark.gws_cassette
def test_plays():
    version(login())
"""
UNRECORDED = """
@pytest.fixture
def http():
    return login()

@pytest.mark.gws_cassette
def test_asks_in_its_setup(http): pass

@pytest.mark.gws_cassette
def test_asks():
    print("it ran")
"""


def test_a_fixture_that_skips_or_fails_as_expected_does_so_on_replay(
    pytester: pytest.Pytester, sandbox: RunningSandbox
) -> None:
    """Its tests have no cassette, as they sent nothing; what the fixture sent is kept."""
    pytester.makepyfile(test_it=f"URL = {sandbox.url!r}{HEAD}{SKIPPING}")
    pytester.runpytest_inprocess("--gws-record=once").assert_outcomes(passed=1, skipped=3, xfailed=1)
    pytester.makepyfile(test_it=f"URL = 'http://gws.example:9'{HEAD}{SKIPPING}")
    pytester.runpytest_inprocess().assert_outcomes(passed=1, skipped=3, xfailed=1)
    pytester.runpytest_inprocess("-k", "too or expected").assert_outcomes(skipped=1, xfailed=1, deselected=3)


def test_a_missing_cassette_is_named_before_the_test_runs(pytester: pytest.Pytester) -> None:
    """Nothing has skipped it; or a fixture sends a request."""
    pytester.makepyfile(test_it=f"URL = 'http://gws.example:9'{HEAD}{UNRECORDED}")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=2)
    for name in ("test_asks_in_its_setup", "test_asks"):
        result.stdout.fnmatch_lines([f"*cassette_not_found: cassettes/test_it/{name}.yaml does not exist*"])
    assert "it ran" not in str(result.stdout)
