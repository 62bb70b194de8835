"""`gws-replay drift` against servers that are unreachable, failing, private, slow, or without CometD."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gws_replay.core.model import Exchange, Request, Response
from gws_replay.drift.http_client import LiveClient
from gws_replay.storage.files import load_cassette
from gws_replay.web.listening import certificate_for
from tests.support.answering import DROPPED, OK, answering
from tests.support.builders import bayeux, cassette, exchange, get, push
from tests.support.canaries import PERSONS, planted_in, user_data
from tests.support.commands import drift, refused, saved


def asking(path: Path, *moments: Exchange) -> Path:
    """A cassette of exchanges."""
    return saved(cassette(*moments), path / "x.yaml")


def test_unreachable_or_failing_server_is_one_sentence(tmp_path: Path) -> None:
    """No file is left."""
    path = asking(tmp_path, exchange())
    assert "cannot reach http://127.0.0.1:1: " in refused(drift(path, "http://127.0.0.1:1"))
    with answering({"/api/v2/me": 503}) as server:
        message = refused(drift(path, server.url))
        assert f"{server.url} is not in order: it returned 503 to GET /api/v2/me, the first request" == message
    assert [path] == list(tmp_path.iterdir())


def test_an_error_later_is_a_finding(tmp_path: Path) -> None:
    """A status is a response; redirects are not followed, since they could send the credentials elsewhere."""
    exchanges = (exchange("GET", f"/api/v2/{name}", None, OK, began=began) for began, name in enumerate("abc"))
    path = asking(tmp_path, *exchanges)
    with answering({"/api/v2/b": 500, "/api/v2/c": 302}) as server:
        ended = drift(path, server.url)
        assert ["/api/v2/a", "/api/v2/b", "/api/v2/c"] == [each for each, _ in server.seen]
    assert 1 == ended.code
    assert "answer.status: 200 -> 500  [interaction 1]" in ended.out
    assert "answer.status: 200 -> 302  [interaction 2]" in ended.out


def test_rate_is_limited(tmp_path: Path) -> None:
    """So many requests a second, and no more."""
    path = asking(tmp_path, *(exchange("GET", "/api/v2/me", None, OK, began=float(n)) for n in range(4)))
    with answering({}) as server:
        begun = time.monotonic()
        assert 0 == drift(path, server.url, "--rate", "10").code
    assert 0.3 <= time.monotonic() - begun


def test_certificates(tmp_path: Path) -> None:
    """Verified, by the CA that is named, unless that is not wanted."""
    context, ca = certificate_for("localhost", tmp_path)
    path = asking(tmp_path, exchange("GET", "/api/v2/me", None, OK))
    with answering({}, context) as server:
        message = refused(drift(path, server.url))
        assert "cannot verify the certificate of " in message
        assert "use --upstream-ca FILE" in message
        assert 0 == drift(path, server.url, "--upstream-ca", ca).code
        assert 0 == drift(path, server.url, "--insecure", "--force").code


def test_overlapping_requests_overlap_again(tmp_path: Path) -> None:
    """Two responses come only when both requests have arrived; the third is sent after both, and its recorded pause."""
    both = threading.Barrier(2)

    def meet() -> Any:
        both.wait(60)
        return OK

    path = asking(
        tmp_path,
        exchange("GET", "/api/v2/a", None, OK, began=0.0, ended=2.0),
        exchange("GET", "/api/v2/b", None, OK, began=1.0, ended=3.0),
        exchange("GET", "/api/v2/c", None, OK, began=5.0),
    )
    with answering({"/api/v2/a": meet, "/api/v2/b": meet}) as server:
        begun = time.monotonic()
        assert 0 == drift(path, server.url, "--timing", "0.1").code
        assert 0.3 <= time.monotonic() - begun
        assert ["/api/v2/c"] == [path for path, _ in server.seen][2:]


def test_what_overlapped_is_sent_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next planned begins when the one before has gone out, answered or not."""
    happened: list[str] = []
    second = asyncio.Event()

    async def send(
        _client: LiveClient, _request: Request, name: str, *, sent: Callable[[], None] = lambda: None
    ) -> Response:
        happened.append(f"{name} begins")
        if name.endswith("b"):
            second.set()
        await asyncio.sleep(0.01)
        sent()
        happened.append(f"{name} is sent")
        await asyncio.wait_for(second.wait(), 60)
        return Response(status=200, body=b"{}")

    monkeypatch.setattr(LiveClient, "send", send)
    exchanges = (
        exchange("GET", f"/api/v2/{name}", None, {}, began=began, ended=9.0) for began, name in enumerate("ab")
    )
    assert 0 == drift(asking(tmp_path, *exchanges), "http://localhost:1").code
    assert ["a begins", "a is sent", "b begins"] == [each.removeprefix("GET /api/v2/") for each in happened[:3]]


@pytest.mark.parametrize(
    ("comet", "message"),
    [
        (404, "/api/v2/notifications is not CometD: it returned 404"),
        (
            [{"channel": "/meta/handshake", "successful": False, "error": "403::no"}],
            "CometD: the handshake was refused: 403::no",
        ),
        ([], "did not accept the subscription in 0.2 seconds"),
    ],
)
def test_server_without_notifications_is_one_sentence(tmp_path: Path, comet: Any, message: str) -> None:
    """One sentence gives the reason; the run can be resumed."""
    path = saved(cassette(get({}, began=0.0), push({}, seen=1.0), get({}, began=2.0)), tmp_path / "x.yaml")

    def slowly() -> Any:
        time.sleep(0.01)
        return comet

    with answering({"/api/v2/notifications": slowly}) as server:
        reported = refused(drift(path, server.url, "--wait", "0.2"))
    assert message in reported
    assert "after 1 of 2 requests: go on with --resume" in reported


AT_ONCE = [
    {"channel": "/meta/handshake", "successful": True, "clientId": "c"},
    {"channel": "/meta/subscribe", "successful": True},
    {"channel": "/meta/connect", "successful": True},
]


@pytest.mark.parametrize("repeats", [True, False])
def test_a_server_that_holds_no_connect(tmp_path: Path, *, repeats: bool) -> None:
    """It is not asked all the time, and a notification that comes again with each connect does not keep the end off."""
    recorded = cassette(get({}, began=0.0), push({}, seen=1.0), get({}, began=2.0))
    path = saved(recorded, tmp_path / "x.yaml")
    comet = [*AT_ONCE, bayeux(recorded.notifications[0])] if repeats else AT_ONCE
    with answering({"/api/v2/notifications": comet}) as server:
        ended = drift(path, server.url, "--wait", "1")
        asked = [path for path, _ in server.seen].count("/api/v2/notifications")
    assert repeats is (
        "Notifications still came 1 seconds after the last response, and were not waited for" in ended.err
    )
    assert 100 > asked, f"{asked} connects"


def test_a_network_that_went_away(tmp_path: Path) -> None:
    """The planned that got no response is sent by --resume, the others are not."""
    path = asking(tmp_path, exchange("GET", "/api/v2/a", None, OK), exchange("GET", "/api/v2/b", None, OK, began=1.0))
    with answering({"/api/v2/b": DROPPED}) as server:
        message = refused(drift(path, server.url))
        assert f"cannot reach {server.url}: GET /api/v2/b: " in message
        assert "after 1 of 2 requests: go on with --resume" in message
        server.responses.clear()
        server.seen.clear()
        assert 0 == drift(path, server.url, "--resume").code
        assert ["/api/v2/b"] == [exchanges for exchanges, _ in server.seen]


@pytest.mark.parametrize("response", [DROPPED, 401])
def test_no_message_shows_a_live_personal_value(tmp_path: Path, response: Any) -> None:
    """Nor does the journal: requests are named as recorded."""
    recorded = cassette(exchange(response=OK), exchange("GET", "/api/v2/contacts/Aromaly", began=1.0))
    header = {"format": 1, "redaction": "all", "stand_ins": ["Aromaly"]}
    path = saved(replace(recorded, header=header), tmp_path / "x.yaml")
    with answering({"/api/v2/contacts/Annabel": response}) as server:
        message = refused(drift(path, server.url, "--bind", "Aromaly=Annabel"))
        assert "/api/v2/contacts/Annabel" in [exchanges for exchanges, _ in server.seen]
    assert "GET /api/v2/contacts/Aromaly" in message
    assert "Annabel" not in message
    left = [each.read_text() for each in tmp_path.iterdir()]
    assert [False, False] == ["Annabel" in each for each in left]


def test_no_write_is_sent_twice(tmp_path: Path) -> None:
    """Not by an HTTP library, which would repeat a DELETE after a broken connection, nor by --resume."""
    path = asking(
        tmp_path, exchange("DELETE", "/api/v2/a", None, OK), exchange("GET", "/api/v2/b", None, OK, began=1.0)
    )
    with answering({"/api/v2/a": DROPPED}) as server:
        assert "the connection broke" in refused(drift(path, server.url, "--allow-writes"))
        ended = drift(path, server.url, "--allow-writes", "--resume")
        assert (
            "Not sent: interaction 0 (DELETE /api/v2/a): it was sent before the interruption and got no response"
            in ended.err
        )
        assert ["/api/v2/me", "/api/v2/a", "/api/v2/b"] == [exchanges for exchanges, _ in server.seen]


def test_a_cometd_that_hangs_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent again, but not for ever."""
    monkeypatch.setattr("gws_replay.core.bayeux.subscriber.AFTER_A_FAILURE", 0.0)
    path = saved(cassette(get({}, began=0.0), push({}, seen=1.0), get({}, began=2.0)), tmp_path / "x.yaml")
    with answering({"/api/v2/notifications": DROPPED}) as server:
        message = refused(drift(path, server.url))
        assert f"cannot reach {server.url}: POST /api/v2/notifications: " in message
        assert 3 == [path for path, _ in server.seen].count("/api/v2/notifications")


def test_headers(tmp_path: Path) -> None:
    """Those of the recording, less those of its session; the credentials are the live ones."""
    recorded = [
        ("Accept", "application/json"),
        ("Authorization", "Basic old"),
        ("Cookie", "a=old"),
        ("X-Secret", "old"),
    ]
    path = asking(tmp_path, exchange("GET", "/api/v2/me", None, OK, request_headers=recorded))
    with answering({}) as server:
        token = {"GWS_REPLAY_USER": "", "GWS_REPLAY_PASSWORD": "", "GWS_REPLAY_TOKEN": "t0ken-of-today"}
        assert 0 == drift(path, server.url, **token).code
        headers = server.seen[0][1]
    assert ("application/json", "Bearer t0ken-of-today") == (headers["Accept"], headers["Authorization"])
    assert not {"Cookie", "X-Secret"} & headers.keys()
    assert "t0ken-of-today" not in (tmp_path / "x.drift.yaml").read_text()
    assert "gws-replay" in load_cassette(tmp_path / "x.drift.yaml").header["recorder"]


def test_personal_value_found_late_is_redacted_everywhere(tmp_path: Path) -> None:
    """Also in earlier responses."""
    exchanges = (
        exchange("GET", "/api/v2/a", None, {"note": "x"}),
        exchange("GET", "/api/v2/b", None, {"firstName": "y"}, began=1.0),
    )
    path = saved(replace(cassette(*exchanges), header={"format": 1, "redaction": "all"}), tmp_path / "x.yaml")
    with answering({"/api/v2/a": {"note": "Annabel rang"}, "/api/v2/b": {"firstName": "Annabel"}}) as server:
        ended = drift(path, server.url)
    assert "Annabel" not in ended.out + (tmp_path / "x.drift.yaml").read_text()


def test_canaries(tmp_path: Path) -> None:
    """No secret or personal value of a live system is in any report, file or format."""
    resource = {"id": "0002DaAVKJ0V0095", "userData": user_data(), "text": PERSONS["text"]}
    shown = {"statusCode": 0, "facebooksessions": [resource]}
    assert planted_in(json.dumps(shown))
    path = saved(cassette(get({}, began=0.0, session="0002DaAVKJ0V0095")), tmp_path / "x.yaml")
    with answering({"/api/v2/me/facebooksessions": shown}) as server:
        for form in ("text", "json", "html"):
            ended = drift(path, server.url, "-v", "--force", "--format", form)
            assert 1 == ended.code
            assert [] == planted_in(ended.out + ended.err)
    assert [] == planted_in((tmp_path / "x.drift.yaml").read_text())
