"""One run of a cassette as a test sees it: responses, misses, what is unplayed, and the userData on the way."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Headers
from gws_replay.errors import ReplayMiss
from gws_replay.playback.replay_run import ReplayRun
from tests.support.builders import HOST, SESSIONS, TOPIC, exchange
from tests.support.commands import BEFORE, captured, numbered, small
from tests.support.playbacks import ask, play

MISSES: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"body": b'{"operationName":"UpdateUserData","userData":{"A":"2","C":3}}'},
        [
            f"POST {SESSIONS}/S1 UpdateUserData has no response in some.yaml: no recorded request is equal to it",
            "  nearest is interaction 1:",
            '    body.userData.A: sent "2", recorded 2',
            "    body.userData.C: sent 3, not recorded",
        ],
    ),
    (
        {"uri": f"{HOST}{SESSIONS}/S2"},
        [
            f"POST {SESSIONS}/S2 UpdateUserData has no response in some.yaml: no recorded request is equal to it",
            "  nearest is interaction 1:",
            f'    path: sent "{SESSIONS}/S2", recorded "{SESSIONS}/S1"',
        ],
    ),
    (
        {"uri": f"{HOST}/other/place", "body": b""},
        ["POST /other/place has no response in some.yaml: nothing like it was recorded"],
    ),
]


@pytest.mark.parametrize(("instead", "lines"), MISSES, ids=["body", "path", "nothing similar"])
def test_miss_names_the_reason_and_the_nearest_interaction(instead: dict[str, Any], lines: list[str]) -> None:
    """The error has the reason, the nearest interaction and only the differences; it is stored."""
    playback = play(*small().interactions)
    with pytest.raises(ReplayMiss) as caught:
        ask(playback, 1, **instead)
    assert lines == str(caught.value).splitlines()
    assert [str(caught.value)] == [str(miss) for miss in playback.misses]
    assert str(caught.value) in playback.problems(allow_unplayed=True)


def test_one_request_too_many_is_a_miss() -> None:
    """It names the interaction that has been played already."""
    playback = play(*small().interactions)
    ask(playback, 1)
    with pytest.raises(ReplayMiss, match=r"has been played\n  it was recorded as interaction 1$"):
        ask(playback, 1)


SECRETS = {
    "authorization": {"headers": [("Authorization", "Basic c2VjcmV0LXBhc3N3b3Jk")]},
    "cookie": {"headers": [("Cookie", "JSESSIONID=c2VjcmV0LXBhc3N3b3Jk; other=x")]},
    "csrf": {"headers": [("X-CSRF-TOKEN", "c2VjcmV0LXBhc3N3b3Jk")]},
    "path": {"uri": f"{HOST}/api/v2/me;jsessionid=c2VjcmV0LXBhc3N3b3Jk?fields=*"},
    "user info": {"uri": "http://user:c2VjcmV0LXBhc3N3b3Jk@gws.example/api/v2/me?x=1"},
    "repeated in the query": {
        "headers": [("X-CSRF-TOKEN", "c2VjcmV0LXBhc3N3b3Jk")],
        "uri": f"{HOST}/api/v2/me?token=c2VjcmV0LXBhc3N3b3Jk",
    },
    "repeated in the body": {
        "headers": [("Authorization", "Bearer c2VjcmV0LXBhc3N3b3Jk")],
        "method": "POST",
        "body": b'{"token": "c2VjcmV0LXBhc3N3b3Jk"}',
    },
}


@pytest.mark.parametrize("given", [pytest.param(given, id=name) for name, given in SECRETS.items()])
def test_no_secret_of_a_live_request_is_kept_or_printed(given: Mapping[str, Any]) -> None:
    """The live credentials of the client are in no miss, no failure text and no stored request."""
    playback = play(exchange("GET", "/api/v2/me", None, {}), exchange("POST", "/api/v2/me", {"token": "x"}, {}))
    fields = {**given, "headers": Headers(tuple(given.get("headers", ())))}
    with pytest.raises(ReplayMiss) as caught:
        ask(playback, 0, **({"uri": f"{HOST}/api/v2/me?no=1"} | fields))
    texts = [str(caught.value), repr(caught.value), repr(playback.misses), playback.problems()]
    assert [] == [text for text in texts if "c2VjcmV0" in text or "secret-password" in text]


def test_a_redacted_session_in_a_path_matches_a_live_one() -> None:
    """;jsessionid differs in every session: it does not prevent a match."""
    playback = play(exchange("GET", "/api/v2/me;jsessionid=<redacted:jsessionid>", None, {"statusCode": 0}))
    assert b'{"statusCode":0}' == ask(playback, 0, uri=f"{HOST}/api/v2/me;jsessionid=0123456789ABCDEF").body


def test_unplayed_items_are_listed() -> None:
    """Interactions by operation and path, notifications with the interaction that they wait for."""
    playback = ReplayRun(small().named("some.yaml"))
    left = (
        f"interaction 0: GET {SESSIONS}",
        f"interaction 1: POST {SESSIONS}/S1 UpdateUserData",
        f"notification 0 on {TOPIC}, caused by interaction 1",
    )
    assert left == playback.unplayed
    assert "\n".join(["some.yaml was not played to its end:", *(f"  {each}" for each in left)]) == playback.problems()
    assert "" == playback.problems(allow_unplayed=True)
    ask(playback, 0)
    assert list(left[1:]) == list(playback.unplayed)
    ask(playback, 1)
    assert not playback.unplayed
    assert not playback.problems()


def test_refused_connection_always_fails_the_test() -> None:
    """A connection that the network guard stopped, whatever may stay unplayed."""
    playback = ReplayRun(small().named("some.yaml"))
    message = playback.refuse("a connection to 192.0.2.1:443")
    assert (
        "a connection to 192.0.2.1:443 was stopped: nothing reaches a network while some.yaml is replayed; "
        "a client that is not caught in the process, over WebSocket for instance, needs gws_server"
    ) == message
    assert ["a connection to 192.0.2.1:443"] == playback.blocked
    found = playback.problems(allow_unplayed=True)
    assert "a connection to 192.0.2.1:443 was stopped: replay reaches no network" == found


def test_userdata_grows_as_operations_are_sent() -> None:
    """A snapshot for each message that showed it: the response of a GET, and the notification after its cause."""
    playback = ReplayRun(small())
    assert () == playback.userdata("S1")
    ask(playback, 0)
    assert [BEFORE] == [snapshot.data for snapshot in playback.userdata("S1")]
    ask(playback, 1)
    history = playback.userdata("S1")
    assert [BEFORE, {**BEFORE, "A": 2}] == [snapshot.data for snapshot in history]
    assert ["interaction 0", "notification 0"] == [snapshot.place for snapshot in history]
    assert () == playback.userdata("S2")


def test_a_capture_shows_its_whole_history() -> None:
    """Played in order, each GET and each notification is a snapshot of all the keys."""
    playback = ReplayRun(captured("longpoll-js-update").cassette)
    for index in range(len(playback.cassette.interactions)):
        ask(playback, index)
    history = playback.userdata("0002DaAVKJ0V0095")
    places = ["interaction 3", "notification 0", "notification 1", "notification 2", "interaction 7"]
    assert places == [snapshot.place for snapshot in history]
    assert [None, 4, 5, 6, None] == [snapshot.cause for snapshot in history]
    assert [81, 83, 83, 83, 83] == [len(snapshot.data) for snapshot in history]
    assert "" == playback.problems()


def test_threads_share_a_playback() -> None:
    """Eight threads at once: every response is returned once, every miss is stored."""
    playback, barrier = ReplayRun(numbered(40)), threading.Barrier(8)

    def work(part: int) -> int:
        barrier.wait(5)
        answered = 0
        for n in range(40):
            try:
                ask(playback, n)
                answered += 1
            except ReplayMiss:
                continue
        return answered

    with ThreadPoolExecutor(8) as threads:
        assert 40 == sum(threads.map(work, range(8)))
    assert (7 * 40, ()) == (len(playback.misses), playback.unplayed)


def test_an_empty_cassette_has_no_problem() -> None:
    """Nothing recorded, nothing sent."""
    assert "" == ReplayRun(Cassette(interactions=())).problems()


@pytest.mark.parametrize("number", ["1234567", "1234", "12.5"])
def test_secret_number_never_counts_in_matching(number: str) -> None:
    """In a cassette of another tool, as for a secret text; a value of another type is another request."""
    playback = play(exchange("POST", "/api/v2/x", {"password": 1234567}, {"made_by": "cassette"}))
    body = b'{"password": %s}' % number.encode()
    if "." in number:
        with pytest.raises(ReplayMiss) as missed:
            ask(playback, 0, body=body)
        assert "1234567" not in str(missed.value)
    else:
        assert b'{"made_by":"cassette"}' == ask(playback, 0, body=body).body.replace(b" ", b"")
