"""The control endpoint: the state of a run, the rewind, and the requests that it refuses."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from gws_replay.core.model import Request
from gws_replay.errors import ReplayMiss
from gws_replay.playback.run import MOST_FAULTS
from gws_replay.playback.sessions import MOST_MISSES
from gws_replay.server import control
from gws_replay.server.server import ServedRun, serving
from tests.support.builders import NOTIFICATIONS, SESSIONS, TOPIC, cassette, get, push, update
from tests.support.commands import small

SENT = {"operationName": "UpdateUserData", "userData": {"A": 2}}
CALM = 20


@pytest.fixture
def played() -> Iterator[ServedRun]:
    """The small cassette, served."""
    playback = ServedRun(small().named("some.yaml"))
    with serving(playback):
        yield playback


def state(playback: ServedRun) -> Any:
    """Return the state that the control endpoint shows."""
    return requests.get(f"{playback.url}/__gws_replay__", timeout=CALM).json()


def test_the_state_says_what_is_left_and_which_cause_is_missing(played: ServedRun) -> None:
    """Served, missed, unplayed, unreleased; empty at the end, and complete again after a rewind."""
    before = state(played)
    assert [0, 1] == [each["interaction"] for each in before["unplayed"]]
    assert [
        {
            "cassette": "some.yaml",
            "notification": 0,
            "waits_for": 1,
            "text": f"notification 0 on {TOPIC}, caused by interaction 1",
        }
    ] == before["unreleased"]
    requests.get(f"{played.url}{SESSIONS}?fields=*", timeout=CALM)
    requests.get(f"{played.url}{SESSIONS}?fields=*", timeout=CALM)
    requests.post(f"{played.url}{SESSIONS}/S1", json=SENT, timeout=CALM)
    after = state(played)
    assert (3, 1, [], []) == (after["served"], after["repeated"], after["unplayed"], after["unreleased"])
    rewound = requests.post(f"{played.url}/__gws_replay__/rewind", timeout=CALM)
    assert after == rewound.json()
    assert before == state(played)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/__gws_replay__/rewind", {}, 404),
        ("POST", "/__gws_replay__", {}, 404),
        ("POST", "/__gws_replay__/rewind", {"Origin": "http://evil.example"}, 403),
        ("GET", "/__gws_replay__", {"Origin": "http://evil.example"}, 403),
        ("GET", "/__gws_replay__", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", "/__gws_replay__/rewind", {"Sec-Fetch-Site": "same-site"}, 403),
        ("GET", "/__gws_replay__", {"Host": "evil.example"}, 403),
        ("POST", "/__gws_replay__/rewind", {"Host": "evil.example:8085"}, 403),
        ("GET", "/__gws_replay__", {"Host": "localhost.evil.example"}, 403),
        ("GET", "/__gws_replay__", {"Host": "127.0.0.1.evil.example"}, 403),
    ],
)
def test_the_control_endpoint_refuses_pages_and_foreign_hosts(
    played: ServedRun, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """A page of another site could otherwise read the recording, by its own name for this machine."""
    response = requests.request(method, played.url + path, headers=headers, timeout=CALM)
    assert status == response.status_code
    assert response.json()["error"]
    assert () == played.misses


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:80", "[::1]:9", "recorder.lan"])
def test_the_control_endpoint_has_the_names_of_loopback_and_those_it_was_given(host: str) -> None:
    """With any port: the server may be behind another one."""
    run = ServedRun(small())
    with serving(run, control_hosts=["Recorder.lan"]):
        assert 200 == requests.get(f"{run.url}/__gws_replay__", headers={"Host": host}, timeout=CALM).status_code
        refused = requests.get(f"{run.url}/__gws_replay__", headers={"Host": "other.lan"}, timeout=CALM)
    assert "start the server with --control-host other.lan" in refused.json()["error"]


def test_a_client_from_before_a_rewind_has_to_shake_hands_again(played: ServedRun) -> None:
    """It receives neither waiting notifications nor any of the next run."""
    url = played.url + NOTIFICATIONS
    client = requests.post(url, json=[{"channel": "/meta/handshake"}], timeout=CALM).json()[0]["clientId"]
    connect = {"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling"}
    subscribe = {"channel": "/meta/subscribe", "clientId": client, "subscription": TOPIC}
    requests.post(url, json=[subscribe, connect], timeout=CALM)
    requests.post(f"{played.url}{SESSIONS}/S1", json=SENT, timeout=CALM)
    requests.post(f"{played.url}/__gws_replay__/rewind", timeout=CALM)
    answered = requests.post(url, json=[{**connect, "advice": {"timeout": 50}}], timeout=CALM).json()
    requests.post(f"{played.url}{SESSIONS}/S1", json=SENT, timeout=CALM)
    answered += requests.post(url, json=[connect], timeout=CALM).json()
    assert ["402::Unknown client"] * 2 == [each["error"] for each in answered]
    assert ["handshake"] * 2 == [each["advice"]["reconnect"] for each in answered]


def test_the_state_says_what_waits_for_what_and_who_the_users_are() -> None:
    """A sentence for each notification that was not released, and the recorded user that each live one plays."""
    one, two = update({"A": 1}, began=0), update({"A": 2}, began=1)
    run = ServedRun(cassette(one, two, push({"A": 2}, seen=2)))
    with serving(run):
        url = f"{run.url}{SESSIONS}/S1"
        requests.post(url, data=one.request.body, auth=("anna", "x"), timeout=CALM)
        first = state(run)
        requests.post(url, data=two.request.body, auth=("anna", "x"), timeout=CALM)
        second = state(run)
    (waits,) = first["waits"]
    assert f"notification 0 on {TOPIC} waits for its cause, interaction 1: POST {SESSIONS}/S1 UpdateUserData" == waits
    expected = {"plays": [{"user": 0, "name": None}], "served": 1, "missed": 0, "cometd_clients": 0, "held_connects": 0}
    assert [expected] == first["live_users"]
    assert [] == second["waits"]
    (undelivered,) = second["undelivered"]
    assert f"notification 0 on {TOPIC} reached nobody: the user has no CometD client" == undelivered


def test_the_state_counts_all_misses_and_describes_the_newest() -> None:
    """Also after a rewind, which forgets those from before."""
    run = ServedRun(small())
    run.sessions.keep_few(most_misses=2)
    with serving(run):
        for _ in range(2):
            for name in ("a", "b", "c", "d", "e"):
                assert 501 == requests.get(f"{run.url}/api/v2/{name}", timeout=CALM).status_code
            after = requests.post(f"{run.url}/__gws_replay__/rewind", timeout=CALM).json()
            assert (5, 3) == (after["missed_count"], after["missed_left_out"])
            assert ["GET /api/v2/d", "GET /api/v2/e"] == [each["request"] for each in after["missed"]]
            assert [5] == [each["missed"] for each in after["live_users"]]
        assert (0, 0, []) == tuple(state(run)[name] for name in ("missed_count", "missed_left_out", "missed"))


def test_a_server_that_runs_for_days_does_not_grow() -> None:
    """Neither by requests that repeat, nor by misses and faults of its own: these are counted."""
    run = ServedRun(cassette(get({"A": 1}, began=0.0)))
    run.sessions.keep_few()
    uri = run.cassette.interactions[0].request.uri
    known = Request(method="GET", uri=uri)

    def work(times: int) -> int:
        for number in range(times):
            assert 200 == run.respond(known).status  # type: ignore[union-attr]
            with pytest.raises(ReplayMiss):
                run.respond(Request(method="GET", uri=f"{uri}/{number}"))
            run.add_fault(f"fault {number}")
        gc.collect()
        return len(gc.get_objects())

    before = work(2 * MOST_MISSES)
    assert 200 > work(2 * MOST_MISSES) - before
    happened = control.state(run)
    assert (MOST_FAULTS, 4 * MOST_MISSES) == (len(happened["faults"]), happened["faults_count"])
    assert f"fault {2 * MOST_MISSES - 1}" == happened["faults"][-1]
    run.rewind()
    assert ([], 0) == (control.state(run)["faults"], control.state(run)["faults_count"])
