"""Several cassettes in a test, cassettes for a fixture of a wider scope, and how often a cassette is loaded."""

from pathlib import Path

import pytest

from gws_replay.playback.index_cache import load_index
from gws_replay.sandbox.server import serving
from gws_replay.storage.files import load_cassette
from tests.pytest_plugin.projects import HEAD, PLAYED, Project, marked
from tests.support.builders import cassette, exchange
from tests.support.commands import saved, small

LOGIN = cassette(exchange("GET", "/api/v2/me", None, {"statusCode": 0}))
ME = "requests.get('http://gws.example/api/v2/me', timeout=60).json()"
SCOPED = """
import requests
@pytest.fixture(scope="{scope}")
def login(gws_use_cassette):
    with gws_use_cassette("login"):
        answer = {me}
    return answer

@pytest.mark.gws_cassette("small")
def test_one(login, gws):
    assert login == {{"statusCode": 0}}
{played}
@pytest.mark.gws_cassette("small")
def test_two(login, gws):
    assert login == {{"statusCode": 0}}
{played}
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    built = Project(pytester)
    built.cassette("small.yaml")
    built.cassette("login.yaml", LOGIN)
    return built


def test_several_cassettes_in_one_test(project: Project) -> None:
    """Each marker names one; all of them must be played."""
    both = f"@pytest.mark.gws_cassette('login')\n{marked(f'{chr(10)}    import requests{chr(10)}    {ME}{PLAYED}')}"
    project.run(both).assert_outcomes(passed=1)
    left = project.run(f"@pytest.mark.gws_cassette('login')\n{marked(PLAYED)}")
    left.assert_outcomes(passed=1, errors=1)
    left.stdout.fnmatch_lines(["*cassettes/login.yaml, interaction 0: GET /api/v2/me*"])


def test_the_upper_marker_is_played_first(project: Project) -> None:
    """If two cassettes have a response, the one that is named first returns it."""
    for name in ("a", "b"):
        project.cassette(f"{name}.yaml", cassette(exchange("GET", "/api/v2/me", None, {"from": name})))
    body = f"\n    import requests\n    assert [{ME}['from'] for _ in range(2)] == ['a', 'b']\n"
    project.run(f"@pytest.mark.gws_cassette('a')\n{marked(body, repr('b'))}").assert_outcomes(passed=1)


def test_markers_of_a_test_replace_those_of_its_class(project: Project) -> None:
    """Only the nearest count."""
    own = f"  @pytest.mark.gws_cassette('small')\n  def test_it(self, gws):{PLAYED}"
    test = f"@pytest.mark.gws_cassette('login')\nclass TestIt:\n{own}"
    project.run(test).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("markers", "message"),
    [
        ("@pytest.mark.gws_cassette()\n", "*several gws_cassette markers: each has to name its cassette*"),
        ("@pytest.mark.gws_cassette('no')\n", "*cassette_not_found: cassettes/no.yaml does not exist*"),
    ],
)
def test_fault_of_several_cassettes_is_reported(project: Project, markers: str, message: str) -> None:
    """A missing name, a missing file."""
    result = project.run(markers + marked(PLAYED))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_several_cassettes_cannot_be_recorded_at_once(project: Project) -> None:
    """It would be unclear which exchange belongs to which one; several existing ones are played."""
    missing = f"@pytest.mark.gws_cassette('no')\n{marked(PLAYED)}"
    project.run(missing, "--gws-record=once").stdout.fnmatch_lines(["*a test of several cassettes cannot record*"])


@pytest.mark.parametrize("scope", ["session", "module", "class", "function"])
def test_a_fixture_of_any_scope_has_its_cassette(project: Project, scope: str) -> None:
    """It is played once for each set-up of the fixture, beside the cassettes of the tests."""
    tests = SCOPED.format(scope=scope, me=ME, played=PLAYED)
    project.run(tests).assert_outcomes(passed=2)


def test_a_login_in_a_session_fixture_is_recorded_too(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live the first time; then the whole session replays without the server."""
    monkeypatch.delenv("CI", raising=False)
    tests = """
import pytest, requests
@pytest.fixture(scope="session")
def http(gws_use_cassette):
    with requests.Session() as session:
        session.auth = ("agent1", "sandbox")
        with gws_use_cassette("login"):
            session.get(URL + "/api/v2/me", timeout=60)
        yield session

@pytest.mark.gws_cassette("version")
def test_version(http, gws):
    assert http.get(URL + "/api/v2/diagnostics/version", timeout=60).json()["statusCode"] == 0
"""
    with serving() as sandbox:
        pytester.makepyfile(f"URL = {sandbox.url!r}{tests}")
        pytester.runpytest_inprocess("--gws-record=once").assert_outcomes(passed=1)
    folder = pytester.path / "cassettes"
    assert ["login.yaml", "version.yaml"] == sorted(path.name for path in folder.iterdir())
    assert "/api/v2/me" == load_cassette(folder / "login.yaml").interactions[0].request.path
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", [0, 2])
def test_blocks_are_in_the_summary(project: Project, workers: int) -> None:
    """Each gws_use_cassette counts as a block, in every process of xdist."""
    fixture = (
        "import requests\n@pytest.fixture(scope='module')\ndef login(gws_use_cassette):\n"
        f"    with gws_use_cassette('login'):\n        {ME}\n"
    )
    tests = "".join(f"def test_{number}(login):\n    pass\n" for number in range(2))
    result = project.run(fixture + tests, *(("-n", "2", "-p", "no:hypothesispytest") if workers else ()))
    result.assert_outcomes(passed=2)
    blocks = "2 blocks, 2" if workers else "1 block, 1"
    result.stdout.fnmatch_lines([f"gws_replay: {blocks} played, 0 missed, 0 unplayed, 0 connections stopped"])


def test_fixture_with_unplayed_exchanges_fails_at_its_teardown(project: Project) -> None:
    """A fixture with a missing cassette says how to record it."""
    fixture = "@pytest.fixture(scope='module')\ndef login(gws_use_cassette):\n"
    left = fixture + "    with gws_use_cassette('{}'):\n        pass\n"
    result = project.run(left.format("login") + marked(PLAYED, head="def test_it(login, gws):"))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no recorded request was made*", "*login.yaml was not played to its end*"])
    project.run(left.format("no") + marked(PLAYED, head="def test_it(login, gws):")).stdout.fnmatch_lines(
        ["*cassette_not_found: cassettes/no.yaml does not exist. Record it: pytest --gws-record=once*"]
    )


def test_a_cassette_is_loaded_once_and_again_when_it_changed(tmp_path: Path) -> None:
    """By any number of tests of a process; a file that was written again is read again."""
    path = saved(small(), tmp_path / "small.yaml")
    first = load_index(path, "small")
    assert first is load_index(path, "small")
    assert first is not load_index(path, "another name")
    saved(LOGIN, path)
    assert first is not load_index(path, "small")
    assert 1 == len(load_index(path, "small").interactions)


def test_tests_of_one_cassette_load_it_once(project: Project) -> None:
    """The exchanges that one test played are there again for the next."""
    counted = """
import gws_replay.playback.index_cache as loaded
def counting(path):
    loads.append(path)
    return load(path)
loads, load = [], loaded.load_cassette
loaded.load_cassette = counting
@pytest.mark.parametrize("n", range(20))
"""
    tests = (
        HEAD
        + counted
        + marked(PLAYED, head="def test_it(n, gws):")
        + "\ndef test_count():\n    assert len(loads) == 1\n"
    )
    project.pytester.makepyfile(test_many=tests)
    project.pytester.runpytest_inprocess().assert_outcomes(passed=21)


@pytest.mark.parametrize("name", ["../elsewhere", "a/../../b"])
def test_a_name_stays_in_the_cassette_folder(project: Project, name: str) -> None:
    """One that leads out of it is refused."""
    result = project.run(marked(PLAYED, repr(name)))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*gws_cassette('{name}') is wrong: it leads out of the cassette folder*"])
