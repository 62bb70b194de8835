"""mitmproxy's flow files: HTTP and WebSocket flows are read, others skipped, damaged files named."""

import io
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.io import FlowWriter, tnetstring
from mitmproxy.test import tflow
from wsproto.frame_protocol import Opcode

from gws_replay.core.model import Recording, WebSocketMessage
from gws_replay.errors import CassetteError
from tests.support.builders import DATA
from tests.support.readers import read_flow


def http_flow(**more: Any) -> http.HTTPFlow:
    """A flow of one request and its response."""
    request = http.Request.make(
        "POST",
        "http://gws.example:8090/api/v2/me?x=1",
        b'{"a":1.50}',
        http.Headers(content_type="application/json"),
    )
    request.timestamp_start, request.timestamp_end = 100.5, 100.6
    response = http.Response.make(200, b'{"statusCode":0}', {"X-A": "1"})
    response.timestamp_start, response.timestamp_end = 101.0, 101.25
    return tflow.tflow(req=request, resp=more.pop("response", response), **more)


def written(*flows: Any) -> bytes:
    """A flow file of such flows."""
    file = io.BytesIO()
    for each in flows:
        FlowWriter(file).add(each)  # type: ignore[no-untyped-call]
    return file.getvalue()


def load(data: bytes) -> Recording:
    """What is read of a flow file."""
    return read_flow(data, "a.flow")


def test_a_flow_becomes_an_exchange() -> None:
    """It begins with the first byte of the request, and ends with the last of the response."""
    (found,) = load(written(http_flow())).exchanges
    assert ("POST", "http://gws.example:8090/api/v2/me?x=1") == (found.request.method, found.request.uri)
    assert (b'{"a":1.50}', b'{"statusCode":0}') == (found.request.body, found.response.body)
    assert (200, "OK", "1") == (found.response.status, found.response.reason, found.response.headers.get("x-a"))
    assert (100.5, 101.25) == (found.began, found.ended)


def test_repeated_and_odd_headers_are_kept() -> None:
    """In their order and spelling; bytes that are not UTF-8 are spelled out."""
    one = http_flow()
    assert one.response
    one.response.headers.fields = ((b"Set-Cookie", b"a=1"), (b"x-b", b"\xff"), (b"set-cookie", "ä".encode()))
    pairs = load(written(one)).exchanges[0].response.headers.pairs
    assert (("Set-Cookie", "a=1"), ("x-b", "\\xff"), ("set-cookie", "ä")) == pairs


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity"])
def test_codings_are_undone(coding: str) -> None:
    """In requests and responses; the header goes with them."""
    one = http_flow()
    assert one.response
    for message in (one.request, one.response):
        message.headers["content-encoding"] = coding
        message.content = b'{"plain":1}'
    (found,) = load(written(one)).exchanges
    assert (b'{"plain":1}', b'{"plain":1}') == (found.request.body, found.response.body)
    assert found.request.headers.get("content-encoding") is found.response.headers.get("content-encoding") is None


@pytest.mark.parametrize(("coding", "body"), [("gzip", b"plain"), ("unknown", b"\xff"), ("br", b"\xff")])
def test_what_does_not_decode_stays_with_its_header(coding: str, body: bytes) -> None:
    """Nothing is lost."""
    one = http_flow()
    assert one.response
    one.response.headers["content-encoding"] = coding
    one.response.raw_content = body
    (found,) = load(written(one)).exchanges
    assert (body, coding) == (found.response.body, found.response.headers.get("content-encoding"))


def test_flow_without_a_response_is_unanswered() -> None:
    """A poll that the client dropped."""
    found = load(written(http_flow(response=False, err=True), http_flow()))
    assert (1, ["POST"]) == (len(found.exchanges), [each.request.method for each in found.unanswered])


def test_response_without_an_end_ends_when_it_began() -> None:
    """The connection was closed on it."""
    one = http_flow()
    assert one.response
    one.response.timestamp_end = None
    assert 101.0 == load(written(one)).exchanges[0].ended


def test_websocket_messages_are_read() -> None:
    """Text and binary ones."""
    one = tflow.twebsocketflow()
    assert one.websocket
    assert {Opcode.BINARY, Opcode.TEXT} == {message.type for message in one.websocket.messages}
    messages = load(written(one)).messages
    assert [
        WebSocketMessage(
            uri=one.request.url,
            seen=m.timestamp,
            from_client=m.from_client,
            content=m.text if m.type is Opcode.TEXT else m.content,
        )
        for m in one.websocket.messages
    ] == list(messages)


@pytest.mark.parametrize("other", [tflow.ttcpflow, tflow.tudpflow, tflow.tdnsflow])
def test_other_protocols_are_skipped(other: Any) -> None:
    """A proxy in regular mode sees more than HTTP."""
    found = load(written(other(), http_flow(), other()))
    assert (1, 0) == (len(found.exchanges), len(found.unanswered))


def test_a_torn_file_is_named() -> None:
    """Wherever it was cut, but between two flows: that is a whole file of fewer."""
    one = written(http_flow())
    data = one + written(http_flow())
    for cut in range(1, len(data), 5):
        if cut == len(one):
            continue
        with pytest.raises(CassetteError, match=r"^a\.flow cannot be read as a mitmproxy flow file .*torn"):
            load(data[:cut])


@pytest.mark.parametrize("version", [99, 1, (0, 17), "x", None])
def test_a_file_of_another_version_is_named(version: Any) -> None:
    """Newer than this mitmproxy, or older than it can convert."""
    state = {**http_flow().get_state(), "version": version}
    with pytest.raises(CassetteError, match=r"^a\.flow cannot be read as a mitmproxy flow file .*another version"):
        load(tnetstring.dumps(state))


@pytest.mark.parametrize(
    "data",
    [b"version: 1\n", b"\x00", b"5:hello,", b"0:}", b"4:true!", b"{", b'{"log":{}}', b"9" * 100, b"0:~", b"\xff" * 50],
)
def test_what_is_no_flow_file_is_named(data: bytes) -> None:
    """Any other content."""
    with pytest.raises(CassetteError, match=r"^a\.flow cannot be read as a mitmproxy flow file"):
        load(data)


@pytest.mark.parametrize("field", ["request", "response", "timestamp_created", "type"])
def test_a_flow_that_lacks_a_field_is_named(field: str) -> None:
    """Or is read without it, as one without a response."""
    state = http_flow().get_state()
    del state[field]
    try:
        found = load(tnetstring.dumps(state))
    except CassetteError as error:
        assert str(error).startswith("a.flow")  # noqa: PT017
    else:
        assert "response" == field
        assert 1 == len(found.unanswered)


def test_an_empty_file_is_a_recording_of_nothing() -> None:
    """Whether that is an error, the caller decides."""
    assert Recording(exchanges=()) == load(b"")


def test_a_real_capture_is_in_order_of_completion() -> None:
    """A held poll stands after what was sent while it was held; the compiler sorts."""
    capture = DATA / "captures" / "longpoll-js-update.flow"
    began = [each.began for each in read_flow(capture.read_bytes(), "a.flow").exchanges]
    assert began != sorted(began)


def test_bytes_beyond_utf8_are_spelled_out() -> None:
    """In the method and the path, where mitmproxy hides them: no cassette could hold its text."""
    one = http_flow()
    one.request.data.method, one.request.data.path = b"G\xffT", b"/caf\xe9/\xc3\xa9?x=\xff"
    (found,) = load(written(one)).exchanges
    assert ("G\\xffT", "http://gws.example:8090/caf%E9/é?x=%FF") == (found.request.method, found.request.uri)


def test_text_of_a_websocket_that_an_old_mitmproxy_saved_is_read() -> None:
    """Before version 7 the content of a text message was text, and is so in what newer versions make of the file."""
    flow = http_flow(ws=True)
    assert flow.websocket
    old = flow.websocket.messages[0]
    content = '[{"channel":"/meta/connect"}]'
    state: Any = tuple(content if isinstance(part, bytes) else part for part in old.get_state())
    old.set_state(state)
    flow.websocket.messages[:] = [old]
    assert [content] == [each.content for each in read_flow(written(flow), "x").messages]
