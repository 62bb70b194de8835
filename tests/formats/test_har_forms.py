"""HAR files of browsers: their forms are read, and what is wrong with one is reported by entry."""

import base64
import copy
import json
from typing import Any

import pytest

from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Headers, Recording, WebSocketMessage
from gws_replay.errors import CassetteError
from tests.support.readers import read_har, skipped_of_har

PUSH = '[{"channel":"/v2/me/facebooksession","data":{"messageType":"x"}}]'


def entry(**more: Any) -> dict[str, Any]:
    """An entry as Chrome exports it: HTTP/2 pseudo headers, and fields of its own."""
    return {
        "_initiator": {"type": "script"},
        "_priority": "High",
        "_resourceType": "xhr",
        "cache": {},
        "connection": "443",
        "request": {
            "method": "POST",
            "url": "https://gws.example/api/v2/me?x=1",
            "httpVersion": "http/2.0",
            "headers": [
                {"name": ":authority", "value": "gws.example"},
                {"name": ":method", "value": "POST"},
                {"name": "accept", "value": "*/*"},
                {"name": "Accept", "value": "again"},
            ],
            "queryString": [{"name": "x", "value": "1"}],
            "cookies": [],
            "headersSize": -1,
            "bodySize": 11,
            "postData": {"mimeType": "application/json", "text": '{"ä":1.50}'},
        },
        "response": {
            "status": 200,
            "statusText": "",
            "httpVersion": "http/2.0",
            "headers": [{"name": "content-encoding", "value": "gzip"}, {"name": "x-a", "value": "1"}],
            "cookies": [],
            "content": {"size": 16, "mimeType": "application/json", "text": '{"statusCode":0}'},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
            "_transferSize": 99,
            "_error": None,
        },
        "serverIPAddress": "10.0.0.1",
        "startedDateTime": "2026-11-23T09:00:00.250Z",
        "time": 62.5,
        "timings": {"blocked": 1, "wait": 60, "receive": 1.5},
        **more,
    }


def load(*entries: Any, **log: Any) -> Recording:
    """What is read of a HAR of such entries."""
    return read_har(json.dumps({"log": {"version": "1.2", "entries": list(entries), **log}}), "a.har")


def skipped(*entries: Any) -> dict[int, str]:
    """Which of such entries are skipped, and why."""
    return skipped_of_har(json.dumps({"log": {"entries": list(entries)}}))


def changed(path: str, value: Any) -> dict[str, Any]:
    """An entry with one field replaced, or removed for `...`."""
    found = copy.deepcopy(entry())
    *above, last = path.split(".")
    part = found
    for name in above:
        part = part[name]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return found


def test_an_entry_becomes_an_exchange() -> None:
    """Without pseudo headers, and without the coding of a body that is decoded already."""
    (found,) = load(entry()).exchanges
    assert ("POST", "https://gws.example/api/v2/me?x=1") == (found.request.method, found.request.uri)
    assert (("accept", "*/*"), ("Accept", "again")) == found.request.headers.pairs
    assert '{"ä":1.50}'.encode() == found.request.body
    assert (200, "", (("x-a", "1"),)) == (found.response.status, found.response.reason, found.response.headers.pairs)
    assert b'{"statusCode":0}' == found.response.body
    assert 0.0625 == pytest.approx(found.ended - found.began)


@pytest.mark.parametrize(
    ("started", "began"),
    [
        ("2026-11-23T09:00:00.250Z", 1795424400.25),
        ("2026-11-23T10:00:00.250+01:00", 1795424400.25),
        ("2026-11-23T09:00:00.250123+00:00", 1795424400.250123),
        ("2026-11-23T09:00:00Z", 1795424400.0),
    ],
)
def test_the_forms_of_a_time(started: str, began: float) -> None:
    """Z, an offset, any number of digits."""
    assert began == pytest.approx(load(changed("startedDateTime", started)).exchanges[0].began)


@pytest.mark.parametrize("time", [-1, 0])
def test_an_unknown_duration_is_none(time: Any) -> None:
    """A negative one means that it is not known."""
    (found,) = load(changed("time", time)).exchanges
    assert found.began == found.ended


@pytest.mark.parametrize("body", [b"\xff\x00binary", b"", b"text"])
def test_bodies_in_base64(body: bytes) -> None:
    """As Chrome writes answers, and mitmproxy requests, that are not text."""
    text = base64.b64encode(body).decode()
    content = {"size": len(body), "mimeType": "x", "text": text, "encoding": "base64"}
    assert body == load(changed("response.content", content)).exchanges[0].response.body
    assert body == load(changed("request.postData", content)).exchanges[0].request.body


@pytest.mark.parametrize("value", [..., None, {}, {"mimeType": "x"}, {"mimeType": "x", "text": ""}])
def test_a_request_without_a_body(value: Any) -> None:
    """Missing, null or empty."""
    assert b"" == load(changed("request.postData", value)).exchanges[0].request.body


@pytest.mark.parametrize("value", [..., {}, {"size": 0, "mimeType": "x"}, {"size": 0, "text": ""}])
def test_response_without_a_body(value: Any) -> None:
    """A 204 has none."""
    assert b"" == load(changed("response.content", value)).exchanges[0].response.body


def test_status_0_means_no_response() -> None:
    """A dropped poll: it is distinguished from exchanges."""
    found = load(changed("response.status", 0), entry())
    assert (1, 1) == (len(found.exchanges), len(found.unanswered))


def test_websocket_messages_are_read() -> None:
    """With the address of their entry; the upgrade itself is left to the compiler."""
    messages = [
        {"type": "send", "time": 1795424401.5, "opcode": 1, "data": "[]"},
        {"type": "receive", "time": 1795424402, "opcode": 1, "data": PUSH},
        {"type": "receive", "time": 1795424403, "opcode": 2, "data": "AAA="},
        {"type": "receive", "time": 1795424404, "opcode": -1, "data": "closed"},
    ]
    socket = {**changed("response.status", 101), "_webSocketMessages": messages}
    found = load(socket, entry(_webSocketMessages=None))
    uri = "https://gws.example/api/v2/me?x=1"
    assert (
        WebSocketMessage(uri=uri, seen=1795424401.5, from_client=True, content="[]"),
        WebSocketMessage(uri=uri, seen=1795424402.0, from_client=False, content=PUSH),
        WebSocketMessage(uri=uri, seen=1795424403.0, from_client=False, content=b"\0\0"),
    ) == found.messages
    assert 1 == len(compile_recording(found).cassette.notifications)


def test_a_har_without_bodies_says_so() -> None:
    """It was exported without content; replaying empty responses would be wrong."""
    bare = changed("response.content", {"size": 5, "mimeType": "application/json"})
    assert {1: "its response body is missing (export the HAR with content)"} == skipped(entry(), bare)


@pytest.mark.parametrize(
    "path",
    ["request", "response", "request.method", "request.url"],
)
def test_each_missing_field_is_named(path: str) -> None:
    """With its entry."""
    assert {1: f"the field '{path.rpartition('.')[2]}' is missing"} == skipped(entry(), changed(path, ...))


@pytest.mark.parametrize(
    "path", ["request.headers", "response.headers", "startedDateTime", "time", "request.httpVersion"]
)
def test_an_optional_field_may_be_missing(path: str) -> None:
    """Tools leave out what they do not know."""
    assert 1 == len(load(changed(path, ...)).exchanges)


@pytest.mark.parametrize("value", [None, 5, "x", [], {"x": 1}], ids=repr)
@pytest.mark.parametrize(
    "path",
    [
        *("request", "response", "request.method", "request.url", "request.headers", "request.postData"),
        *("response.headers", "response.content", "response.status", "response.statusText", "startedDateTime", "time"),
        *("_webSocketMessages", "response.content.size", "response.content.text"),
    ],
)
def test_a_field_of_a_wrong_kind_skips_the_entry_or_is_harmless(path: str, value: Any) -> None:
    """No other error than ours, and no value that breaks the promises of the model."""
    document = changed(path, value) if path != "_webSocketMessages" else entry(_webSocketMessages=value)
    found = load(document)
    assert bool(found.exchanges or found.unanswered) != bool(skipped(document))
    for request in (each.request for each in (*found.unanswered, *found.exchanges)):
        assert (str, str, bytes) == (type(request.method), type(request.uri), type(request.body))
    for each in found.exchanges:
        assert (int, str, bytes) == (type(each.response.status), type(each.response.reason), type(each.response.body))
        assert isinstance(each.response.headers, Headers)


@pytest.mark.parametrize("text", ["", "{", "not json", '{"log":{"entries":[', "[" * 100_000])
def test_what_is_not_json_is_named(text: str) -> None:
    """Torn, most likely."""
    with pytest.raises(CassetteError, match=r"^a\.har is not JSON .*torn"):
        read_har(text, "a.har")


@pytest.mark.parametrize("document", [[], {}, 1, None, {"log": []}, {"log": {}}, {"log": {"version": "1.2"}}])
def test_what_is_no_har_is_named(document: Any) -> None:
    """Other JSON."""
    with pytest.raises(CassetteError, match=r"^a\.har is not a HAR: log\.entries"):
        read_har(json.dumps(document), "a.har")


@pytest.mark.parametrize("entries", [[None], [5], ["x"], [[]]], ids=repr)
def test_entries_that_are_not_objects_are_skipped(entries: Any) -> None:
    """Not a crash."""
    assert {0: "a field has a wrong value"} == skipped(*entries)


@pytest.mark.parametrize("entries", [None, 5, "x", {"a": 1}], ids=repr)
def test_entries_of_a_wrong_kind_are_an_error(entries: Any) -> None:
    """Not a crash."""
    with pytest.raises(CassetteError, match=r"^a\.har"):
        load(entries=entries)


def test_a_byte_order_mark_is_skipped() -> None:
    """HAR 1.2 tells readers to ignore it; tools on Windows write it."""
    text = json.dumps({"log": {"version": "1.2", "entries": [entry()]}})
    assert 1 == len(read_har("\ufeff" + text, "a.har").exchanges)


def test_a_har_of_nothing_is_a_recording_of_nothing() -> None:
    """Whether that is an error, the caller decides."""
    assert Recording(exchanges=()) == load()
