"""CometD clients that outlive a test with gws_server: the address stays, and they go on in the next marked test."""

import pytest

import gws_replay.server  # noqa: F401 (once, here: the inner runs forget what they import)
from tests.pytest_plugin.projects import Project

DESK = """
import asyncio, logging, threading, time
import aiohttp, pytest
from aiocometd_ng.client import Client
from aiocometd_ng.constants import ConnectionType

logging.getLogger("asyncio").setLevel(logging.CRITICAL)

class Desk:
    def __init__(self, url):
        self.url = url + "/api/v2"
        self.received, self.ids, self.changed = [], set(), threading.Condition()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.do(self.start())
    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)
    async def start(self):
        self.http = aiohttp.ClientSession()
        self.comet = Client(self.url + "/notifications", ConnectionType.TRANSPORT)
        await self.comet.open()
        await self.comet.subscribe("/v2/me/*")
        self.task = asyncio.create_task(self.receive())
    async def receive(self):
        async for message in self.comet:
            with self.changed:
                self.received.append(message["data"]["facebooksession"]["userData"]["A"])
                self.changed.notify_all()
    async def update(self):
        async with self.http.get(self.url + "/me/facebooksessions?fields=*") as answer:
            assert answer.ok
        sent = {"operationName": "UpdateUserData", "userData": {"A": 2}}
        async with self.http.post(self.url + "/me/facebooksessions/S1", json=sent) as answer:
            assert answer.ok
    async def stop(self):
        self.task.cancel()
        await self.comet.close()
        await self.http.close()
    @property
    def client_id(self):
        return self.comet._transport.client_id

@pytest.fixture(scope="module")
def desks():
    desks = []
    yield desks
    for desk in desks:
        assert not desk.task.done()
        began = time.monotonic()
        desk.do(desk.stop())
        assert time.monotonic() - began < 4
        desk.loop.call_soon_threadsafe(desk.loop.stop)
        desk.thread.join()
        desk.loop.close()

@pytest.mark.gws_cassette("small")
@pytest.mark.parametrize("number", range(4))
def test_update(desks, gws_server, number):
    if not desks:
        desks.append(Desk(gws_server.url))
        desks[0].first_id = desks[0].client_id
    (desk,) = desks
    desk.do(desk.update())
    with desk.changed:
        assert desk.changed.wait_for(lambda: len(desk.received) > number, 20)
    time.sleep(0.05)
    assert [2] * (number + 1) == desk.received
    assert desk.first_id == desk.client_id
    assert desk.url == gws_server.url + "/api/v2"

def test_between(desks):
    time.sleep(0.2)
    assert not desks[0].task.done()
"""


@pytest.mark.parametrize("transport", ["LONG_POLLING", "WEBSOCKET"])
def test_a_client_goes_on_in_the_next_test_at_the_same_address(pytester: pytest.Pytester, transport: str) -> None:
    """It gets each notification once, in each test, with the clientId of its first handshake."""
    project = Project(pytester)
    project.cassette("small.yaml")
    tests = DESK.replace("TRANSPORT", transport)
    # The unmarked one runs in the middle: then the client's poll waits for the next marked test.
    order = [f"test_it.py::test_update[{number}]" for number in range(4)]
    pytester.makepyfile(test_it=tests)
    result = pytester.runpytest_inprocess("-p", "no:randomly", *order[:2], "test_it.py::test_between", *order[2:])
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["gws_replay: * 0 missed, 0 unplayed, 0 connections stopped*"])
