"""Findings as text and JSON, whatever was recorded."""

import itertools
import json
from typing import Any

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.core.lossless_json import dumps_ascii
from gws_replay.core.model import Notification
from gws_replay.reports.terminal import findings as differences
from tests.support.builders import exchange

ODD: list[Any] = [
    *(None, [], [1, {"id": 1}], {"id": 5}, {"facebooksession": [1]}, {"user": "x"}, {"statusCode": {"a": 1}}),
    *(b"\xff\xfe", b"not json", {"facebooksessions": [{"id": "a"}, {"id": "a"}]}),
    *({"userData": [{"key": "k", "value": 1}, {"key": "k"}]}, {"userData": {"\x1b[31m a.b": "\u202e"}}),
]


def run(value: Any) -> Cassette:
    """A recording that has a value wherever one can stand."""
    pushed = () if isinstance(value, bytes) else (Notification(channel="/x", data=json.dumps(value), seen=2.0),)
    exchanges = exchange("POST", "/api/v2/me", value, value), exchange("GET", "//x/%zz?a=&b", None, value, began=1.0)
    return Cassette(interactions=exchanges, notifications=pushed)


def test_odd_messages_are_compared_and_shown() -> None:
    """Each pair:

    equal ones have no finding; others are shown on lines without control characters, and as valid JSON.
    """
    for one, other in itertools.product(ODD, ODD):
        found = diff(run(one), run(other))
        assert bool(found) == (one is not other)
        assert all(line.isprintable() for line in differences.lines(found, all_of_them=True))
        assert all(json.loads(dumps_ascii(differences.as_json(each))) for each in found)


@pytest.mark.parametrize("depth", [300, 900])
def test_deeply_nested_messages_are_shown(depth: int) -> None:
    """As deep as a cassette can be read."""
    texts = ['{"a":' * depth + value + "}" * depth for value in ("1", "2")]
    runs = [Cassette(interactions=(exchange("POST", "/api/v2/me", b"{}", text.encode()),)) for text in texts]
    assert ["value"] == [each.kind for each in diff(*runs)]
    exchanges = [exchange("POST", "/api/v2/me", text.encode(), text.encode()) for text in (*texts, texts[0])]
    assert ["removed"] == [
        each.kind for each in diff(Cassette(interactions=(*exchanges,)), Cassette(interactions=(*exchanges[:2],)))
    ]
