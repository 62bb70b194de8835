"""From the recorded traffic to a cassette."""

import gzip
import json
import time
import zlib
from dataclasses import replace

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Exchange, Headers, Recording, Request, WebSocketMessage
from tests.support.builders import HOST, NOTIFICATIONS, SESSIONS, TOPIC, bayeux, exchange, get, poll, push, update


def compiled(*exchanges: Exchange, messages: tuple[WebSocketMessage, ...] = ()) -> Cassette:
    """The cassette of a recording."""
    return compile_recording(Recording(exchanges=exchanges, messages=messages)).cassette


def only(one: Exchange) -> Exchange:
    """The one interaction of a cassette of one exchange."""
    (found,) = compiled(one).interactions
    return found


META = {"id": "4", "channel": "/meta/connect", "successful": True}


def test_a_session_becomes_exchanges_and_notifications_in_order() -> None:
    """Times start at the first request; a held poll that ended late is not in it; a notification has its cause."""
    cassette = compiled(
        update({"A": 1}, began=102, ended=102.5),
        poll(bayeux(push({"A": 1}, seen=0)), META, began=101, ended=103),
        get({"A": 0}, began=100, ended=100.25),
    )
    assert [("GET", 0.0, 0.25), ("POST", 2.0, 2.5)] == [
        (each.request.method, each.began, each.ended) for each in cassette.interactions
    ]
    (found,) = cassette.notifications
    assert (TOPIC, 3.0, 1, "response") == (
        found.channel,
        found.seen,
        found.cause and found.cause.interaction,
        found.cause and found.cause.after,
    )
    assert ["passed"] == [each.verdict for each in cassette.updates()]


def test_exchanges_are_in_the_order_of_their_requests() -> None:
    """A slow one that was answered last still comes first."""
    slow, quick = exchange("GET", "/slow", began=1, ended=9), exchange("GET", "/quick", began=2, ended=3)
    assert ["/slow", "/quick"] == [each.request.path for each in compiled(quick, slow).interactions]


def test_the_same_recording_gives_the_same_cassette() -> None:
    """In whatever order the exchanges were completed."""
    exchanges = [get({"A": 0}, began=1), update({"A": 1}, began=2), poll(bayeux(push({"A": 1}, seen=0)), ended=3)]
    assert compiled(*exchanges) == compiled(*reversed(exchanges))


@pytest.mark.parametrize(
    "answered",
    [
        [bayeux(push({"A": 1}, seen=0)), META],
        [META, bayeux(push({"A": 1}, seen=0), id="7")],
        [{"channel": "/meta/subscribe", "successful": True}, bayeux(push({"A": 1}, seen=0))],
        [{"channel": "/service/x", "successful": True, "data": {}}, bayeux(push({"A": 1}, seen=0))],
    ],
    ids=["before the meta reply", "after it, with an id (faye)", "on a subscribe", "on a publish"],
)
def test_notification_may_be_in_any_response(answered: list[object]) -> None:
    """Before or after the meta reply, and not only in a connect."""
    (found,) = compiled(poll(*answered)).notifications
    assert {"A": 1} == found.value["facebooksession"]["userData"]


@pytest.mark.parametrize("reply", [[META], [], [{"channel": "/meta/handshake", "successful": False, "error": "x"}]])
def test_control_traffic_is_not_in_the_cassette(reply: list[object]) -> None:
    """Heartbeats, handshakes and empty responses: replay produces them itself."""
    cassette = compiled(poll(*reply), exchange("GET", "/api/v2/me", began=1))
    assert ((), 1) == (cassette.notifications, len(cassette.interactions))


def test_several_notifications_of_one_response_keep_their_order() -> None:
    """They were seen at the same moment."""
    pushes = [bayeux(push({"A": n}, seen=0)) for n in (3, 1, 2)]
    assert [3, 1, 2] == [
        each.value["facebooksession"]["userData"]["A"] for each in compiled(poll(*pushes)).notifications
    ]


def test_notifications_come_from_websocket_messages_of_the_server() -> None:
    """Messages of the client are not notifications, and a message need not be Bayeux."""
    text = json.dumps([bayeux(push({"A": 1}, seen=0))])
    frames = tuple(
        WebSocketMessage(uri=HOST + NOTIFICATIONS, seen=seen, from_client=from_client, content=content)
        for seen, from_client, content in [(3, False, text), (4, True, text), (5, False, "ping"), (6, False, "")]
    )
    upgrade = exchange("GET", NOTIFICATIONS, began=1, status=101)
    cassette = compiled(upgrade, update({"A": 1}, began=2), messages=frames)
    (found,) = cassette.notifications
    assert (2.0, 0) == (found.seen, found.cause and found.cause.interaction)
    assert ["POST"] == [each.request.method for each in cassette.interactions]


def test_a_cors_preflight_is_left_out() -> None:
    """An OPTIONS of the client's own stays."""
    preflight = exchange("OPTIONS", SESSIONS, request_headers=[("Access-Control-Request-Method", "POST")])
    assert () == compiled(preflight).interactions
    assert 1 == len(compiled(exchange("OPTIONS", SESSIONS)).interactions)


def test_json_is_laid_out_token_for_token_and_its_length_follows() -> None:
    """Duplicates, order and the spelling of numbers stay; the length header tells the new length."""
    body = b'{"b":1.50,"a":1E5,"b":null}'
    sent_with = [("Content-Length", "27"), ("X-Other", "1")]
    response_headers = [("content-length", "27"), ("Transfer-Encoding", "chunked")]
    found = only(
        exchange("POST", "/api/v2/me", body, body, request_headers=sent_with, response_headers=response_headers)
    )
    expected = b'{\n  "b": 1.50,\n  "a": 1E5,\n  "b": null\n}'
    assert (expected, expected) == (found.request.body, found.response.body)
    assert (("Content-Length", str(len(expected))), ("X-Other", "1")) == found.request.headers.pairs
    assert (("content-length", str(len(expected))),) == found.response.headers.pairs


@pytest.mark.parametrize(
    "body", [b"", b"OK", b"<html>", b"a=1&b=2", b"\xff\x00\x80", b"{broken", b'"text"', b"\xef\xbb\xbf{}"]
)
def test_what_is_not_json_stays_byte_for_byte(body: bytes) -> None:
    """Headers too."""
    headers = (("Content-Length", "99"), ("Transfer-Encoding", "chunked"))
    one = exchange("POST", "/api/v2/me", body, body, request_headers=headers, response_headers=headers)
    assert one == only(one)


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)],
)
def test_codings_are_undone(coding: str, encode: object) -> None:
    """The coding's header goes, the length follows."""
    plain = b'{"statusCode":0}'
    packed = encode(plain)  # type: ignore[operator]
    headers = [("Content-Encoding", coding), ("Content-Length", str(len(packed)))]
    found = only(exchange("GET", "/api/v2/me", None, packed, response_headers=headers)).response
    assert (b'{\n  "statusCode": 0\n}', (("Content-Length", "21"),)) == (found.body, found.headers.pairs)


PACKED = gzip.compress(b'{"statusCode":0}', mtime=0)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", PACKED[:-1]),
        ("gzip", PACKED[: len(PACKED) // 2]),
        ("gzip", PACKED[:-8] + b"\0" * 8),
        ("gzip", b"plain after all"),
        ("gzip", b""),
        ("br", b"\x0b\x02\x80"),
        ("gzip, br", PACKED),
        ("deflate", b"\xff\xff"),
    ],
)
def test_undecodable_body_keeps_its_header(coding: str, body: bytes) -> None:
    """Cut, wrong, unknown or empty: nothing is lost, and replay sends the recorded bytes."""
    one = exchange("GET", "/x", None, body, response_headers=[("Content-Encoding", coding)])
    assert one == only(one)


def test_a_gzip_body_of_several_members_is_read_whole() -> None:
    """RFC 1952 allows them one after the other; servers that flush write such bodies."""
    headers = Headers((("Content-Encoding", "gzip"),))
    whole = (Headers(), b"first second")
    assert decoded(headers, gzip.compress(b"first ") + gzip.compress(b"second")) in (
        whole,
        (headers, gzip.compress(b"first ") + gzip.compress(b"second")),
    )


def test_a_packed_body_of_many_members_takes_no_longer() -> None:
    """The time grows with its length."""
    body = gzip.compress(b"") * 100_000 + gzip.compress(b"end")
    began = time.process_time()
    assert (Headers(), b"end") == decoded(Headers((("Content-Encoding", "gzip"),)), body)
    assert time.process_time() - began < 5


def test_notifications_in_compressed_cometd_responses_are_found() -> None:
    """A recording of vcrpy holds answers as they came over the wire."""
    one = poll(bayeux(push({"A": 1}, seen=0)))
    packed = replace(
        one,
        response=replace(
            one.response,
            headers=Headers((("Content-Encoding", "gzip"),)),
            body=gzip.compress(one.response.body),
        ),
    )
    assert 1 == len(compiled(packed).notifications)


def test_ten_megabytes_of_json_with_a_repeated_key_are_kept() -> None:
    """Every token is there, and the repeated key too."""
    body = b'{"list":[' + b",".join([b'"' + b"x" * 1000 + b'"'] * 10_000) + b'],"list":1.50}'
    found = only(exchange("GET", "/x", None, body)).response.body
    assert len(body) > 10_000_000
    assert (2, True) == (found.count(b'"list"'), found.endswith(b'  "list": 1.50\n}'))
    assert body == b"".join(line.strip() for line in found.splitlines()).replace(b'": ', b'":')


def test_header_has_format_api_and_server() -> None:
    """The server's version comes from the recording, the rest from the caller."""
    version = exchange("GET", "/api/v2/diagnostics/version", None, {"statusCode": 0, "version": "8.5.200.50"})
    cassette = compile_recording(Recording(exchanges=(version,)), {"recorder": "me"}).cassette
    assert {"format": 1, "api": "gws-v2", "server": "8.5.200.50", "recorder": "me"} == cassette.header
    assert {"format": 1, "api": "gws-v2"} == compiled().header


def test_notes_list_what_to_check() -> None:
    """A cause by order alone, and a request without a response; a dropped poll needs no note."""
    sent = replace(update({}, began=1).request, body=b'{"operationName":"SendMessage"}')
    message = replace(update({}, began=1), request=sent)
    recording = Recording(
        exchanges=(message, poll(bayeux(push(None, seen=0, kind="NewMessages")), ended=2)),
        unanswered=(
            Exchange.without_response(poll().request, 3, 4, "silence"),
            Exchange.without_response(Request(method="GET", uri=f"{HOST}/api/v2/me?x=1"), 4, 5, "broken"),
        ),
    )
    notes = compile_recording(recording).notes
    assert 2 == len(notes)
    assert "notification 0 on /v2/me/facebooksession: its cause, interaction 0, is guessed" in notes[0]
    assert "interaction 1, GET /api/v2/me, got no response: it is replayed as a broken connection" == notes[1]


def test_an_empty_recording_is_an_empty_cassette() -> None:
    """The caller decides whether that is an error."""
    assert ((), ()) == (compiled().interactions, compiled().notifications)
