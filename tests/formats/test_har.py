"""HAR files of browsers: HTTP/2 fields, base64, WebSocket messages, aborted requests; and what cannot be used."""

import base64
import copy
import io
import json
import zipfile
from typing import Any

import pytest

from gws_replay.core.model import Headers, Recording, WebSocketMessage
from gws_replay.errors import CassetteError
from gws_replay.formats import har
from tests.support.readers import read_har, skipped_of_har

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
    """Pseudo fields and the coding go, the body is decoded, messages stay, times are seconds."""
    recording = read_har(text(ENTRY), "h")
    (exchange,) = recording.exchanges
    assert Headers((("accept", "*/*"),)) == exchange.request.headers
    assert Headers((("x", "y"),)) == exchange.response.headers
    assert (b'{"a":1}', b"\xff\x00a") == (exchange.request.body, exchange.response.body)
    assert 0.25 == pytest.approx(exchange.ended - exchange.began)
    message = WebSocketMessage(uri="https://h/api/v2/me", seen=1.0, from_client=True, content="[]")
    assert (
        message,
        WebSocketMessage(uri="https://h/api/v2/me", seen=2.0, from_client=False, content=b"\0"),
        WebSocketMessage(uri="https://h/api/v2/me", seen=3.0, from_client=False, content="[1]"),
    ) == recording.messages


def test_an_aborted_request_is_unanswered() -> None:
    """Status 0, as browsers and mitmproxy write it."""
    entry = copy.deepcopy(ENTRY) | {"response": {"status": 0, "headers": [], "content": {}}, "_webSocketMessages": []}
    recording = read_har(text(entry), "h")
    assert ((), ["https://h/api/v2/me"]) == (recording.exchanges, [e.request.uri for e in recording.unanswered])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "h is not JSON"),
        ("[]", "h is not a HAR"),
        ('{"log": {}}', "h is not a HAR"),
    ],
)
def test_a_file_that_is_not_a_har_is_an_error(content: str, expected: str) -> None:
    """In one sentence."""
    with pytest.raises(CassetteError) as caught:
        read_har(content, "h")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({}, "the field 'request' is missing"),
        ({**ENTRY, "startedDateTime": "yesterday"}, "a field has a wrong value"),
        ({**ENTRY, "response": {**ENTRY["response"], "content": {"size": 9}}}, "its response body is missing"),
        ({**ENTRY, "response": None}, "a field has a wrong value"),
        ({**ENTRY, "request": {**ENTRY["request"], "url": "blob:https://h/1"}}, "its address is not HTTP (blob:)"),
        (
            {**ENTRY, "request": {**ENTRY["request"], "url": "chrome-extension://x/y.js"}},
            "is not HTTP (chrome-extension:)",
        ),
        ({**ENTRY, "request": {**ENTRY["request"], "url": "about:blank"}}, "its address is not HTTP (about:)"),
        ({**ENTRY, "request": {**ENTRY["request"], "url": ""}}, "its address is not HTTP (no scheme:)"),
        (
            {**ENTRY, "response": {**ENTRY["response"], "content": {"_file": "a.json"}}},
            "the file a.json, which is missing",
        ),
    ],
)
def test_an_entry_that_cannot_be_used_is_skipped_with_a_reason(entry: Any, why: str) -> None:
    """The others are read."""
    content = text(ENTRY, entry, ENTRY)
    assert 2 == len(read_har(content, "h").exchanges)
    ((number, reason),) = skipped_of_har(content).items()
    assert 1 == number
    assert why in reason


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({"text": "AAE", "encoding": "base64"}, b"\0\1"),
        ({"text": "AAE=\n", "encoding": "base64"}, b"\0\1"),
        ({"text": '{"a": 1}', "encoding": "base64"}, b'{"a": 1}'),
        ({"text": "true", "encoding": "base64", "size": 4}, b"true"),
        ({"text": "AAAA", "encoding": "base64", "size": 3}, b"\0\0\0"),
        ({"text": "x", "encoding": "base64"}, b"x"),
        ({"text": "", "encoding": "base64"}, b""),
    ],
)
def test_text_that_is_marked_as_base64_and_is_not_is_text(content: Any, body: bytes) -> None:
    """Without padding it still is base64; where both are possible the size decides."""
    entry = {**ENTRY, "response": {**ENTRY["response"], "content": content}}
    assert [body] == [each.response.body for each in read_har(text(entry), "h").exchanges]


FORM = "application/x-www-form-urlencoded"
PARAMS = [{"name": "tenant id", "value": "north&7"}, {"name": "empty"}]


@pytest.mark.parametrize(
    ("data", "body"),
    [
        ({"mimeType": FORM, "params": PARAMS}, b"tenant+id=north%267&empty="),
        ({"mimeType": FORM, "params": PARAMS, "text": "as=sent"}, b"as=sent"),
        ({"mimeType": FORM, "params": PARAMS, "text": ""}, b"tenant+id=north%267&empty="),
        (
            {
                "mimeType": 'multipart/form-data; boundary="b1"',
                "params": [{"name": "f", "value": "x", "fileName": "a.txt", "contentType": "text/plain"}],
            },
            b"\r\n".join(
                [
                    b"--b1",
                    b'Content-Disposition: form-data; name="f"; filename="a.txt"',
                    b"Content-Type: text/plain",
                    *(b"", b"x", b"--b1--", b""),
                ]
            ),
        ),
        (
            {"mimeType": "application/json", "params": [{"name": "a", "value": {"b": 1}}, {"name": "c", "value": "d"}]},
            b'{"a": {"b": 1}, "c": "d"}',
        ),
        ({"mimeType": "application/json", "params": [{"name": "0", "value": {"b": 1}}]}, b'[{"b": 1}]'),
    ],
)
def test_a_form_that_is_given_as_parameters_becomes_a_body(data: Any, body: bytes) -> None:
    """As the browser sent it, unless there is text."""
    entry = {**ENTRY, "request": {**ENTRY["request"], "postData": data}}
    assert [body] == [each.request.body for each in read_har(text(entry), "h").exchanges]


def test_entries_without_a_time_keep_their_order() -> None:
    """Each comes right after the one before it; a duration that is missing is the sum of its parts."""
    bare = {key: value for key, value in ENTRY.items() if key not in ("startedDateTime", "time")}
    timed = {**bare, "timings": {"blocked": -1, "send": 1, "wait": 20.5, "receive": 3.5}}
    first, second, third = read_har(text(ENTRY, bare, timed), "h").exchanges
    assert first.began < second.began == second.ended < third.began
    assert 0.025 == pytest.approx(third.ended - third.began, abs=1e-4)


def zipped(**files: str) -> io.BytesIO:
    """A zip of such files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    packed.seek(0)
    return packed


def test_a_zip_of_playwright_holds_bodies_as_files() -> None:
    """Those of requests, too."""
    post = {**ENTRY["request"], "postData": {"mimeType": "x", "_file": "sent.json"}}
    entry = {**ENTRY, "request": post, "response": {**ENTRY["response"], "content": {"size": 2, "_file": "got.json"}}}
    packed = zipped(har_har=text(entry), sent_json='{"a":1}', got_json="[]")
    (exchange,) = Recording.of(har.moments_of_zip(packed, "a.zip")).exchanges
    assert (b'{"a":1}', b"[]") == (exchange.request.body, exchange.response.body)


@pytest.mark.parametrize(
    ("packed", "expected"),
    [(io.BytesIO(b"PK"), r"^a\.zip cannot be read as a zip file"), (zipped(a_txt=""), r"^a\.zip holds no \.har file")],
)
def test_a_zip_that_is_no_har_is_an_error(packed: io.BytesIO, expected: str) -> None:
    """Torn, or of something else."""
    with pytest.raises(CassetteError, match=expected):
        list(har.moments_of_zip(packed, "a.zip"))
