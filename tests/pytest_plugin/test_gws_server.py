"""The fixture gws_server as a user meets it: small projects, run by pytest inside pytest."""

import pytest

import gws_replay.server  # noqa: F401 (once, here: the inner runs forget what they import)
from tests.pytest_plugin.projects import Project, marked

HEAD = "def test_it(gws_server):"
CLIENT = """
    import subprocess, sys
    code = '''
import sys, requests
url = sys.argv[1] + "/api/v2/me/facebooksessions"
requests.get(url + "?fields=*", timeout=60)
requests.post(url + "/S1", json={"operationName": "UpdateUserData", "userData": {"A": int(sys.argv[2])}}, timeout=60)
'''
"""
LOOK = "\n    import requests\n    requests.get(gws_server.url + '/api/v2/me/facebooksessions?fields=*', timeout=60)"
COMETD = """
    import logging
    from aiocometd_ng.client import Client
    from aiocometd_ng.constants import ConnectionType
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    async def scenario():
        url = gws_server.url + "/api/v2"
        async with aiohttp.ClientSession() as session, Client(url + "/notifications", ConnectionType.{}) as comet:
            await comet.subscribe("/v2/me/*")
            async with session.get(url + "/me/facebooksessions?fields=*") as answer:
                await answer.json(content_type=None)
            sent = {{"operationName": "UpdateUserData", "userData": {{"A": 2}}}}
            with gws_server.expect_userdata("S1", changed={{"A": 2}}):
                async with session.post(url + "/me/facebooksessions/S1", json=sent) as answer:
                    await answer.json(content_type=None)
            message = await asyncio.wait_for(comet.receive(), 9)
            assert 2 == message["data"]["facebooksession"]["userData"]["A"]
    import aiohttp
    asyncio.run(asyncio.wait_for(scenario(), 60))  # a client that waits for ever fails the test
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    built = Project(pytester)
    built.cassette("small.yaml")
    return built


@pytest.mark.parametrize("transport", ["LONG_POLLING", "WEBSOCKET"])
def test_real_cometd_client_receives_the_notification(project: Project, transport: str) -> None:
    """Over either transport, in the test process, with the expectation around the update."""
    project.run(marked(COMETD.format(transport), head=HEAD)).assert_outcomes(passed=1)


def child(value: int) -> str:
    """A statement that runs the client in a process of its own."""
    return f"subprocess.run([sys.executable, '-c', code, gws_server.url, '{value}'], check=True)\n"


def test_child_process_gets_recorded_responses(project: Project) -> None:
    """Its requests count as played, and the expectation sees the changes."""
    block = "    with gws_server.expect_userdata('S1', changed={'A': 2}):\n        "
    project.run(marked(LOOK + CLIENT + block + child(2), head=HEAD)).assert_outcomes(passed=1)


def test_a_miss_of_a_child_process_fails_the_test(project: Project) -> None:
    """Even if the child ignored it: the text names the nearest request and the difference."""
    result = project.run(marked(f"{CLIENT}    {child(3)}", head=HEAD))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*UpdateUserData has no response in *small.yaml*", "*userData.A: sent 3, recorded 2*"])


def test_unplayed_exchange_fails_the_test(project: Project) -> None:
    """With the missing cause of the notification; the marker may allow it."""
    result = project.run(marked("\n    pass\n", head=HEAD))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*notification 0 on /v2/me/facebooksession, caused by interaction 1*"])
    project.run(marked(f"{LOOK}\n", "'small', allow_unplayed=True", head=HEAD)).assert_outcomes(passed=1)


@pytest.mark.parametrize("fixture", ["gws", "gws_server"])
def test_marked_test_that_sends_nothing_fails(project: Project, fixture: str) -> None:
    """Even if its marker allows unplayed exchanges: it would prove nothing."""
    result = project.run(marked("\n    pass\n", "'small', allow_unplayed=True", head=f"def test_it({fixture}):"))
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*no recorded request was made: nothing asked cassettes/small.yaml for anything*"])


def test_the_network_is_closed_but_for_this_machine(project: Project) -> None:
    """A connection to another machine is stopped and fails the test."""
    body = """
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=60)
    except OSError as error:
        assert "192.0.2.1:80 was stopped" in str(error) and "gws_server" not in str(error)
"""
    result = project.run(marked(body, "'small', allow_unplayed=True", head=HEAD))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a connection to 192.0.2.1:80 was stopped: replay reaches no network*"])


def test_internal_error_of_the_server_fails_the_test(project: Project) -> None:
    """The client gets a 500, and the failure shows the reason."""
    body = """
    import requests
    from gws_replay.core.bayeux import over_http as bayeux_http
    def broken(request):
        raise RuntimeError("out of order")
    monkeypatch.setattr(bayeux_http, "carried", broken)
    assert 500 == requests.post(gws_server.url + "/x", json={"channel": "/x"}, timeout=60).status_code
"""
    result = project.run(marked(body, "'small', allow_unplayed=True", head="def test_it(gws_server, monkeypatch):"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the replay server failed: POST /x: RuntimeError: out of order*"])


def test_test_with_both_fixtures_is_refused(project: Project) -> None:
    """Both replay the cassette: the error says to choose one."""
    result = project.run(marked("\n    pass\n", head="def test_it(gws, gws_server):"))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*gws and gws_server both replay the cassette: use one*"])


@pytest.mark.parametrize("fixture", ["gws", "gws_server"])
def test_unknown_timing_is_refused(project: Project, fixture: str) -> None:
    """In one sentence."""
    result = project.run(marked("\n    pass\n", "'small', timing='soon'", head=f"def test_it({fixture}):"))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*timing is instant, recorded, or a factor of 0 or more such as 0.1, not 'soon'*"])


@pytest.mark.parametrize("fixture", ["gws", "gws_server"])
def test_the_recorded_timing_takes_its_time(project: Project, fixture: str) -> None:
    """The GET and the update took 0.1 s each when they were recorded."""
    url = "gws_server.url" if fixture == "gws_server" else "'http://gws.example'"
    body = f"""
    import time, requests
    url, began = {url} + "/api/v2/me/facebooksessions", time.monotonic()
    requests.get(url + "?fields=*", timeout=60)
    requests.post(url + "/S1", json={{"operationName": "UpdateUserData", "userData": {{"A": 2}}}}, timeout=60)
    assert time.monotonic() - began > 0.19
"""
    project.run(marked(body, "'small', timing='recorded'", head=f"def test_it({fixture}):")).assert_outcomes(passed=1)
