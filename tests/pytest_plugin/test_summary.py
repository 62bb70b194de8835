"""The pytest output for marked tests: the section of a failed one, the summary line, the properties in JUnit."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest
import requests  # noqa: F401 (once, here: the inner runs forget what they import)

from tests.pytest_plugin.projects import PLAYED, Project, marked
from tests.support.clients import live_server

HALF = "\n    Agent().sessions()\n"
MISSED = "\n    Agent().swallowing()\n"
SOCKET = "    with pytest.raises(OSError):\n        socket.create_connection(('192.0.2.1', 9), 5)\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("CI", raising=False)
    project = Project(pytester)
    project.cassette("small.yaml")
    return project


def sections(result: pytest.RunResult) -> list[list[str]]:
    """The lines below each title `gws_replay`."""
    found: list[list[str]] = []
    current: list[str] | None = None
    for line in result.outlines:
        if re.fullmatch(r"-+ gws_replay -+", line):
            found.append(current := [])
        elif re.match(r"[-=_]{4,}|gws_replay: ", line):
            current = None
        elif current is not None:
            current.append(line)
    return found


def summaries(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("gws_replay: ")]


GET = "--> GET /api/v2/me/facebooksessions  HTTP 200  interaction 0"
UPDATE = "--> UpdateUserData S1  statusCode 0  interaction 1"
UNTOLD = "<-x PropertiesUpdated S1  no CometD client  notification 0, answers interaction 1"
NOWHERE = "GET /api/v2/me/facebooksessions/nowhere"


def test_failed_test_shows_the_events_of_its_run(project: Project) -> None:
    """In their order, then the swallowed miss with its explanation, and what was stopped."""
    (lines,) = sections(project.run(marked(f"{PLAYED}    Agent().swallowing()\n{SOCKET}    assert 0\n")))
    miss = f"!!! {NOWHERE}  missed: no recorded request is equal to it"
    assert ["cassettes/small.yaml", GET, UPDATE, UNTOLD, miss, "missed:"] == lines[:6]
    assert f"  {NOWHERE} has no response in cassettes/small.yaml: no recorded request is equal to it" == lines[6]
    assert ["    nearest is interaction 1:", '      method: sent "GET", recorded "POST"'] == lines[7:9]
    assert ["stopped:", "  a connection to 192.0.2.1:9"] == lines[-2:]


def test_failed_test_shows_what_is_unplayed(project: Project) -> None:
    """That is not a second reason for the failure."""
    (lines,) = sections(project.run(marked(f"{HALF}    assert 0\n")))
    assert ["unplayed:", "  interaction 1: POST /api/v2/me/facebooksessions/S1 UpdateUserData"] == lines[2:4]


BEFORE = "@pytest.fixture\ndef ready():\n    Agent().sessions()\n    assert 0\n"
AFTER = "@pytest.fixture\ndef ready():\n    yield\n    Agent().sessions()\n    assert 0\n"
# How a test ends, and the sections that it must have.
ENDINGS = {
    "setup": (BEFORE + marked(PLAYED, head="def test_it(ready):"), 1),
    "teardown": (AFTER + marked("\n    Agent().update(A=2)\n", head="def test_it(ready):"), 1),
    "call": (marked(f"{PLAYED}    assert 0\n"), 1),
    "left": (marked(HALF), 1),
    "call, and a teardown that asks": (AFTER + marked("\n    assert 0\n", head="def test_it(ready):"), 2),
    "call, and a teardown that does not": (
        "@pytest.fixture\ndef ready():\n    yield\n    assert 0\n"
        + marked("\n    assert 0\n", head="def test_it(ready):"),
        1,
    ),
    "passed": (marked(PLAYED), 0),
    "skipped": (marked("\n    pytest.skip('today')\n"), 0),
    "xfailed": (f"@pytest.mark.xfail\n{marked(f'{PLAYED}    assert 0' + chr(10))}", 0),
    "unmarked": ("def test_it():\n    assert 0\n", 0),
    "no cassette": (marked(PLAYED, "'nowhere'"), 0),
}


@pytest.mark.parametrize(("tests", "count"), ENDINGS.values(), ids=ENDINGS)
def test_each_failed_phase_shows_only_new_events(project: Project, tests: str, count: int) -> None:
    """Setup, call or teardown; no event is shown twice, and a phase that passed has no section."""
    assert count == len(sections(project.run(tests)))


def test_failure_itself_is_not_reported_twice(project: Project) -> None:
    """A miss that is the failure is shown once with its explanation."""
    output = project.run(marked(f"{PLAYED}    Agent().by_requests()\n")).stdout.str()
    assert 1 == len(
        re.findall("^    *E? *nearest is interaction 1:|^E +nearest is interaction 1:", output, re.MULTILINE)
    )
    assert f"!!! {NOWHERE}  missed: no recorded request is equal to it" in output


def test_failed_recording_shows_its_exchanges(project: Project) -> None:
    """Redacted; the summary counts them, and names their file."""
    with live_server() as live:
        ask = (
            f"\n    import requests\n    requests.post('http://127.0.0.1:{live.port}/x?access_token=c2VjcmV0', b'1')\n"
        )
        result = project.run(marked(f"{ask}    assert 0\n", "'new'"), "--gws-record=once")
    (lines,) = sections(result)
    assert "--> POST /x  HTTP 200  interaction 0" == lines[1]
    first, *others = summaries(result)
    assert "gws_replay: 1 test, 0 played, 0 missed, 0 unplayed, 0 connections stopped, 1 live exchange" == first
    assert [True] == ["1 exchange recorded to " in line and "new.pending.yaml" in line for line in others]


TWO = f"{marked(PLAYED)}{marked(HALF, head='def test_half(gws):')}"
LINE = "gws_replay: 2 tests, 3 played, 0 missed, 2 unplayed, 1 undelivered, 0 connections stopped"
ONE = "gws_replay: 1 test, 2 played, 0 missed, 0 unplayed, 1 undelivered, "
# Tests, and the last line of the session.
SESSIONS = {
    "passed": (
        marked(PLAYED),
        "gws_replay: 1 test, 2 played, 0 missed, 0 unplayed, 1 undelivered, 0 connections stopped",
    ),
    "two": (TWO, LINE),
    "missed": (marked(MISSED), "gws_replay: 1 test, 0 played, 1 missed, 3 unplayed, 0 connections stopped"),
    "stopped": (
        marked(f"{PLAYED}{SOCKET}"),
        f"{ONE}1 connection stopped",
    ),
    "skipped need not play": (
        marked("\n    pytest.skip('today')\n"),
        "gws_replay: 1 test, 0 played, 0 missed, 0 unplayed, 0 connections stopped",
    ),
    "no cassette": (
        marked(PLAYED, "'nowhere'"),
        "gws_replay: 1 test, 0 played, 0 missed, 0 unplayed, 0 connections stopped",
    ),
    "allowed host": (
        marked(PLAYED, "'small', allowed_hosts=['127.0.0.1']"),
        f"{ONE}0 connections stopped (not watched: allowed hosts)",
    ),
    "allowed host by place": (
        marked(PLAYED, "'small', False, ('127.0.0.1',)"),
        f"{ONE}0 connections stopped (not watched: allowed hosts)",
    ),
    "unmarked": ("def test_it():\n    pass\n", None),
}


@pytest.mark.parametrize(("tests", "line"), SESSIONS.values(), ids=SESSIONS)
def test_a_session_ends_with_one_line(project: Project, tests: str, line: str | None) -> None:
    """If a marked test ran; a stopped connection is not counted as live."""
    assert ([] if line is None else [line]) == summaries(project.run(tests))[:1]


@pytest.mark.parametrize(
    ("options", "shown"),
    [(("-q",), True), (("-qq",), False), (("-p", "no:terminal"), False)],
)
def test_quiet_options_hide_the_line(project: Project, options: Sequence[str], shown: bool) -> None:
    """-q still shows the line, -qq does not; it also works without a terminal."""
    result = project.run(TWO, *options)
    assert (1, shown) == (result.ret, LINE in result.outlines)


def test_without_the_plugin_there_is_nothing_of_it(project: Project) -> None:
    """-p no:gws_replay leaves neither the line nor the option."""
    result = project.run("def test_it():\n    pass\n", "-p", "no:gws_replay", apart=True)
    assert (0, []) == (result.ret, summaries(result))
    assert "unrecognized arguments: --gws-report=x.html" in "".join(
        project.run("", "-p", "no:gws_replay", "--gws-report=x.html", apart=True).errlines
    )


@pytest.mark.parametrize(
    ("tests", "colour"),
    [(marked(PLAYED), 32), (f"@pytest.mark.xfail\n{marked(MISSED)}", 33), (marked(MISSED), 31)],
    ids=["green", "yellow", "red"],
)
def test_the_line_has_pytests_colours(project: Project, tests: str, colour: int) -> None:
    """Green when all is well, yellow for warnings, red when a marked test failed."""
    assert f"\x1b[{colour}mgws_replay: 1 test," in project.run(tests, "--color=yes").stdout.str()


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_junit_has_the_cassette_and_the_counts(project: Project, options: Sequence[str]) -> None:
    """As properties of marked tests alone; with xdist the same, and the summary only once."""
    plain = "def test_plain():\n    pass\n"
    result = project.run(
        TWO + marked(MISSED, head="def test_miss():") + plain, "--junitxml=j.xml", *options, apart=True
    )
    line = "gws_replay: 3 tests, 3 played, 1 missed, 5 unplayed, 1 undelivered, 0 connections stopped"
    assert line == summaries(result)[0]
    cases = ET.fromstring((project.pytester.path / "j.xml").read_text("utf-8")).iter("testcase")
    found = {
        case.get("name"): [(each.get("name"), each.get("value")) for each in case.iter("property")] for case in cases
    }
    names = ("gws_cassette", "gws_played", "gws_missed", "gws_unplayed")
    path = "cassettes/small.yaml"
    assert {
        "test_it": list(zip(names, (path, "2", "0", "0"), strict=True)),
        "test_half": list(zip(names, (path, "1", "0", "2"), strict=True)),
        "test_miss": list(zip(names, (path, "0", "1", "3"), strict=True)),
        "test_plain": [],
    } == found
