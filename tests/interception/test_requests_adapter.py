"""A plain request of requests is answered past urllib3's pool, and looks the same as one that goes through it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util.retry import Retry

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Outcome, Request
from gws_replay.errors import ReplayMiss
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import HOST, exchange
from tests.support.clients import ANYWHERE

POOL_LOG = logging.getLogger("urllib3.connectionpool")
FIELDS = [("Content-Type", "text/plain; charset=latin-1"), ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/")]


def recorded() -> ReplayRun:
    moved = [("Location", "/y?q=1"), ("Set-Cookie", "first=0; Path=/")]
    return ReplayRun(
        Cassette(
            interactions=(
                exchange("POST", "/x", {"n": 1}, b"\xe4bc", status=201, response_headers=FIELDS, began=0.0),
                exchange("GET", "/x", None, b"", status=302, response_headers=moved, began=1.0),
                exchange("GET", "/y?q=1", None, b"one\ntwo", response_headers=[("X-A", "1"), ("X-A", "2")], began=2.0),
                exchange("GET", "/none", None, b"", status=204, began=3.0),
            )
        )
    )


@contextmanager
def by_urllib3() -> Iterator[None]:
    """Let requests go through urllib3, as they do when somebody wants its log."""
    before = POOL_LOG.level
    POOL_LOG.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        POOL_LOG.setLevel(before)


def seen(response: requests.Response) -> dict[str, Any]:
    """What a test can look at."""
    raw: Any = response.raw
    return {
        "status": (response.status_code, response.reason, response.ok, raw.status, raw.reason, raw.version),
        "body": (response.content, response.text, response.encoding, list(response.iter_lines())),
        "url": (response.url, [each.url for each in response.history], response.request.url),
        "headers": (dict(response.headers), list(raw.headers.items()), raw.headers.getlist("X-A")),
        "cookies": (response.cookies.get_dict(), raw._original_response.msg.get_all("Set-Cookie")),
        "retries": raw.retries.total if raw.retries else None,
    }


def looked_at() -> list[dict[str, Any]]:
    with replaying(recorded()) as _, requests.Session() as session:
        found = [
            seen(session.post(f"{ANYWHERE}/x", json={"n": 1}, timeout=(3, 9))),
            seen(session.get(f"{ANYWHERE}/x", timeout=9)),
            seen(session.get(f"{ANYWHERE}:80/none#part", timeout=None)),
        ]
        found.append({"session": session.cookies.get_dict()})
    return found


def test_a_response_is_the_same_either_way() -> None:
    """Cookies, history, repeated fields and what stands below."""
    with by_urllib3():
        expected = looked_at()
    assert expected == looked_at()


def test_it_can_be_streamed() -> None:
    """In parts, by lines, and from what stands below."""
    with replaying(recorded()), requests.Session() as session:
        response = session.get(f"{ANYWHERE}/y?q=1", stream=True, timeout=9)
        assert [b"one", b"\ntw", b"o"] == list(response.iter_content(3))
    with replaying(recorded()), requests.Session() as session:
        assert b"one\ntwo" == session.get(f"{ANYWHERE}/y?q=1", stream=True, timeout=9).raw.read()


class Mine(HTTPAdapter):
    """An adapter of the user's own."""


def of_retries(session: requests.Session) -> None:
    session.mount("http://", HTTPAdapter(max_retries=Retry(2, status_forcelist=[503])))


WAYS: dict[str, tuple[Callable[[requests.Session], object], dict[str, Any]]] = {
    "retries": (of_retries, {}),
    "an adapter of one's own": (lambda session: session.mount("http://", Mine()), {}),
    "a proxy": (lambda _: None, {"proxies": {"http": "http://proxy.example:3128"}}),
    "a body in chunks": (lambda _: None, {"data": iter([b"{", b"}"])}),
    "a client certificate": (lambda _: None, {"cert": __file__}),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_urllib3_acts_on_goes_through_it(way: str) -> None:
    """A plain one does not."""
    prepare, options = WAYS[way]
    opened = mock.Mock(wraps=HTTPAdapter.get_connection_with_tls_context)
    run = ReplayRun(Cassette(interactions=tuple(exchange("POST", "/x", None, {}, began=n) for n in (0.0, 1.0))))
    pool_of = mock.patch.object(HTTPAdapter, "get_connection_with_tls_context", autospec=True, side_effect=opened)
    with pool_of, replaying(run), requests.Session() as session:
        session.trust_env = False
        session.post(f"{ANYWHERE}/x", timeout=9)
        assert not opened.called
        prepare(session)
        try:
            session.post(f"{ANYWHERE}/x", timeout=9, **options)
        except ReplayMiss:
            assert "data" in options
    assert opened.called


def test_what_urllib3_refuses_is_refused() -> None:
    """A certificate that is not there, and a time that is none."""
    with replaying(recorded()):
        with pytest.raises(OSError, match="Could not find a suitable TLS CA certificate bundle"):
            requests.get("https://gws.example/none", verify="/no/such/file.pem", timeout=9)
        for wrong in (0, -1, True, "9", (1, 2, 3)):
            with pytest.raises(ValueError, match=r"[Tt]imeout"):
                requests.get(f"{ANYWHERE}/none", timeout=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["requests", "urllib3"])
def test_who_stands_in_for_a_library_responds(name: str) -> None:
    """A mock or an instrumentation is called, whether it came before the replay or during it."""
    target, method = {"requests": (HTTPAdapter, "send"), "urllib3": (HTTPConnectionPool, "urlopen")}[name]
    for outer_first in (True, False):
        instead = mock.patch.object(target, method, autospec=True, side_effect=RuntimeError("it is me"))
        contexts = [instead, replaying(recorded())]
        first, second = contexts if outer_first else reversed(contexts)
        with first, second, pytest.raises(RuntimeError, match="it is me"):
            requests.get(f"{ANYWHERE}/none", timeout=9)


@pytest.mark.parametrize("outcome", ["silence", "broken"])
def test_no_response_is_the_same_error_either_way(outcome: Outcome) -> None:
    """Its type, its text, what it wraps, and its request."""

    def error() -> tuple[Any, ...]:
        lost = Exchange.without_response(Request(method="GET", uri=f"{HOST}/x"), 0.0, 30.0, outcome)
        with replaying(ReplayRun(Cassette(interactions=(lost,)))), pytest.raises(requests.RequestException) as raised:
            requests.get(f"{ANYWHERE}/x", timeout=(3, 9))
        found = raised.value
        return type(found), str(found), type(found.args[0]), found.request.url if found.request else None

    with by_urllib3():
        expected = error()
    assert expected == error()


@pytest.mark.parametrize("url", ["http://GWS.example:80/x", "http://gws.example./x", "http://user:pw@gws.example/x"])
def test_the_address_is_the_same_either_way(url: str) -> None:
    """Whatever its spelling."""

    def address() -> str:
        run = ReplayRun(Cassette(interactions=(exchange("GET", "/x", None, {}),)))
        with replaying(run):
            requests.get(url, timeout=9)
        (request,) = run.sessions.sent
        return request.uri

    with by_urllib3():
        expected = address()
    assert expected == address()
