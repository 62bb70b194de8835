"""HAR files of browsers: HTTP/2 fields, base64, WebSocket messages, aborted requests; and what cannot be used."""

import base64
import copy
import json
from typing import Any

import pytest

from gws_replay.core.model import Headers, WebSocketMessage
from gws_replay.errors import CassetteError
from tests.support.readers import read_har

ENTRY: dict[str, Any] = {
    "startedDateTime": "2026-11-23T00:00:01.500Z",
    "time": 250.0,
    "request": {
        "method": "POST",
        "url": "https://h/api/v2/me",
        "headers": [{"name": ":authority", "value": "h"}, {"name": "accept", "value": "*/*"}],
        "postData": {"mimeType": "application/json", "text": '{"a":1}'},
    },
    "response": {
        "status": 200,
        "statusText": "",
        "headers": [{"name": "content-encoding", "value": "gzip"}, {"name": "x", "value": "y"}],
        "content": {
            "size": 3,
            "mimeType": "text/plain",
            "text": base64.b64encode(b"\xff\x00a").decode(),
            "encoding": "base64",
        },
    },
    "_webSocketMessages": [
        {"type": "send", "time": 1.0, "opcode": 1, "data": "[]"},
        {"type": "receive", "time": 2.0, "opcode": 2, "data": "AA=="},
        {"type": "receive", "time": 3.0, "opcode": 1, "data": "[1]"},
    ],
}


def text(*entries: Any) -> str:
    """A HAR of entries."""
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def test_a_browser_entry_is_read() -> None:
    """Pseudo fields and the coding go, the body is decoded, text frames stay, times are seconds."""
    recording = read_har(text(ENTRY), "h")
    (exchange,) = recording.exchanges
    assert Headers((("accept", "*/*"),)) == exchange.request.headers
    assert Headers((("x", "y"),)) == exchange.response.headers
    assert (b'{"a":1}', b"\xff\x00a") == (exchange.request.body, exchange.response.body)
    assert 0.25 == pytest.approx(exchange.ended - exchange.began)
    message = WebSocketMessage(uri="https://h/api/v2/me", seen=1.0, from_client=True, content="[]")
    assert (
        message,
        WebSocketMessage(uri="https://h/api/v2/me", seen=3.0, from_client=False, content="[1]"),
    ) == recording.messages


def test_an_aborted_request_is_unanswered() -> None:
    """Status 0, as browsers and mitmproxy write it."""
    entry = copy.deepcopy(ENTRY) | {"response": {"status": 0, "headers": [], "content": {}}, "_webSocketMessages": []}
    recording = read_har(text(entry), "h")
    assert ((), ["https://h/api/v2/me"]) == (recording.exchanges, [r.uri for r in recording.unanswered])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "h is not JSON"),
        ("[]", "h is no HAR"),
        ('{"log": {}}', "h is no HAR"),
        (text({}), "h, entry 0: the field 'request' is missing"),
        (text(ENTRY, {**ENTRY, "startedDateTime": "yesterday"}), "h, entry 1: "),
        (
            text({**ENTRY, "response": {**ENTRY["response"], "content": {"size": 9}}}),
            "the response body is missing; export",
        ),
        (text({**ENTRY, "response": None}), "h, entry 0: "),
    ],
)
def test_what_cannot_be_used_is_named_with_its_entry(content: str, said: str) -> None:
    """And what to do."""
    with pytest.raises(CassetteError) as caught:
        read_har(content, "h")
    assert said in str(caught.value)
