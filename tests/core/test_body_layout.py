"""JSON bodies as a cassette has them, and as they were sent."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from gws_replay.core import lossless_json
from gws_replay.core.body_layout import as_sent, is_laid_out, layout_of
from tests.support.builders import JSON

SEPARATORS = {"compact": (",", ":"), "spaced": (", ", ": ")}


@pytest.mark.parametrize("layout", ["compact", "spaced"])
@given(value=JSON)
@settings(max_examples=60)
def test_a_body_comes_back_byte_for_byte(layout: Any, value: Any) -> None:
    """From the lines that a cassette has, with the spelling of each number and escape."""
    text = json.dumps({"a": value, "b": [1, 2]}, separators=SEPARATORS[layout])
    assert layout == layout_of(text)
    assert text.encode() == as_sent(lossless_json.indented(text).encode(), layout)


@pytest.mark.parametrize("text", ['{"a":1, "b":2}', '{\n    "a": 1\n}', '{ "a": 1 }', '{"a":1}\n', '{\n  "a": 1\n}'])
def test_any_other_layout_is_kept(text: str) -> None:
    """It is in the cassette as it was sent."""
    assert "kept" == layout_of(text)
    assert text.encode() == as_sent(text.encode(), "kept")


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1}', b"[\n", b"{\n  a: 1\n}", b"{}", b"<\n>"])
def test_what_a_cassette_did_not_lay_out_stays_as_it_is(body: bytes) -> None:
    """A body that is written by hand, or is not JSON."""
    assert body == as_sent(body, "compact")


def test_laid_out_body_is_recognized_by_its_first_line() -> None:
    """It is looked at for each response."""
    assert [True, True, False, False] == [is_laid_out(each) for each in (b"{\n}", b"[\n]", b"{}", b"\n")]
