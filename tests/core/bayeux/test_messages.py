"""Bayeux messages on the network: bodies are read or refused with a reason, text is written unchanged."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.bayeux.messages import (
    Message,
    Verbatim,
    decoded,
    encoded,
    matching_patterns,
    refusal,
    reply,
    subscriptions,
)
from gws_replay.core.lossless_json import compact
from tests.support.builders import JSON, spelled
from tests.support.json_texts import TEXTS, pairs

DEEP = 100_000
REQUEST = {"channel": "/meta/connect", "id": "1", "clientId": "c"}


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ("[]", []),
        ('[{"channel":"/a"},{"channel":"/b"}]', [{"channel": "/a"}, {"channel": "/b"}]),
        ('{"channel":"/a"}', [{"channel": "/a"}]),
        (' [ 7 , "x", null ] ', [7, "x", None]),
        ('[{"data":"ä\\u2028"}]', [{"data": "ä\u2028"}]),
    ],
)
def test_a_body_is_one_message_or_an_array(body: str, messages: list[Any]) -> None:
    """A WebSocket message or the bytes of a request; the server judges the elements of the array."""
    assert messages == decoded(body)
    assert messages == decoded(body.encode())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is not JSON: Expecting value"),
        (b"hello", "it is not JSON: Expecting value"),
        (b'[{"channel":"/a"}', "it is not JSON: "),
        (b"message=%5B%5D", "it is not JSON: "),
        (b'[{"a":NaN}]', "it is not JSON: NaN is not a number in JSON"),
        (b'[{"a":-Infinity}]', "it is not JSON: -Infinity is not a number in JSON"),
        (b'[{"a":1e999}]', "it is not JSON: 1e999 is not a number in JSON"),
        (b'[{"a":' + b"9" * 5000 + b"}]", "it is not JSON: "),
        (b"[" * DEEP + b"]" * DEEP, "the JSON is nested too deeply"),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "the JSON is nested too deeply"),
        (b'[{"a":"\xff"}]', "it is not UTF-8"),
        (b'"text"', "it is neither a message nor an array of messages"),
        (b"7", "it is neither a message nor an array of messages"),
        (b"null", "it is neither a message nor an array of messages"),
        (b"true", "it is neither a message nor an array of messages"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_any_other_body_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    """Always a ValueError, so that one client cannot break the server."""
    with pytest.raises(ValueError, match=r".") as refused:
        decoded(body)
    assert str(refused.value).startswith(reason)


@given(st.binary(max_size=40) | st.text(max_size=20).map(str.encode))
def test_random_bytes_are_messages_or_a_value_error(body: bytes) -> None:
    """Nothing else is raised."""
    with suppress(ValueError):
        assert isinstance(decoded(body), list)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from(["id", "channel", "data", "ext"]), JSON), max_size=3))
def test_what_is_written_reads_the_same(messages: list[Message]) -> None:
    """On one line, since a frame of some servers is one."""
    text = encoded(messages)
    assert spelled(messages) == spelled(decoded(text))
    assert "\n" not in text


@given(TEXTS)
@settings(max_examples=60)
def test_verbatim_data_are_written_token_for_token(text: str) -> None:
    """Duplicate keys, the spelling of numbers and escapes survive, among the other fields of the message."""
    written = encoded([{"channel": "/a", "data": Verbatim(compact(text)), "id": 7}])
    (message,) = pairs(written)
    fields = dict(message[1])
    assert ["channel", "id", "data"] == list(fields)
    assert pairs(text) == fields["data"]


def test_verbatim_is_used_only_for_data() -> None:
    """Other text that looks like JSON is a string."""
    text = encoded([{"channel": "/a", "data": '{"a":1}'}, {"channel": "/b", "data": Verbatim('{"a":1.50,"a":[]}')}])
    assert '[{"channel":"/a","data":"{\\"a\\":1}"},{"channel":"/b","data":{"a":1.50,"a":[]}}]' == text


def test_a_channel_satisfies_itself_its_siblings_pattern_and_its_ancestors() -> None:
    """Bayeux 1.0, section 2.2.1."""
    assert {"/a/b", "/a/*", "/a/**", "/**"} == matching_patterns("/a/b")
    assert {"/a", "/*", "/**"} == matching_patterns("/a")


NAMES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4)


@given(NAMES, NAMES, st.sampled_from(["", "*", "**"]))
def test_patterns_match_as_their_definition_says(channel: list[str], prefix: list[str], wild: str) -> None:
    """A model by segments: `*` is one segment, `**` is one or more."""
    matches = {
        "": channel == prefix,
        "*": channel[:-1] == prefix,
        "**": len(channel) > len(prefix) and channel[: len(prefix)] == prefix,
    }
    pattern = "/" + "/".join([*prefix, wild] if wild else prefix)
    assert matches[wild] == (pattern in matching_patterns("/" + "/".join(channel)))


@pytest.mark.parametrize(
    ("named", "patterns"),
    [("/a", ["/a"]), (["/a", "/b"], ["/a", "/b"]), (None, []), (7, []), (["/a", 7], []), ({"/a": 1}, []), ([], [])],
)
def test_a_subscription_names_one_pattern_or_several(named: Any, patterns: list[str]) -> None:
    """Anything else gives none."""
    assert patterns == subscriptions({"subscription": named})
    assert [] == subscriptions({})


def test_reply_has_the_id_and_channel_of_its_message() -> None:
    """Nothing else of the message is returned."""
    assert {"id": "1", "channel": "/meta/connect", "successful": True, "x": 1} == reply(REQUEST, x=1)
    refused = {"id": "1", "channel": "/meta/connect", "successful": False, "error": "400::No", "advice": {}}
    assert refused == refusal(REQUEST, "400::No", advice={})
    assert {"successful": True} == reply({"id": {"deep": []}, "channel": ["/a"]})
    assert json.loads(encoded([reply(REQUEST)])) == [reply(REQUEST)]
