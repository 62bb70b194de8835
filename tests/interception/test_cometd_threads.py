"""CometD inside the test process, in threads: held connects block, and notifications come after their cause."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import requests

from gws_replay.errors import ReplayMiss
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import SESSIONS, TOPIC, cassette, push, update
from tests.support.pollers import CALM, COMETD, SENT, URL, Poller, Post, by_httpx, by_requests, changed, recorded

every_library = pytest.mark.parametrize("library", [by_requests, by_httpx], ids=["requests", "httpx"])


@every_library
def test_polling_thread_receives_after_the_update(library: Callable[[], Post]) -> None:
    """The held connect of one thread returns after the request of another thread, and not before."""
    playback = recorded()
    with replaying(playback), Poller(library()) as poller:
        requests.get(f"{URL}{SESSIONS}?fields=*", timeout=CALM)
        assert [] == poller.got
        assert {"statusCode": 0} == library()(f"{URL}{SESSIONS}/S1", SENT)
        assert [{"A": 2}] == changed(poller.wait_for(1))
    assert "" == playback.problems()


def test_polls_after_the_last_notification_are_held() -> None:
    """No busy loop: the first connect returns at once, the next ones after the advised time."""
    playback = recorded(timeout=0.6)
    with replaying(playback), Poller(by_requests()) as poller:
        by_requests()(f"{URL}{SESSIONS}/S1", SENT)
        poller.wait_for(1)
        received_at, before = time.monotonic(), len(poller.connects)
        while len(poller.connects) < before + 3:
            poller.thread.join(0.05)
        assert (len(poller.connects) - before) / (time.monotonic() - received_at) < 2


def test_client_with_one_thread_is_not_blocked() -> None:
    """It polls in the thread that must send the next request: an empty response comes soon, but not at once."""
    playback = recorded()
    with replaying(playback):
        post = by_requests()
        poller = Poller(post)
        assert [] == poller.connect()
        requests.get(f"{URL}{SESSIONS}?fields=*", timeout=CALM)
        began = time.monotonic()
        assert [] == poller.connect()
        assert 0.5 < time.monotonic() - began < CALM
        post(f"{URL}{SESSIONS}/S1", SENT)
        began = time.monotonic()
        assert [{"A": 2}] == changed(poller.connect())
        assert time.monotonic() - began < 0.9


def test_end_of_the_test_releases_a_polling_thread() -> None:
    """A thread that still polls gets a response, and sends nothing to a network."""
    playback = recorded()
    with replaying(playback):
        poller = Poller(by_requests())
        poller.connect()
        thread = threading.Thread(target=poller.connect, daemon=True)
        thread.start()
        while not playback.sessions.users[0].session.held:
            thread.join(0.01)
    thread.join(CALM)
    assert not thread.is_alive()
    assert [] == playback.blocked


@contextmanager
def waiting_for_pushes_first(playback: ReplayRun) -> Iterator[list[str]]:
    """Record the order in which a polling thread and a sending thread receive."""
    order: list[str] = []
    post = by_requests()

    def noting(url: str, sent: Any) -> Any:
        response = post(url, sent)
        if any(each["channel"] == TOPIC for each in response):
            order.append("notification")
        return response

    with replaying(playback), Poller(noting) as poller:
        yield order
        poller.wait_for(1)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [(1.1, ["notification", "answer"]), (1.5, ["answer", "notification"])],
    ids=["before", "after"],
)
def test_response_and_notification_keep_their_order(seen: float, expected: list[str]) -> None:
    """As recorded: the notification before the response, always; or after it, unless the machine is very busy.

    This process cannot know when a thread continues after its response.
    """
    kept = 0
    for _ in range(20):
        played = cassette(update({"A": 2}, began=1.0, ended=1.2), push({"A": 2}, seen=seen))
        with waiting_for_pushes_first(ReplayRun(played)) as order:
            by_requests()(f"{URL}{SESSIONS}/S1", SENT)
            order.append("answer")
        kept += expected == order
    assert kept >= (20 if expected[0] == "notification" else 17)


def posted(session: requests.Session, url: str, sent: Any) -> Any:
    """Post by a session."""
    return session.post(url, json=sent, timeout=CALM).json()


def test_separate_users_have_separate_runs() -> None:
    """Each receives the notifications of its own update; both play the whole cassette."""
    playback = recorded(apart=True)
    with replaying(playback):
        for name in ("one", "two"):
            session = requests.Session()
            session.auth = (name, "x")
            poller = Poller(partial(posted, session))
            assert [] == poller.connect()
            poller.post(f"{URL}{SESSIONS}/S1", SENT)
            assert [{"A": 2}] == changed(poller.connect())
            session.get(f"{URL}{SESSIONS}?fields=*", timeout=CALM)
    assert "" == playback.problems()


def test_rest_at_a_cometd_address_is_a_miss_if_it_was_not_recorded() -> None:
    """The body decides what is CometD, not the address."""
    with replaying(recorded()), pytest.raises(ReplayMiss, match="POST /api/v2/notifications has no response"):
        requests.post(COMETD, data=b"{", timeout=CALM)


@pytest.mark.parametrize(("timing", "least"), [("instant", 0.0), ("recorded", 0.4), (0.5, 0.2)])
def test_the_pace_of_the_recording(timing: float | str, least: float) -> None:
    """The response came 0.2 s after the update, and the notification 0.3 s later."""
    playback = recorded(timing=timing)
    with replaying(playback), Poller(by_requests()) as poller:
        began = time.monotonic()
        by_requests()(f"{URL}{SESSIONS}/S1", SENT)
        poller.wait_for(1)
        assert time.monotonic() - began >= least
