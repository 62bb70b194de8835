"""Compile: bodies decoded and laid out, notifications separated, control traffic removed."""

import gzip
import json
import zlib

import pytest

from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Exchange, Headers, Recording, Request, WebSocketMessage
from tests.support.builders import TOPIC, bayeux, exchange, get, poll, push, update

JSON = b'{"b":1.50,"a":[],"b":2}'
LAID_OUT = b'{\n  "b": 1.50,\n  "a": [],\n  "b": 2\n}'


def only(*exchanges: Exchange) -> Exchange:
    """The one exchange that remains of a recording."""
    (one,) = compile_recording(Recording(exchanges=exchanges)).cassette.interactions
    return one


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(JSON, mtime=0)),
        ("x-gzip", gzip.compress(JSON, mtime=0)),
        ("deflate", zlib.compress(JSON)),
        (None, JSON),
    ],
)
def test_json_is_decoded_and_laid_out_token_for_token(coding: str | None, packed: bytes) -> None:
    """The length follows, the coding goes; order, repeated keys and number spelling stay."""
    pairs = [("Content-Length", str(len(packed))), ("Transfer-Encoding", "x")]
    pairs += [("Content-Encoding", coding)] if coding else []
    response = only(exchange(response=packed, response_headers=pairs)).response
    assert LAID_OUT == response.body
    assert (("Content-Length", str(len(LAID_OUT))),) == response.headers.pairs


@pytest.mark.parametrize("body", [b"", b"text", b"\xff\x00", b"5", b'"a"', b"[1", b"NaN", b"[" * 100_000, b"  \n"])
def test_other_bodies_stay_byte_for_byte(body: bytes) -> None:
    """Empty, text, binary, scalars, torn and over-deep JSON."""
    response = only(exchange(response=body, response_headers=[("Content-Length", "7")])).response
    assert (body, "7") == (response.body, response.headers.get("content-length"))


@pytest.mark.parametrize(
    ("coding", "body"), [("br", b"x"), ("gzip", b"no gzip"), ("gzip", gzip.compress(JSON, mtime=0)[:-4])]
)
def test_undecodable_body_keeps_its_coding(coding: str, body: bytes) -> None:
    """An unknown coding, a wrong one, a cut body."""
    headers = Headers((("Content-Encoding", coding),))
    assert (headers, body) == decoded(headers, body)


def test_a_body_of_10_mb_is_laid_out() -> None:
    """In one piece, and equal to what it was."""
    value = {"userData": {f"key{number}": "x" * 90 for number in range(100_000)}}
    reply = only(exchange(response=value)).response.body
    assert len(reply) > 10_000_000
    assert value == json.loads(reply)


def test_times_begin_at_zero_and_exchanges_stand_by_begin() -> None:
    """Whatever the clock, and whatever the order of completion."""
    late = exchange(path="/late", began=1001.5, ended=1002)
    early = exchange(path="/early", began=1000, ended=1005)
    found = compile_recording(Recording(exchanges=(late, early))).cassette.interactions
    assert [("/early", 0.0, 5.0), ("/late", 1.5, 2.0)] == [(e.request.path, e.began, e.ended) for e in found]


@pytest.mark.parametrize("meta_first", [True, False])
def test_notifications_are_split_from_a_connect_response(meta_first: bool) -> None:
    """Before or after the meta reply; acknowledgements of a publish are none; control traffic is left out."""
    meta = {"channel": "/meta/connect", "successful": True}
    pushed = [bayeux(push({"A": n}, seen=0), id="9") for n in (1, 2)]
    acknowledged = {"channel": "/v2/x", "successful": True, "data": {}}
    reply = [meta, *pushed, acknowledged] if meta_first else [acknowledged, *pushed, meta]
    recording = Recording(
        exchanges=(
            get({"A": 0}, began=0),
            update({"A": 1}, began=1),
            update({"A": 2}, began=2),
            poll(*reply, began=0.5, ended=3),
            poll(began=4, ended=5),
            exchange("GET", "/api/v2/notifications", status=101, began=6),
            exchange("OPTIONS", "/api/v2/me", request_headers=[("Access-Control-Request-Method", "POST")], began=7),
        )
    )
    cassette = compile_recording(recording).cassette
    assert 3 == len(cassette.interactions)
    assert [(TOPIC, 3.0, 1), (TOPIC, 3.0, 2)] == [
        (n.channel, n.seen, n.cause and n.cause.interaction) for n in cassette.notifications
    ]


def test_websocket_messages_give_notifications() -> None:
    """Text messages from the server; the client's are control traffic."""
    text = json.dumps([bayeux(push({"A": 1}, seen=0))])
    frames = tuple(WebSocketMessage(uri="ws://h", seen=2.0, from_client=sent, content=text) for sent in (True, False))
    cassette = compile_recording(Recording(exchanges=(update({"A": 1}, began=1),), messages=frames)).cassette
    assert [1.0] == [notification.seen for notification in cassette.notifications]


def test_header_has_the_facts_and_notes_what_to_look_at() -> None:
    """Format, api, the server's version; notes on a lost request and on a cause found by order alone."""
    version = exchange(path="/api/v2/diagnostics/version", response={"statusCode": 0, "version": "8.5"}, began=0)
    requested = exchange(
        "POST", "/api/v2/me/facebooksessions/S1", {"operationName": "Leave"}, {"statusCode": 0}, began=1
    )
    pushed = poll(bayeux(push(None, seen=0, kind="StatusChange")), began=1, ended=2)
    lost = Request(method="GET", uri="http://h/lost")
    poll_lost = Request(method="POST", uri="http://h/n", body=b'[{"channel":"/meta/connect"}]')
    unanswered = tuple(Exchange.without_response(each, 3, 4, "silence") for each in (lost, poll_lost))
    recording = Recording(exchanges=(version, requested, pushed), unanswered=unanswered)
    compiled = compile_recording(recording, {"recorder": "me"})
    assert {"format": 1, "api": "gws-v2", "server": "8.5", "recorder": "me"} == compiled.cassette.header
    first, second = compiled.notes
    assert "is guessed (the latest request before it)" in first
    assert "interaction 2, GET /lost, got no response: it is replayed as silence" == second
