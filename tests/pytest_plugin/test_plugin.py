"""The plugin as a user meets it: small projects, run by pytest inside pytest."""

import importlib.util
import re

import pytest

import gws_replay.interception.interceptor  # noqa: F401 (once, here: the inner runs forget what they import)
from gws_replay.core.cassette import Cassette
from tests.pytest_plugin.projects import PLAYED, Project, marked
from tests.support.builders import exchange
from tests.support.clients import live_server
from tests.support.commands import saved, small


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


ASYNC = """
    async def scenario():
        await asyncio.sleep(0)
        Agent().sessions()
        Agent().update(A=2)
    asyncio.run(scenario())
"""
LOGGED_IN = "@pytest.fixture\ndef agent():\n    agent = Agent()\n    agent.sessions()\n    return agent\n"
LOGS_OUT = "@pytest.fixture\ndef agent():\n    agent = Agent()\n    yield agent\n    agent.update(A=2)\n"
TWO_PARAMETERS = "@pytest.mark.parametrize('a, b', [('x', 1)])\ndef test_it(a, b, gws):"
MARK = "@pytest.mark.gws_cassette('small')\n"
# The ways to name a cassette: the file that must be played, the test module.
PLAYS = {
    "marker alone": ("small.yaml", marked(PLAYED, head="def test_it():")),
    "both": ("small.yaml", marked(f"{PLAYED}    assert gws.misses == gws.unplayed == ()\n")),
    "fixture alone": ("test_agent/test_it.yaml", f"def test_it(gws):{PLAYED}"),
    "marker without a name": ("test_agent/test_it.yaml", marked(PLAYED, "", head="def test_it():")),
    "class": ("test_agent/TestIt.test_it.yaml", f"class TestIt:\n  def test_it(self, gws):{PLAYED}"),
    "inner class": (
        "test_agent/TestIt.TestIn.test_it.yaml",
        f"class TestIt:\n class TestIn:\n  def test_it(self, gws):{PLAYED}",
    ),
    "parametrized": ("test_agent/test_it[x-1].yaml", f"{TWO_PARAMETERS}{PLAYED}"),
    "yaml": ("small.yaml", marked(PLAYED, "name='small.yaml'")),
    "yml": ("small.yml", marked(PLAYED, "'small.yml'")),
    "json": ("small.json", marked(PLAYED, "'small.json'")),
    "folders and dots": ("deep/er/v1.2.yaml", marked(PLAYED, "'deep/er/v1.2'")),
    "module mark": ("small.yaml", f"pytestmark = pytest.mark.gws_cassette('small')\ndef test_it():{PLAYED}"),
    "class mark": ("small.yaml", f"{MARK}class TestIt:\n  def test_it(self):{PLAYED}"),
    "async": ("small.yaml", marked(ASYNC)),
    "unittest": ("small.yaml", f"class TestIt(unittest.TestCase):\n  {MARK}  def test_it(self):{PLAYED}"),
    "fixture asks": ("small.yaml", LOGGED_IN + marked("\n    agent.update(A=2)\n", head="def test_it(agent):")),
    "fixture asks before gws": (
        "small.yaml",
        LOGGED_IN + marked("\n    agent.update(A=2)\n", head="def test_it(agent, gws):"),
    ),
    "fixture asks at teardown": (
        "small.yaml",
        LOGS_OUT + marked("\n    agent.sessions()\n", head="def test_it(agent):"),
    ),
}


@pytest.mark.parametrize(("cassette", "tests"), PLAYS.values(), ids=PLAYS)
def test_a_test_plays_its_cassette(project: Project, cassette: str, tests: str) -> None:
    """In each form of the marker and the fixture, the file with that name is played."""
    project.cassette(cassette)
    project.run(tests).assert_outcomes(passed=1)


@pytest.mark.parametrize("how", ["option", "absolute option", "fixture"])
def test_cassette_folder_can_be_chosen(project: Project, how: str) -> None:
    """--gws-cassette-dir is relative to the start folder of pytest; overriding gws_cassette_dir does it in code."""
    saved(small(), project.pytester.path / "else" / "where" / "small.yaml")
    override = "from pathlib import Path\n@pytest.fixture\ndef gws_cassette_dir():\n    return Path('else/where')\n"
    options = {"option": "else/where", "absolute option": str(project.pytester.path / "else" / "where")}
    tests = (override if how == "fixture" else "") + marked(PLAYED)
    given = [f"--gws-cassette-dir={options[how]}"] if how in options else []
    project.run(tests, *given).assert_outcomes(passed=1)


NAMES = f"""
LONG = "x" * 400
IDS = ["a/b", "a:b", "a-b", "a?b", LONG + "1", LONG + "2", "..", "\\u00e4", "\\x1b[1m"]
@pytest.mark.parametrize("p", IDS, ids=str)
def test_it(p, gws):{PLAYED}

def test_{"long" * 40}(gws):{PLAYED}
"""


def test_no_two_tests_share_a_file_by_accident(project: Project) -> None:
    """Unsafe and long ids become names that any file system accepts, each different; with the files all pass."""
    found = re.findall(r"(cassettes\S+) does not exist", project.run(NAMES, "-q").stdout.str())
    names = sorted(set(found))
    assert 10 == len(names)
    for name in names:
        folder, _, file = name.removeprefix("cassettes/").partition("/")
        assert "test_agent" == folder
        assert re.fullmatch(r"test_[\w\[\]. -]*\.yaml", file, re.ASCII), file
        assert len(file.encode()) <= 160
        project.cassette(name.removeprefix("cassettes/"))
    assert "cassettes/test_agent/test_it[a-b].yaml" in names
    project.run(NAMES).assert_outcomes(passed=10)


def test_modules_of_one_name_in_two_folders_do_not_share_a_file(project: Project) -> None:
    """With one folder for all cassettes, a/test_agent.py and b/test_agent.py have their own files."""
    for folder in ("a", "b"):
        (project.pytester.path / folder).mkdir()
        (project.pytester.path / folder / "test_x.py").write_text("def test_it(gws): pass\n")
    output = project.pytester.runpytest_inprocess("--gws-cassette-dir=all", "--import-mode=importlib").stdout.str()
    assert 2 == len(set(re.findall(r"(all\S+) does not exist", output)))


def test_a_mark_on_one_parameter_leaves_the_others_alone(project: Project) -> None:
    """pytest.param(..., marks=...) marks one case only."""
    project.cassette("small.yaml")
    params = "@pytest.mark.parametrize('p', [pytest.param(1, marks=pytest.mark.gws_cassette('small')), 2])\n"
    body = "\n    if p == 1:\n        agent = Agent()\n        agent.sessions()\n        agent.update(A=2)\n"
    project.run(f"{params}def test_it(p):{body}").assert_outcomes(passed=2)


FORBIDDEN = ("aiohttp", "deepdiff", "mitmproxy", "requests", "vcr", "yaml")


def test_nothing_is_imported_or_patched_before_a_marked_test(project: Project) -> None:
    """An unmarked test imports no library, and its sockets are unpatched."""
    tests = f"""
        import sys, socket
        def test_it():
            assert [] == [name for name in {FORBIDDEN} if name in sys.modules]
            assert [] == [name for name in sys.modules if name.startswith("gws_replay.core")]
            assert "connect" not in vars(socket.socket)
    """
    project.pytester.makepyfile(test_plain=tests)
    project.pytester.runpytest_subprocess("test_plain.py").assert_outcomes(passed=1)


def test_replay_works_without_mitmproxy(project: Project) -> None:
    """The extra is for recording: replay imports none of it."""
    project.cassette("small.yaml")
    project.pytester.makeconftest(
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'mitmproxy':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
    )
    hidden = "def test_none():\n    with pytest.raises(ModuleNotFoundError):\n        import mitmproxy.http\n"
    project.run(hidden + marked(PLAYED), apart=True).assert_outcomes(passed=2)


def test_plain_vcrpy_works_beside_it(project: Project) -> None:
    """vcrpy in other tests, and inside marked ones, keeps its own cassettes; requests before and after are live."""
    project.cassette("small.yaml")
    path = saved(
        Cassette(interactions=(exchange("GET", "/plain", None, {"from": "plain"}),)),
        project.pytester.path / "plain.yaml",
    )
    plain = f"""
    import requests, vcr
    with vcr.use_cassette({str(path)!r}, record_mode="none"):
        assert "plain" == requests.get("http://gws.example/plain", timeout=60).json()["from"]
"""
    with live_server() as live:
        is_live = f"\n    import requests\n    assert 'live' == requests.get('{live.url}', timeout=60).json()['from']\n"
        tests = (
            f"def test_1():{plain}{is_live}\ndef test_2():{is_live}\n"
            + marked(PLAYED, head="def test_3():")
            + marked(plain + PLAYED, head="def test_4():")
            + f"\ndef test_5():{plain}{is_live}"
        )
        project.run(tests, apart=True).assert_outcomes(passed=5)
        assert 3 == len(live.hits)


@pytest.mark.parametrize(
    ("options", "outcomes"),
    [
        (("-p", "no:gws_replay"), {"errors": 1, "passed": 1}),
        (("-p", "no:cacheprovider", "--strict-markers"), {"passed": 2}),
        (("--import-mode=importlib", "-p", "no:assertion"), {"passed": 2}),
    ],
    ids=["plugin off", "no cache", "importlib"],
)
def test_options_of_pytest(project: Project, options: tuple[str, ...], outcomes: dict[str, int]) -> None:
    """Switched off, unmarked tests run and the missing fixture is named; no other plugin is needed."""
    project.cassette("small.yaml")
    result = project.run(f"def test_plain(): pass\n{marked(PLAYED)}", *options, "-W", "ignore", apart=True)
    result.assert_outcomes(**outcomes)
    if "errors" in outcomes:
        assert "fixture 'gws' not found" in result.stdout.str()


@pytest.mark.skipif(importlib.util.find_spec("xdist") is None, reason="pytest-xdist is not installed")
def test_under_xdist(project: Project) -> None:
    """Several workers play the same cassette at once."""
    project.cassette("small.yaml")
    tests = f"@pytest.mark.parametrize('n', range(8))\n{marked(PLAYED, head='def test_it(n):')}"
    project.run(tests, "-n", "2", apart=True).assert_outcomes(passed=8)


def test_help_shows_option_marker_and_fixtures(pytester: pytest.Pytester) -> None:
    """--help, --markers and --fixtures document what there is."""
    assert "--gws-cassette-dir=DIR" in pytester.runpytest_inprocess("--help").stdout.str()
    assert "@pytest.mark.gws_cassette(name=" in pytester.runpytest_inprocess("--markers").stdout.str()
    shown = pytester.runpytest_inprocess("--fixtures").stdout.str()
    assert re.search(r"^gws -- .*\n\s+Replay the marked cassette", shown, re.MULTILINE)
    assert re.search(r"^gws_cassette_dir .*-- .*\n\s+Return the folder", shown, re.MULTILINE)
