"""Which HTTP requests carry Bayeux messages, and the bodies of their responses."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from gws_replay.core.bayeux.messages import Verbatim
from gws_replay.core.bayeux.over_http import JSON_TYPE, BayeuxRequest, carried, is_cometd_exchange
from gws_replay.core.model import Headers, Request

CONNECT = {"channel": "/meta/connect", "clientId": "c1", "connectionType": "long-polling"}
SUBSCRIBE = {"channel": "/meta/subscribe", "clientId": "c1", "subscription": "/a"}
FORM = Headers((("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),))


def posted(
    body: Any, path: str = "/api/v2/notifications", headers: Headers | None = None, method: str = "POST"
) -> Request:
    """A request with a body: text and bytes as they are, other values as JSON."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return Request(method=method, uri=f"http://h{path}", headers=headers or Headers(), body=raw)


def got(path: str = "/api/v2/notifications", **fields: Any) -> Request:
    """A GET with fields in its query."""
    return Request(method="GET", uri=f"http://h{path}?{urlencode(fields, doseq=True)}")


@pytest.mark.parametrize(
    "path", ["/notifications", "/api/v2/notifications/connect", "/genesys/1/cometd", "/", "/api/v2/me"]
)
@pytest.mark.parametrize("query", ["", "?x=1"])
def test_the_address_does_not_count(path: str, query: str) -> None:
    """Clients append the kind of message, a proxy may change the path, and REST resources have any name."""
    assert BayeuxRequest([CONNECT, SUBSCRIBE]) == carried(posted([CONNECT, SUBSCRIBE], path + query))
    assert carried(posted({"operationName": "MarkRead"}, path + query)) is None


def test_one_message_without_an_array() -> None:
    """Some clients send it so."""
    assert BayeuxRequest([CONNECT]) == carried(posted(CONNECT))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        {},
        {"channels": ["voice"]},
        {"channel": "voice"},
        {"channel": 7},
        {"data": {"channel": "/a"}},
        [],
        [{"channel": "/a"}, {"no": "channel"}],
        [{"channel": "/a"}, 7],
        b'{"channel":"/a"',
        b'{"channel":"/a\xff"}',
        b'{"text":"\\"channel\\""}',
        b'{"channel":NaN}',
        b'"channel"',
        b'{"channel":' * 100_000,
    ],
    ids=lambda body: repr(body)[:30],
)
@pytest.mark.parametrize("path", ["/api/v2/me", "/api/v2/notifications"])
def test_a_rest_body_may_contain_the_word_channel(body: Any, path: str) -> None:
    """At any address; it is never an error."""
    assert carried(posted(body, path)) is None


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
def test_other_methods_carry_nothing(method: str) -> None:
    """Even to a CometD address."""
    assert carried(posted([CONNECT], method=method)) is None
    assert carried(posted(b"nonsense", method=method)) is None


def test_a_plain_get_carries_nothing() -> None:
    """A WebSocket begins with one, and browsers send it."""
    assert carried(got()) is None
    assert carried(got(fields="*")) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"7",
        b"[\xff]",
        b'[{"channel":"/meta/connect","a":NaN}]',
        b'[{"channel":"/meta/connect","a":1e999}]',
    ],
)
def test_a_malformed_body_is_a_rest_request(body: bytes) -> None:
    """It gets its recorded response, or is a miss that shows the body."""
    assert carried(posted(body)) is None


def test_a_message_on_a_meta_channel_makes_the_batch_bayeux() -> None:
    """The server refuses invalid messages one by one, and handles the rest."""
    assert BayeuxRequest([7, {}, CONNECT]) == carried(posted([7, {}, CONNECT]))


@pytest.mark.parametrize(
    ("sent", "body", "expected"),
    [
        ([CONNECT], b"", True),
        ([CONNECT], b"<html>", True),
        (None, b'[{"channel":"/meta/connect","successful":true}]', True),
        (None, b'[{"channel":"/v2/me/calls","data":{}},{"channel":"/meta/connect"}]', True),
        (None, b'[{"channel":"/v2/me/calls"}]', False),
        (None, b'[{"channel":"/meta/connect"', False),
        (None, b'{"note":"\\"/meta/connect\\""}', False),
        ([], b'[{"channel":"/meta/connect","successful":true}]', True),
        ({"operationName": "MarkRead"}, b'{"statusCode":0}', False),
    ],
)
def test_a_reply_on_a_meta_channel_shows_that_an_exchange_was_cometd(sent: Any, body: bytes, *, expected: bool) -> None:
    """A recording may have left request bodies out; a REST response may list channels."""
    assert expected == is_cometd_exchange(posted(b"" if sent is None else sent), body)


@pytest.mark.parametrize("path", ["/notifications", "/elsewhere"])
def test_a_form_carries_messages(path: str) -> None:
    """As clients before 1.0 send them; several fields are one batch."""
    body = urlencode({"message": [json.dumps([CONNECT, SUBSCRIBE]), json.dumps(CONNECT)]}, doseq=True)
    assert BayeuxRequest([CONNECT, SUBSCRIBE, CONNECT]) == carried(posted(body, path, FORM))


def test_form_of_a_rest_request_is_not_bayeux() -> None:
    """Whatever its fields are called, and however many there are."""
    for body in ("message=hello", "message=hello&message=you", "message=", f"message={quote('[1]')}", "a=1"):
        assert carried(posted(body, "/api/v2/me", FORM)) is None


def test_callback_polling_carries_messages_and_a_function() -> None:
    """At any address; several parameters are one batch."""
    one = got(jsonp="cometd.callback_1$", message=json.dumps([CONNECT]))
    assert BayeuxRequest([CONNECT], "cometd.callback_1$") == carried(one)
    two = got("/elsewhere", jsonp="f", message=[json.dumps(CONNECT), json.dumps([SUBSCRIBE])])
    assert BayeuxRequest([CONNECT, SUBSCRIBE], "f") == carried(two)


@pytest.mark.parametrize("name", ["alert(1);f", "f;g", "<script>", "a b", "f\n", "x" * 101, "f[0]", "f("])
def test_a_function_must_be_a_name(name: str) -> None:
    """It is written into a script that a browser runs."""
    with pytest.raises(ValueError, match="jsonp is not the name of a function"):
        carried(got(jsonp=name, message=json.dumps([CONNECT])))


@pytest.mark.parametrize(
    "fields",
    [
        {"jsonp": "f", "message": "hello"},
        {"jsonp": "f;g", "message": "[]"},
        {"jsonp": "f", "message": "[]"},
        {"jsonp": "f", "errormessage": json.dumps([CONNECT])},
        {"nojsonp": "f", "message": json.dumps([CONNECT])},
        {"jsonp": "f"},
    ],
)
def test_rest_get_with_such_fields_is_not_bayeux(fields: dict[str, str]) -> None:
    """The names are common."""
    assert carried(got("/api/v2/me", **fields)) is None


def test_batch_with_a_connect_polls() -> None:
    """In any position."""
    assert (True, True, False, False) == tuple(
        BayeuxRequest(messages).polls for messages in ([CONNECT], [7, SUBSCRIBE, CONNECT], [SUBSCRIBE], [])
    )


def test_response_is_json_or_a_call_of_the_function() -> None:
    """With its media type; a script must escape two line separators that JSON allows."""
    message = {"channel": "/a", "data": Verbatim('{"a":"\u2028ä\u2029"}')}
    text = '[{"channel":"/a","data":{"a":"\u2028ä\u2029"}}]'
    assert (JSON_TYPE, text.encode()) == BayeuxRequest([]).encode([message])
    kind, script = BayeuxRequest([], "f").encode([message])
    assert "text/javascript;charset=UTF-8" == kind
    assert '/**/f([{"channel":"/a","data":{"a":"\\u2028ä\\u2029"}}]);' == script.decode()
    assert json.loads(text) == json.loads(script.removeprefix(b"/**/f(").removesuffix(b");"))
