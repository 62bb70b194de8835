"""How a marked test fails: in words, for the right reason, without secrets."""

import re

import pytest

import gws_replay.interception.interceptor  # noqa: F401 (once, here: the inner runs forget what they import)
from tests.pytest_plugin.projects import PLAYED, Project, marked
from tests.support.clients import live_server


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            None,
            (
                "cassette_not_found: cassettes/small.yaml does not exist. Record it: pytest 'test_agent.py::test_it' "
                "--gws-record=once, with the client going to your GWS; or gws-replay record --upstream "
                "https://YOUR-GWS --cassette cassettes/small.yaml -- YOUR-CLIENT"
            ),
        ),
        ("# gws-replay cassette, format 1\nversion: 1\ninter", "cassettes/small.yaml is torn"),
        ("[1, 2]", "cassettes/small.yaml has the list form of VCR before version 1"),
        ("version: 9\n", "cassettes/small.yaml: version 9 is unknown"),
        ("version: 1\ninteractions:\n- request: {method: GET}\n", "cassettes/small.yaml, interaction 0: the field"),
    ],
    ids=["missing", "torn", "list form", "other version", "a field missing"],
)
def test_unplayable_cassette_fails_with_one_sentence(project: Project, content: str | None, message: str) -> None:
    """The file, the error, and no traceback; the test does not run, nothing is patched."""
    if content is not None:
        project.cassette("small.yaml").write_text(content)
    result = project.run(marked("\n    print('ran')\n"))
    result.assert_outcomes(errors=1)
    assert message in result.stdout.str()
    assert not re.search(r"ran\n|\.py:\d+: in|Traceback|pytest_plugin\.py:|another exception", result.stdout.str())


@pytest.mark.parametrize(
    "arguments",
    ["'small', record='x'", "'small', True, (), 4", "name=5", "'small', allowed_hosts='localhost'", "'small', 'yes'"],
)
def test_wrong_arguments_are_named(project: Project, arguments: str) -> None:
    """The marker names the test, the error, and the valid arguments; it guesses nothing."""
    project.cassette("small.yaml")
    result = project.run(marked(PLAYED, arguments))
    result.assert_outcomes(errors=1)
    assert re.search(r"test_agent\.py::test_it: gws_cassette\(.*\) is wrong: it takes name", result.stdout.str())
    assert not re.search(r"in __init__|pathlib\.py|pytest_plugin\.py:\d|another exception", result.stdout.str())


MISS = "GET /api/v2/me/facebooksessions/nowhere has no response in cassettes/small.yaml: no recorded request is"
REACHES = "socket.create_connection(('192.0.2.1', 9), 5)"
STOPPED = "a connection to 192.0.2.1:9 was stopped"


MISMATCH = """
    agent = Agent()
    agent.sessions()
    with gws.expect_userdata('S1', changed={'A': 3}):
        agent.update(A=2)
"""
HALF = "\n    Agent().sessions()\n"
# The body of a test, more arguments of its marker, what the output must say.
FAILS = {
    "miss": (f"{PLAYED}    Agent().by_requests()\n", "", MISS),
    "swallowed miss": (f"{PLAYED}    Agent().swallowing()\n", "", MISS),
    "swallowed, unplayed allowed": (f"{PLAYED}    Agent().swallowing()\n", ", allow_unplayed=True", MISS),
    "blocked": (f"{PLAYED}    {REACHES}\n", "", STOPPED),
    "swallowed block": (f"{PLAYED}    with pytest.raises(OSError):\n        {REACHES}\n", "", STOPPED),
    "unplayed interaction": (HALF, "", "interaction 1: POST /api/v2/me/facebooksessions/S1 UpdateUserData"),
    "unplayed notification": (HALF, "", "notification 0 on /v2/me/facebooksession, caused by interaction 1"),
    "nothing asked": ("\n    pass\n", "", "cassettes/small.yaml was not played to its end"),
    "own assertion": (f"{PLAYED}    assert 'mine' == 'yours'\n", "", "assert 'mine' == 'yours'"),
    "own assertion and a miss": (
        "\n    Agent().swallowing()\n    assert 'mine' == 'yours'\n",
        "",
        "assert 'mine' == 'yours'",
    ),
    "own error": ("\n    raise LookupError('mine')\n", "", "LookupError: mine"),
    "mismatch": (MISMATCH, "", "A should be 3 (integer), is 2 (integer)"),
    "mismatch shows more": (MISMATCH, "", "more:     gws-replay show cassettes/small.yaml"),
}


@pytest.mark.parametrize(("body", "arguments", "message"), FAILS.values(), ids=FAILS)
def test_failed_test_shows_its_reason(project: Project, body: str, arguments: str, message: str) -> None:
    """The plugin never hides the test's own failure."""
    project.cassette("small.yaml")
    result = project.run(marked(body, f"'small'{arguments}"))
    outcomes = result.parseoutcomes()
    assert 1 == outcomes.get("failed", 0) + outcomes.get("errors", outcomes.get("error", 0))
    assert message in result.stdout.str()


@pytest.mark.parametrize("phase", ["setup", "teardown"])
def test_miss_that_a_fixture_swallowed_is_reported(project: Project, phase: str) -> None:
    """In whichever phase the request was sent, the test fails."""
    project.cassette("small.yaml")
    order = ["    Agent().swallowing()\n", "    yield\n"]
    steps = "".join(order if phase == "setup" else reversed(order))
    result = project.run(f"@pytest.fixture\ndef ready():\n{steps}" + marked(PLAYED, head="def test_it(ready):"))
    assert 1 == result.ret
    assert MISS in result.stdout.str()


@pytest.mark.parametrize("failing", [True, False])
def test_unplayed_is_reported_once(project: Project, failing: bool) -> None:
    """A test that failed by itself does not report what is unplayed as a second failure."""
    project.cassette("small.yaml")
    output = project.run(marked(f"{HALF}    assert {not failing}\n")).stdout.str()
    assert ("was not played to its end" in output) is not failing


@pytest.mark.parametrize(
    ("tests", "outcome"),
    [
        (marked("\n    Agent().sessions()\n", "'small', allow_unplayed=True"), "passed"),
        (marked("\n    pytest.skip('not today')\n"), "skipped"),
        (f"@pytest.mark.xfail(strict=True)\n{marked(chr(10) + '    Agent().by_requests()' + chr(10))}", "xfailed"),
    ],
)
def test_marked_test_may_pass_or_be_skipped(project: Project, tests: str, outcome: str) -> None:
    """allow_unplayed allows a part to be played; a skipped test need not play; a miss can be expected."""
    project.cassette("small.yaml")
    project.run(tests).assert_outcomes(**{outcome: 1})


def test_an_allowed_host_is_live(project: Project) -> None:
    """allowed_hosts opens the network for it alone."""
    project.cassette("small.yaml")
    with live_server() as live:
        reach = f"    socket.create_connection(('127.0.0.1', {live.port}), 5).close()\n"
        tests = marked(PLAYED + reach, "'small', allowed_hosts=['127.0.0.1']")
        project.run(tests).assert_outcomes(passed=1)


USER_LINES = {
    "by_requests": "requests.get(URL",
    "by_httpx": "httpx.get(URL",
    "by_aiohttp": "session.get(URL",
    "update": "self.session.post(URL",
    "own_adapter": "super().send(request",
    "wrapping": "the agent failed",
}


LOCALS = ("-vv", "--showlocals", "--tb=long")
EVERY_CALL = [(call, kind, LOCALS) for call in USER_LINES for kind in ("test", "unittest", "fixture", "teardown")]
OTHER_STYLES = [
    ("by_requests", "test", style) for style in [(), ("-l", "--full-trace"), ("--tb=native",), ("--tb=short",)]
]


@pytest.mark.parametrize(("call", "kind", "options"), [*EVERY_CALL, *OTHER_STYLES], ids=str)
def test_the_traceback_ends_at_the_users_line(project: Project, call: str, kind: str, options: tuple[str, ...]) -> None:
    """No frame of an HTTP library is shown: its local variables hold live credentials."""
    project.cassette("small.yaml")
    mark = "@pytest.mark.gws_cassette('small', allow_unplayed=True)\n"
    tests = {
        "test": f"{mark}def test_it():\n    Agent().{call}()\n",
        "unittest": f"class TestIt(unittest.TestCase):\n  {mark}  def test_it(self):\n    Agent().{call}()\n",
        "fixture": f"@pytest.fixture\ndef ready():\n    Agent().{call}()\n{mark}def test_it(ready):\n    pass\n",
        "teardown": f"@pytest.fixture\ndef ready():\n    yield\n    Agent().{call}()\n{mark}def test_it(ready): pass\n",
    }
    output = project.run(tests[kind], *options).stdout.str()
    assert "has no response in cassettes/small.yaml" in output
    assert USER_LINES[call] in output
    assert "c2VjcmV0" not in output
    assert not re.search(r"(vcr/stubs|requests/sessions|httpx/_client|aiohttp/client|interceptor|playback)\.py", output)
