"""Bayeux messages in a recording are distinguished from other JSON, and keep their text."""

import json
from typing import Any

import pytest

from gws_replay.core.bayeux.recorded import messages_in, spelled

DATA = '{"b": 1.50,"a":1E5 , "b":null}'
MESSAGE = f'{{"channel":"/v2/me/calls","data":{DATA},"id":"7"}}'


@pytest.mark.parametrize("text", [MESSAGE, f"[{MESSAGE}]", f' [ {MESSAGE} , {{"channel":"/meta/connect"}} ] '])
@pytest.mark.parametrize("encode", [str, str.encode])
def test_messages_keep_the_text_of_their_fields(text: str, encode: Any) -> None:
    """One message or an array, text or bytes; duplicates and number spellings stay."""
    messages = messages_in(encode(text))
    assert messages
    assert ("/v2/me/calls", DATA, '"7"') == (messages[0].channel, messages[0].fields["data"], messages[0].fields["id"])
    assert f"[{MESSAGE}" in spelled(messages)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        "not json",
        '"/meta/connect"',
        '{"channels":["voice"]}',
        '{"channel":"voice"}',
        '{"channel":7}',
        '{"data":{"channel":"/v2/me"}}',
        '[{"channel":"/v2/me"},{"no":"channel"}]',
        '[{"channel":"/v2/me"},7]',
        '[{"channel":"/v2/me"',
        '{"channel":"/a","channel":"/b"}',
    ],
)
def test_other_bodies_are_not_bayeux(body: str) -> None:
    """REST responses have channels too; every message of an array must have a Bayeux one."""
    assert messages_in(body) is None
    assert messages_in(body.encode()) is None


def test_bytes_that_are_not_text_are_not_bayeux() -> None:
    """They raise no error."""
    assert messages_in(b'\xff{"channel":"/meta/connect"}') is None


@pytest.mark.parametrize(
    ("message", "is_notification"),
    [
        ({"channel": "/v2/me/calls", "data": {}}, True),
        ({"channel": "/v2/me/calls", "data": None, "id": "1"}, True),
        ({"channel": "/v2/me/calls"}, False),
        ({"channel": "/meta/connect", "data": {}}, False),
        ({"channel": "/service/x", "data": {}, "successful": True}, False),
        ({"channel": "/service/x", "data": {}}, True),
        ({"channel": "/v2/me/calls", "successful": True}, False),
    ],
)
def test_which_messages_are_notifications(message: dict[str, Any], is_notification: bool) -> None:
    """Data on a channel of the application that is not the reply to a publish."""
    found = (messages_in(json.dumps(message)) or [])[0]
    assert is_notification is found.is_notification


def test_field_names_are_escaped_again() -> None:
    """What is written is JSON, whatever a field is called."""
    text = '[{"channel":"/x","a\\"b":1,"":2}]'
    assert json.loads(text) == json.loads(spelled(messages_in(text) or ()))


def test_channel_with_half_a_surrogate_pair_is_invalid() -> None:
    """JSON can write it, and no cassette could hold it; the data may have any text."""
    assert messages_in('[{"channel":"/v2/me/\\ud800","data":{}}]') is None
    assert messages_in('[{"channel":"/v2/me/x","data":"\\ud800"}]')
