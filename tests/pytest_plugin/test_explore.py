"""`pytest --gws-explore`: variants of the recorded order, in small projects whose clients have a race, or none."""

import re
from dataclasses import replace

import pytest

from gws_replay.pytest_plugin import explore
from tests.pytest_plugin.projects import Project, marked
from tests.support.builders import cassette, get, push, update

TWO = cassette(
    get({"A": 1}, began=0),
    update({"A": 2}, began=1),
    get({"A": 2}, began=2),
    push({"A": 2}, seen=2.5),
    update({"B": 1}, began=3, session="S2"),
    get({"A": 2}, began=4),
    push({"B": 1}, seen=4.5, session="S2"),
)
CLIENT = '''
"""A client with a thread that polls, as simple as a client can be."""
import threading
import requests

URL = "http://gws.example/api/v2"

class Client:
    forgets = subscribes_once = False
    def __init__(self, url=URL):
        self.url, self.received, self.over = url, [], False
        self.changed = threading.Condition()
        self.rest, self.comet = requests.Session(), requests.Session()
        self.shake_hands()
        self.thread = threading.Thread(target=self.poll, daemon=True)
        self.thread.start()
    def send(self, channel, **fields):
        sent = [{"channel": channel, **fields}]
        return self.comet.post(self.url + "/notifications", json=sent, timeout=9).json()
    def shake_hands(self, subscribe=True):
        (reply,) = self.send("/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])
        self.id = reply["clientId"]
        if subscribe:
            (reply,) = self.send("/meta/subscribe", clientId=self.id, subscription="/**")
            if not reply["successful"]:
                self.shake_hands()
    def poll(self):
        while not self.over:
            try:
                messages = self.send("/meta/connect", clientId=self.id, connectionType="long-polling")
            except requests.RequestException:
                continue
            for each in messages:
                if "data" in each:
                    with self.changed:
                        self.received.append(each["data"]["facebooksession"]["id"])
                        self.changed.notify_all()
                elif not each["successful"] and not self.over:
                    self.shake_hands(not self.subscribes_once)
    def wait(self, session):
        with self.changed:
            assert self.changed.wait_for(lambda: session in self.received, 1.5), f"no notification of {session}"
    def update(self, session, **data):
        sent = {"operationName": "UpdateUserData", "userData": data}
        self.rest.post(f"{self.url}/me/facebooksessions/{session}", json=sent, timeout=9)
        if self.forgets and session in self.received:
            self.received.remove(session)
    def look(self):
        return self.rest.get(self.url + "/me/facebooksessions?fields=*", timeout=9).json()
    def close(self):
        self.over = True
        self.send("/meta/disconnect", clientId=self.id)
        self.thread.join(9)

class Careful(Client):
    """Looks after a broken connection before it writes again, and after it had to shake hands again."""
    def shake_hands(self, subscribe=True):
        while True:
            try:
                super().shake_hands(subscribe)
                break
            except requests.RequestException:
                pass
        if getattr(self, "thread", None):
            self.look()
    def update(self, session, **data):
        try:
            super().update(session, **data)
        except requests.ConnectionError:
            shown = {each["id"]: each["userData"] for each in self.look()["facebooksessions"]}
            if shown.get(session) != data:
                super().update(session, **data)
    def look(self):
        try:
            found = super().look()
        except requests.ConnectionError:
            found = super().look()
        if found["facebooksessions"][0]["userData"] == {"A": 2}:
            with self.changed:
                self.received.append("S1")
                self.changed.notify_all()
        return found
    def close(self):
        try:
            super().close()
        except requests.RequestException:
            pass

def play(client, together=False):
    try:
        client.look()
        client.update("S1", A=2)
        client.look()
        if not together:
            client.wait("S1")
        client.update("S2", B=1)
        client.look()
        client.wait("S1")
        client.wait("S2")
    finally:
        client.close()
    return client.received
'''
RIGHT = "\n    from client import Client, play\n    play(Client())\n"
FORGETS = "\n    from client import Client, play\n    Client.forgets = True\n    play(Client())\n"
IN_ORDER = "\n    from client import Client, play\n    assert play(Client(), together=True) == ['S1', 'S2']\n"


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    found = Project(pytester)
    pytester.makepyfile(client=CLIENT)
    found.cassette("two.yaml", TWO)
    found.cassette("silent.yaml", replace(TWO, notifications=()))
    return found


def two(body: str, head: str = "def test_it(gws):", **arguments: object) -> str:
    return marked(body, ", ".join(["'two'", *(f"{name}={value!r}" for name, value in arguments.items())]), head)


def test_a_race_is_found_reduced_and_told_in_words(project: Project) -> None:
    """Each failing variant is a test case of its own, which says how to run it again."""
    result = project.run(two(FORGETS), "--gws-explore=12", "--junitxml=junit.xml")
    result.assert_outcomes(passed=1, failed=2)
    told = "fails when notification 0 (PropertiesUpdated S1) is delivered before the response to "
    result.stdout.fnmatch_lines(
        [
            f"{told}interaction 1 (UpdateUserData)",
            "to run it again: pytest 'test_agent.py::test_it' '--gws-explore=@v1:*:n0:q1'",
            "*explored test_agent.py::test_it: * variants; * of * orderings seen; 2 failed*",
        ]
    )
    cases = re.findall(r'name="(test_it[^"]*)"', (project.pytester.path / "junit.xml").read_text())
    assert [re.sub(r"v1:\w+:", "", each) for each in cases] == ["test_it", "test_it[@n0:q1]", "test_it[@n1:q3]"]


def test_the_page_shows_the_recorded_order_beside_the_explored_one(project: Project) -> None:
    project.run(two(FORGETS), "--gws-explore=1", "--gws-report=page.html").assert_outcomes(passed=1, failed=1)
    text = (project.pytester.path / "page.html").read_text()
    rows = re.findall(r"<tr><th scope=\"row\">(\d+)</th><td>(.*?)</td><td>(.*?)</td></tr>", text)
    moved = "<mark>notification 0 (PropertiesUpdated S1)</mark>"
    assert rows[3] == ("4", "the response to interaction 1 (UpdateUserData)", moved)
    assert moved in [recorded for _, recorded, _ in rows]
    assert "fails when notification 0 (PropertiesUpdated S1) is delivered before the response" in text


def test_a_variant_is_run_again_by_its_text(project: Project) -> None:
    found = project.run(two(FORGETS), "--gws-explore=4")
    text = re.search(r"--gws-explore=(@v1:\w+:n0:q1)'", found.stdout.str())
    assert text
    project.run(two(FORGETS), f"--gws-explore={text[1]}").assert_outcomes(passed=1, failed=1)
    unmarked = "\ndef test_unmarked():\n    pass\n"
    result = project.run(two(RIGHT) + unmarked, f"--gws-explore={text[1]}")
    result.assert_outcomes(passed=2)
    assert "test_unmarked" not in result.stdout.str()


def test_two_notifications_that_change_places_are_found(project: Project) -> None:
    result = project.run(two(IN_ORDER), "--gws-explore=20")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["fails when notification 0 * is delivered after notification 1 (*S2)"])


def test_a_correct_client_passes_every_variant(project: Project) -> None:
    result = project.run(two(RIGHT), "--gws-explore=40")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*explored test_agent.py::test_it: 40 variants; * of * orderings seen"])


def test_a_correct_client_passes_every_interruption(project: Project) -> None:
    """It looks before it writes again, and after it had to shake hands again."""
    tests = two("\n    from client import Careful, play\n    play(Careful())\n")
    result = project.run(tests, "--gws-explore=60", "--gws-explore-level=interruptions")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_it: 60 variants; *"])


def test_a_client_that_forgets_to_subscribe_again_is_found(project: Project) -> None:
    body = "\n    from client import Client, play\n    Client.subscribes_once = True\n    play(Client())\n"
    result = project.run(two(body), "--gws-explore=60", "--gws-explore-level=interruptions")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["fails when Bayeux request * gets 402::Unknown client*"])


def test_through_a_server(project: Project) -> None:
    body = FORGETS.replace("Client()", "Client(gws_server.url + '/api/v2')")
    result = project.run(two(body, "def test_it(gws_server):"), "--gws-explore=4")
    result.assert_outcomes(passed=1, failed=2)


def test_own_fixtures_are_made_anew_and_wider_ones_stay(project: Project) -> None:
    tests = """
made = []
@pytest.fixture(scope="module")
def wide():
    made.append("wide")
    yield
    made.append("end")
@pytest.fixture
def own():
    made.append("own")
def test_after_all():
    assert made == ["wide", *["own"] * 6, "end"] or made == []
"""
    tests += two(RIGHT, "def test_it(gws, wide, own):")
    later = "\ndef test_later():\n    import test_agent\n    assert test_agent.made == ['wide', *['own'] * 6, 'end']\n"
    project.pytester.makepyfile(test_later=later)
    project.run(tests, "--gws-explore=5").assert_outcomes(passed=3)


def test_a_client_of_a_wider_fixture_goes_on_from_variant_to_variant(project: Project) -> None:
    tests = """
@pytest.fixture(scope="module")
def client(gws_use_cassette):
    from client import Client
    found = Client()
    yield found
    found.close()
"""
    body = """
    from client import play
    client.received.clear()
    client.close = lambda: None
    play(client)
    del client.close
"""
    result = project.run(tests + two(body, "def test_it(client, gws):"), "--gws-explore=20")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_it: 20 variants; *"])


def test_the_marker_and_the_ini_file_ask_for_it_too(project: Project) -> None:
    project.run(two(RIGHT, explore=3)).stdout.fnmatch_lines(["*test_it: 3 variants; *"])
    project.pytester.makeini("[pytest]\ngws_explore = 2\n")
    project.run(two(RIGHT)).stdout.fnmatch_lines(["*test_it: 2 variants; *"])


def test_unittest_and_asyncio(project: Project) -> None:
    tests = two(RIGHT.replace("\n    ", "\n        "), "class TestIt(unittest.TestCase):\n    def test_it(self):")
    tests += two(
        "\n    from client import Client, play\n    asyncio.run(asyncio.to_thread(lambda: play(Client())))\n",
        "def test_async(gws):",
    )
    result = project.run(tests, "--gws-explore=3")
    result.assert_outcomes(passed=2)
    assert result.stdout.str().count("3 variants") == 2


def test_failures_of_other_processes_are_reported(project: Project) -> None:
    result = project.run(two(FORGETS), "--gws-explore=4", "-n1", apart=True)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*explored test_agent.py::test_it: * 2 failed*"])


def test_a_test_that_fails_and_passes_alike_is_flaky_and_no_race(project: Project) -> None:
    body = "\n    from client import Client, play\n    play(Client())\n    count[0] += 1\n    assert count[0] != 3\n"
    result = project.run("count = [0]\n" + two(body), "--gws-explore=5")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*@v1:* is flaky: it fails and passes when *"])


def test_a_test_that_never_ends_is_ended(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore, "_LEAST", 0.5)
    monkeypatch.setattr(explore, "_SLOWER", 0.0)
    body = "\n    import time\n    if made: time.sleep(60)\n    made.append(1)\n" + RIGHT
    result = project.run("made = []\n" + two(body), "--gws-explore=1")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_it did not end within 0.5 s under this variant"])


@pytest.mark.parametrize(
    ("tests", "line"),
    [
        (
            marked(RIGHT, "'silent', allow_unplayed=True").replace("play(Client())", "Client().close()"),
            "no notifications",
        ),
        (two("\n    assert False\n"), "does not pass as recorded"),
        (two("\n    Agent().sessions()\n", allow_unplayed=True), "client received no notification"),
    ],
)
def test_what_cannot_be_explored_says_why(project: Project, tests: str, line: str) -> None:
    project.run(tests, "--gws-explore=3").stdout.fnmatch_lines([f"*not explored, as *{line}*"])


def test_exploring_ends_when_its_time_is_over(project: Project) -> None:
    result = project.run(two(RIGHT), "--gws-explore=5000", "--gws-explore-time=0.3s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*test_it: * variants, then the time was over; *"])


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("--gws-explore=0", "--gws-explore needs a number of variants from 1 on, or a variant"),
        ("--gws-explore=many", "--gws-explore needs a number of variants from 1 on, or a variant"),
        ("--gws-explore-time=soon", "--gws-explore-time needs a time such as 60s or 5m, not 'soon'"),
    ],
)
def test_a_wrong_option_is_refused_in_a_sentence(project: Project, option: str, problem: str) -> None:
    result = project.run(two(RIGHT), option, *(["--gws-explore"] if "time" in option else []))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert problem in result.stderr.str()


def test_a_variant_of_another_recording_is_refused(project: Project) -> None:
    result = project.run(two(RIGHT), "--gws-explore=@v1:0123456789:n0:q1")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*is of another recording than *two.yaml: explore again*"])


def test_a_marker_with_nothing_to_run_is_refused(project: Project) -> None:
    project.run(two(RIGHT, explore=0)).assert_outcomes(errors=1)


def test_without_the_option_nothing_of_it_is_loaded(project: Project) -> None:
    project.pytester.makeconftest(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    print('loaded', [name for name in sys.modules if 'core.explore' in name or name.endswith('.explore')])\n"
    )
    project.run(two(RIGHT), "-s", apart=True).stdout.fnmatch_lines(["*loaded []*"])


def test_a_fault_is_judged_by_the_user_and_not_by_the_test(project: Project) -> None:
    """The client loses S1's notification and gives up: the test fails under this fault, and the client has survived."""
    judge = """
@pytest.fixture
def gws_fault():
    def decide(kind):
        assert kind != "error", "the agent was not told"
    return decide
"""
    found = project.run(two(RIGHT), "--gws-explore=1")
    digest = re.search(r"@v1:(\w+):", project.run(two(IN_ORDER), "--gws-explore=20").stdout.str())
    assert digest
    assert found.ret == 0
    project.run(two(RIGHT), f"--gws-explore=@v1:{digest[1]}:n0:lost").assert_outcomes(passed=1)
    result = project.run(judge + two(RIGHT), f"--gws-explore=@v1:{digest[1]}:n0:error")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["fails when notification 0 (PropertiesUpdated S1) reports an error instead *"])


def test_a_storm_of_requests_under_a_fault_fails(project: Project) -> None:
    body = """
    from client import Client, play
    client = Client()
    while client.rest.get(client.url + "/me/facebooksessions?fields=*", timeout=9).status_code == 503:
        pass
    play(client)
"""
    stubborn = body.replace("== 503:\n        pass", "== 503 or tries > 0:\n        tries -= 1")
    stubborn = stubborn.replace("client = Client()", "client, tries = Client(), 300 if made else 0\n    made.append(1)")
    text = project.run(two(IN_ORDER), "--gws-explore=20").stdout.str()
    digest = re.search(r"@v1:(\w+):", text)
    assert digest
    variant = f"--gws-explore=@v1:{digest[1]}:q0:http-503"
    result = project.run("made = []\n" + two(stubborn), variant)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the client sent a storm of requests: *, where * would do"])
