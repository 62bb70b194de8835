"""The plugins that users have beside gws_replay:

each works as if it were alone, in real pytest runs with all of them.
"""

import re

import pytest

from gws_replay.core.cassette import Cassette
from tests.pytest_plugin.neighbours import NEIGHBOURS, Street
from tests.support.builders import exchange
from tests.support.commands import saved

# All that can be loaded together: two want --record-mode.
MOST = tuple(name for name in NEIGHBOURS if name != "cassetter")
HEAD = """
import asyncio, concurrent.futures, http.client, socket, sys, threading
import pytest
URL = "http://gws.example/api/v2/me/facebooksessions"
SENT = {"operationName": "UpdateUserData", "userData": {"A": 2}}

def patched():
    places = (http.client, socket, socket.socket, threading.Thread, concurrent.futures.ThreadPoolExecutor)
    found = [(name, str(getattr(value, "__module__", ""))) for place in places for name, value in vars(place).items()]
    return [name for name, module in found if module.startswith(("gws_replay", "vcr"))]

def goes_live():
    def respond():
        with server.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nlive")
    with socket.create_server(("127.0.0.1", 0)) as server, concurrent.futures.ThreadPoolExecutor() as pool:
        responded = pool.submit(respond)
        connection = http.client.HTTPConnection(*server.getsockname(), timeout=60)
        connection.request("GET", "/api/v2/me")
        body = connection.getresponse().read()
        connection.close()
        responded.result()
    return body == b"live"
"""
# A marked test for each way to use a cassette.
OURS = """
@pytest.mark.gws_cassette("small")
def test_ours(gws):
    import requests
    with gws.expect_userdata("S1", changed={"A": 2}) if ask(requests) else None:
        requests.post(URL + "/S1", json=SENT, timeout=60)
"""
# After a marked test, the requests of an unmarked one go live, from any thread.
LIVE = """
def test_unmarked_goes_live():
    assert goes_live()
"""
ASK = """
def ask(requests):
    return requests.get(URL, params={"fields": "*"}, timeout=60).json()["facebooksessions"]
"""
BY_HTTPX = """
async def by_httpx():
    import httpx
    async with httpx.AsyncClient(timeout=60) as client:
        await client.get(URL, params={"fields": "*"})
        await client.post(URL + "/S1", json=SENT)
"""
THEIRS = """
@pytest.mark.vcr
def test_theirs{n}():
    import requests
    assert "theirs" == requests.get("http://plain.example/", timeout=60).json()["from"]

@pytest.mark.vcr("nowhere.yaml")
@pytest.mark.xfail(reason="their cassette does not answer", strict=True)
def test_their_miss{n}():
    import requests
    requests.get("http://plain.example/else", timeout=60)
"""


@pytest.fixture
def street(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Street:
    return Street(pytester, monkeypatch)


def with_theirs(street: Street, after: str = LIVE) -> str:
    """Tests of both kinds, in turn, with the cassettes of the other plugin."""
    response = Cassette(interactions=(exchange("GET", "/", None, {"from": "theirs"}),))
    for number in (1, 2):
        path = saved(response, street.pytester.path / "cassettes" / "test_both" / f"test_theirs{number}.yaml")
        path.write_text(path.read_text("utf-8").replace("gws.example", "plain.example"), "utf-8")
    return HEAD + ASK + THEIRS.format(n=1) + OURS + THEIRS.format(n=2) + after


@pytest.mark.parametrize("neighbour", ["recording", "cassetter"])
def test_other_recorders_play_their_own_cassettes(street: Street, neighbour: str) -> None:
    """`vcr` tests and `gws` tests in one file, before and after each other."""
    street.run(beside=(neighbour,), test_both=with_theirs(street)).assert_outcomes(passed=4, xfailed=2)


@pytest.mark.parametrize("neighbour", ["recording", "cassetter"])
def test_other_recorders_work_with_gws_replay_switched_off(street: Street, neighbour: str) -> None:
    """`-p no:gws_replay` removes our fixture and marker, and nothing else."""
    result = street.run("-p", "no:gws_replay", beside=(neighbour,), test_both=with_theirs(street))
    result.assert_outcomes(passed=3, xfailed=2, errors=1, warnings=1)
    assert "fixture 'gws' not found" in result.stdout.str()


# What an unmarked test must find: no library, none of our modules but those that only declare things, nothing patched.
UNTOUCHED = """
def test_nothing_is_here():
    assert [] == [name for name in ("aiohttp", "deepdiff", "mitmproxy", "vcr", "yaml") if name in sys.modules]
    heavy = ("core", "files", "formats", "in_force", "network", "playback", "record", "server", "stage", "vcr")
    ours = {name.removeprefix("gws_replay.") for name in sys.modules if name.startswith("gws_replay.")}
    assert [] == [name for name in ours - {"record_mode"} if name.startswith(heavy)]
    assert [] == patched()
"""


@pytest.mark.parametrize("beside", [(), ("cassetter",), MOST], ids=["alone", "cassetter", "all others"])
def test_unmarked_test_finds_nothing_patched_or_imported(street: Street, beside: tuple[str, ...]) -> None:
    """Also after a marked test: its requests go live."""
    seen = OURS.replace("    import requests", "    assert patched()\n    import requests")
    untouched = UNTOUCHED.replace('"aiohttp", ', "") if "cassetter" in beside else UNTOUCHED  # the plugin imports it
    options = ("--randomly-dont-reorganize",) if "randomly" in beside else ()
    street.run(*options, beside=beside, test_it=HEAD + untouched).assert_outcomes(passed=1)
    street.run(*options, beside=beside, test_it=HEAD + ASK + seen + LIVE).assert_outcomes(passed=2)


MARK = '@pytest.mark.gws_cassette("small")\n'
ASYNC = """
async def test_async(gws):
    with gws.expect_userdata("S1", changed={"A": 2}) if await get() else None:
        await post()

async def get():
    import aiohttp
    async with aiohttp.ClientSession() as session, session.get(URL, params={"fields": "*"}) as answer:
        return await answer.json(content_type=None)

async def post():
    import httpx
    async with httpx.AsyncClient(timeout=60) as client:
        await client.post(URL + "/S1", json=SENT)
"""
# An asynchronous fixture that sends a request before the test and at its teardown.
FIXTURE = """
@{kind}.fixture
async def agent():
    yield await get()
    await post()

@pytest.mark.gws_cassette("small")
{mark}
async def test_by_fixture(agent):
    assert agent["facebooksessions"]
"""
PLAIN = "{mark}\nasync def test_plain():\n    await asyncio.sleep(0)\n    assert goes_live()\n"
BACKEND = "\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"


@pytest.mark.parametrize(
    ("neighbour", "options", "marks", "kind"),
    [
        ("asyncio", ("--asyncio-mode=auto",), [""], "pytest"),
        (
            *("asyncio", ("--asyncio-mode=strict",)),
            *(["@pytest.mark.asyncio", "@pytest.mark.asyncio(loop_scope='module')"], "pytest_asyncio"),
        ),
        ("anyio", (), ["@pytest.mark.anyio"], "pytest"),
    ],
    ids=["auto", "strict", "anyio"],
)
def test_asynchronous_tests(
    street: Street, neighbour: str, options: tuple[str, ...], marks: list[str], kind: str
) -> None:
    """Marked and unmarked ones, with asynchronous fixtures that send requests, under each plugin that runs them."""
    head = HEAD + (BACKEND if neighbour == "anyio" else "") + (f"import {kind}\n" if kind != "pytest" else "")
    files = {
        f"test_it{n}": head
        + PLAIN.format(mark=mark)
        + MARK
        + mark
        + ASYNC
        + FIXTURE.format(kind=kind, mark=mark)
        + LIVE
        for n, mark in enumerate(marks)
    }
    street.run(*options, beside=(neighbour,), **files).assert_outcomes(passed=4 * len(marks))


ORDERED = "".join(f"def test_plain{n}():\n    assert goes_live()\n" for n in range(4))


def test_random_order(street: Street) -> None:
    """In any order, marked tests replay and the others go live."""
    ours = "".join(OURS.replace("test_ours", f"test_ours{n}") for n in range(4))
    result = street.run("-v", "--randomly-seed=1", beside=("randomly",), test_it=HEAD + ASK + ORDERED + ours)
    result.assert_outcomes(passed=8)
    order = re.findall(r"::(\w+) PASSED", result.stdout.str())
    kinds = ["plain" in name for name in order]
    assert kinds != sorted(kinds, reverse=True)  # the order in the file


BLOCKED = """
def test_blocked{n}():
    with pytest.raises({error}):
        socket.create_connection(("{host}", 9), timeout=1)
"""
SERVED = """
@pytest.mark.gws_cassette("small")
def test_served(gws_server):
    import requests
    url = gws_server.url + "/api/v2/me/facebooksessions"
    requests.get(url, params={"fields": "*"}, timeout=60)
    requests.post(url + "/S1", json=SENT, timeout=60)
"""


@pytest.mark.parametrize(
    ("options", "error", "host", "ours"),
    [
        (("--disable-socket",), "RuntimeError", "127.0.0.1", OURS),
        (("--disable-socket", "--allow-unix-socket"), "RuntimeError", "127.0.0.1", OURS + "@RUN" + ASYNC),
        (("--allow-hosts=127.0.0.1,::1",), "RuntimeError", "192.0.2.1", OURS + SERVED),
    ],
    ids=["disabled", "unix sockets", "hosts"],
)
def test_pytest_socket_and_replay_work_together(
    street: Street, options: tuple[str, ...], error: str, host: str, ours: str
) -> None:
    """pytest-socket blocks before and after a marked test, and replay needs no exception from it."""
    run = "\n@pytest.mark.gws_cassette('small')\ndef test_run(gws):\n    asyncio.run(test_async(gws))\n"
    ours = ours.replace("@RUN", run).replace("test_async", "scenario")
    tests = [BLOCKED.format(n=n, error=error, host=host) for n in (1, 2)]
    result = street.run(*options, beside=("socket",), test_it=HEAD + ASK + tests[0] + ours + tests[1])
    result.assert_outcomes(passed=4 if ours != OURS else 3)


MOCKED = """
def test_mocked{n}(httpx_mock):
    import httpx
    httpx_mock.add_response(json={{"from": "mock"}})
    assert "mock" == httpx.get(URL).json()["from"]
"""


def test_mocked_httpx(street: Street) -> None:
    """pytest-httpx responds in its tests, gws_replay in the marked ones, and all patches are undone."""
    run = f"{MARK}def test_run(gws):\n    asyncio.run(test_async(gws))\n"
    tests = MOCKED.format(n=1) + run + ASYNC.replace("test_async", "scenario") + MOCKED.format(n=2)
    street.run(beside=("pytest_httpx",), test_it=HEAD + tests.replace("test_async", "scenario")).assert_outcomes(
        passed=3
    )


@pytest.mark.parametrize("others", [(), ("-p", "pytest_recording.plugin")], ids=["alone", "with recording"])
def test_named_plugins_only(street: Street, others: tuple[str, ...]) -> None:
    """With PYTEST_DISABLE_PLUGIN_AUTOLOAD the plugin works when it is named, and is absent when it is not."""
    tests = with_theirs(street) if others else HEAD + ASK + OURS
    passed, xfailed = (4, 2) if others else (1, 0)
    result = street.run_bare("-p", "gws_replay.pytest_plugin", *others, test_both=tests)
    result.assert_outcomes(passed=passed, xfailed=xfailed)
    if others:
        result = street.run_bare(*others, "-W", "ignore", test_both=tests)
        result.assert_outcomes(passed=passed - 1, xfailed=xfailed, errors=1)
        assert "fixture 'gws' not found" in result.stdout.str()


def test_all_of_them_at_once(street: Street) -> None:
    """Each plugin responds in its own tests, in any order."""
    tests = with_theirs(street, after="") + MOCKED.format(n=1) + MARK + "@pytest.mark.asyncio" + ASYNC
    options = ("--disable-socket", "--allow-unix-socket", "--randomly-seed=1")
    street.run(*options, beside=MOST, test_both=tests).assert_outcomes(passed=5, xfailed=2)
