"""CometD clients that outlive a test: they continue in the next marked test, and reach nothing between tests."""

from collections.abc import Iterator

import pytest
import requests  # noqa: F401 (once, here: the inner runs forget what they import)

import gws_replay.interception.interceptor
import gws_replay.pytest_plugin.recordings  # noqa: F401
from gws_replay.sandbox.server import RunningSandbox, serving
from tests.support.clients import live_server
from tests.support.racing_gws import racing

HEAD = """
import asyncio, threading, time
import aiohttp, pytest, requests

SESSION = "0002DaAVKJ0V0095"

class Desk:
    def __init__(self):
        self.http = requests.Session()
        self.http.trust_env = False  # pytest changes the environment between tests
        self.http.auth = ("agent1", "sandbox")
        self.http.headers["X-CSRF-TOKEN"] = self.http.get(URL + "/api/v2/me", timeout=60).headers["X-CSRF-TOKEN"]
        self.received, self.ids, self.ends, self.error = [], set(), False, None
        self.changed = threading.Condition()
        self.client = self.send(channel="/meta/handshake")[0]["clientId"]
        self.send(channel="/meta/subscribe", subscription="/v2/me/*", clientId=self.client)
        self.thread = threading.Thread(target=self.poll, daemon=True)
        self.thread.start()
    def send(self, **message):
        return self.http.post(URL + "/api/v2/notifications", json=[{"id": "1", **message}], timeout=60).json()
    def poll(self):
        try:
            while not self.ends:
                for each in self.send(channel="/meta/connect", connectionType="long-polling", clientId=self.client):
                    if each["channel"] == "/meta/connect":
                        assert each["successful"] or self.ends, each
                    else:
                        with self.changed:
                            self.received.append(each["data"]["facebooksession"]["userData"])
                            self.changed.notify_all()
        except Exception as error:
            self.error = error
    def sessions(self):
        assert self.http.get(URL + "/api/v2/me/facebooksessions?fields=*", timeout=60).ok
    def update(self, **data):
        sent = {"operationName": "UpdateUserData", "userData": data}
        assert self.http.post(f"{URL}/api/v2/me/facebooksessions/{SESSION}", json=sent, timeout=60).ok
    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, 20), self.error
    def stop(self):
        self.ends = True
        self.send(channel="/meta/disconnect", clientId=self.client)
        self.thread.join(20)
        assert not self.thread.is_alive()
"""
DESK = """
@pytest.fixture(scope="module")
def desk():
    desk = Desk()
    yield desk
    desk.stop()
    assert desk.error is None

@pytest.mark.gws_cassette
@pytest.mark.parametrize("value", ["second", "third", "fourth"])
def test_update(desk, gws, value):
    before = len(desk.received)
    desk.sessions()
    with gws.expect_userdata(SESSION, written={"UserData1": value}):
        desk.update(UserData1=value)
        desk.wait(before + 1)
    assert [value] == [each["UserData1"] for each in desk.received[before:]]

def test_between(desk):
    assert desk.thread.is_alive()
"""
TWO = """
@pytest.fixture(scope="module")
def desks():
    desks = [Desk(), Desk()]
    yield desks
    for desk in desks:
        desk.stop()

@pytest.mark.gws_cassette
@pytest.mark.parametrize("value", ["second", "third"])
def test_update(desks, value):
    counts = [len(desk.received) for desk in desks]
    desks[0].sessions()
    desks[0].update(UserData1=value)
    for desk, before in zip(desks, counts):
        desk.wait(before + 1)
    assert [[value]] * 2 == [[each["UserData1"] for each in desk.received[n:]] for desk, n in zip(desks, counts)]
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serving(push_delay=0.02) as running:
        yield running


@pytest.fixture(autouse=True)
def _writable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.mark.parametrize(("tests", "count"), [(DESK, 4), (TWO, 2)], ids=["one client", "two clients of one user"])
def test_a_client_of_a_module_goes_on_in_each_test(
    pytester: pytest.Pytester, sandbox: RunningSandbox, tests: str, count: int
) -> None:
    """It receives each notification once, live and in replay.

    In any order of the tests, and with each of them alone.
    """
    pytester.makepyfile(test_it=f"URL = {sandbox.url!r}{HEAD}{tests}")
    pytester.runpytest_inprocess("--gws-record=once").assert_outcomes(passed=count)
    pytester.makepyfile(test_it=f"URL = 'http://gws.example:9'{HEAD}{tests}")
    for options in ([], ["-k", "third"], ["test_it.py::test_update[third]", "test_it.py::test_update[second]"]):
        result = pytester.runpytest_inprocess(*options)
        assert 0 == result.ret, str(result.stdout)
        result.stdout.fnmatch_lines(["gws_replay: * 0 missed, 0 unplayed, 0 connections stopped*"])


def test_client_left_running_by_a_test_is_held_and_named(pytester: pytest.Pytester, sandbox: RunningSandbox) -> None:
    """During unmarked tests it reaches nothing; the summary names the test that started it.

    Its thread ends with the session, even one that the process would wait for.
    """
    head = HEAD.replace("connectionType=", 'advice={"timeout": 200}, connectionType=').replace("daemon=True", "")
    cassette = "@pytest.mark.gws_cassette\ndef test_first():\n    Desk().sessions()\n"
    pytester.makepyfile(test_it=f"URL = {sandbox.url!r}{head}{cassette}")
    pytester.runpytest_subprocess("--gws-record=once", timeout=60).assert_outcomes(passed=1)
    with live_server() as live:
        pytester.makepyfile(
            test_it=f"URL = {live.url!r}{head}{cassette}"
            "def test_second():\n    time.sleep(0.5)\n    assert 'poll' in str(threading.enumerate())\n"
        )
        result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", timeout=60)
        result.assert_outcomes(passed=2)
        assert [] == live.hits
    result.stdout.fnmatch_lines(["gws_replay: a client of test_it.py::test_first went on after the test: *was held*"])


FACTORY = """
@pytest.fixture(scope="module")
def make():
    made = []
    def build():
        made.append(Desk())
        return made[-1]
    yield build
    for desk in made:
        desk.stop()

def change(desk, value):
    desk.sessions()
    desk.update(UserData1=value)
    desk.wait(1)

@pytest.mark.gws_cassette
def test_second(make):
    change(make(), "second")

@pytest.mark.gws_cassette
def test_third(make):
    change(make(), "third")

@pytest.mark.gws_cassette
def test_none(make):
    assert requests.get(URL + "/api/v2/me", auth=("agent1", "sandbox"), timeout=60).ok
"""


@pytest.mark.parametrize("name", ["second", "third", "none"])
def test_a_factory_stops_only_the_clients_of_the_tests_that_ran(
    pytester: pytest.Pytester, sandbox: RunningSandbox, name: str
) -> None:
    """Its teardown was recorded with the clients of all tests, and each test is replayed alone."""
    pytester.makepyfile(test_it=f"URL = {sandbox.url!r}{HEAD}{FACTORY}")
    pytester.runpytest_inprocess("--gws-record=once").assert_outcomes(passed=3)
    pytester.makepyfile(test_it=f"URL = 'http://gws.example:9'{HEAD}{FACTORY}")
    pytester.runpytest_inprocess("-k", name).assert_outcomes(passed=1, deselected=2)


TWO_USERS = """
import threading
import pytest, requests

class Agent:
    def __init__(self, name):
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.auth = (name, "x")
        assert self.http.get(URL + "/api/v2/me", timeout=60).ok
        self.received, self.ends, self.changed = [], False, threading.Condition()
        self.client = self.send(channel="/meta/handshake")[0]["clientId"]
        self.send(channel="/meta/subscribe", subscription="/v2/me/*", clientId=self.client)
        self.thread = threading.Thread(target=self.poll, daemon=True)
        self.thread.start()
    def send(self, **message):
        return self.http.post(URL + "/api/v2/notifications", json=[{"id": "1", **message}], timeout=60).json()
    def poll(self):
        while not self.ends:
            for each in self.send(channel="/meta/connect", connectionType="long-polling", clientId=self.client):
                if each["channel"] != "/meta/connect":
                    with self.changed:
                        self.received.append(each["data"]["chat"]["userData"]["Note"])
                        self.changed.notify_all()
                else:
                    assert each["successful"] or self.ends, each
    def update(self, note):
        before = len(self.received)
        sent = {"operationName": "UpdateUserData", "userData": {"Note": note}}
        assert self.http.post(URL + "/api/v2/me/chats/1", json=sent, timeout=60).ok
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) > before, 20)
    def stop(self):
        self.ends = True
        self.send(channel="/meta/disconnect", clientId=self.client)
        self.thread.join(20)
        assert not self.thread.is_alive()

@pytest.fixture(scope="module")
def agents():
    agents = [Agent("anna"), Agent("bert")]
    yield agents
    for agent in agents:
        agent.stop()

@pytest.mark.gws_cassette
@pytest.mark.parametrize("number", range(3))
def test_update(agents, number):
    before = [len(agent.received) for agent in agents]
    order = agents if number % 2 else agents[::-1]
    for agent in order:
        agent.update(f"{agent.http.auth[0]} {number}")
    expected = [[f"anna {number}"], [f"bert {number}"]]
    assert expected == [agent.received[seen:] for agent, seen in zip(agents, before)]
"""


def test_clients_of_two_users_go_on_side_by_side(pytester: pytest.Pytester) -> None:
    """Each receives its own notifications once, in any order of the tests."""
    with racing() as gws:
        pytester.makepyfile(test_it=f"URL = {gws.url!r}{TWO_USERS}")
        pytester.runpytest_inprocess("--gws-record=once").assert_outcomes(passed=3)
    pytester.makepyfile(test_it=f"URL = 'http://gws.example:9'{TWO_USERS}")
    names = [f"test_it.py::test_update[{number}]" for number in range(3)]
    for chosen in (names, names[::-1], names[1:2]):
        pytester.runpytest_inprocess("-p", "no:randomly", *chosen).assert_outcomes(passed=len(chosen))
