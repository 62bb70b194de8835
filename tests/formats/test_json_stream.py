"""An array in a JSON file is read item by item, as the whole would be."""

import io
import json
from typing import Any, TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gws_replay.formats import json_stream as json_items
from gws_replay.formats.json_stream import items_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=8,
)


class Counted(io.StringIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1) -> str:
        found = super().read(size)
        self.count += len(found)
        return found


def items(text: str, *names: str) -> list[Any] | type[Exception]:
    """The items of an array, or what was raised."""
    try:
        return list(items_of(io.StringIO(text), *names))
    except (ValueError, LookupError, RecursionError) as error:
        return next(each for each in (ValueError, LookupError, RecursionError) if isinstance(error, each))


@given(
    before=st.dictionaries(st.text(), VALUES, max_size=3),
    listed=st.lists(VALUES),
    after=st.dictionaries(st.text(), VALUES, max_size=3),
    indent=st.sampled_from([None, 1]),
    piece=st.sampled_from([1, 7, 2**16]),
)
def test_items_are_those_of_the_whole(
    before: dict[str, Any], listed: list[Any], after: dict[str, Any], indent: int | None, piece: int
) -> None:
    """Wherever the pieces end that are read, also inside a number or an escape, and whatever stands around it."""
    document = {**before, "log": {**before, "entries": listed, **{f"-{key}": each for key, each in after.items()}}}
    document["log"]["entries"] = listed
    text = json.dumps(document, indent=indent)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_items, "_PIECE", piece)
        assert listed == items(text, "log", "entries")


@given(text=st.text('[]{}:,"a1e-. tfn'), cut=st.integers(-3, 40))
def test_what_is_no_json_is_refused_as_the_parser_does(text: str, cut: int) -> None:
    """Anything made of its characters, and a document that is cut."""
    document = f'{{"log": {{"version": "1.2", "entries": [{text}]}}}}'
    for each in (document, document[: len(document) - cut], document + text):
        try:
            expected = json.loads(each)["log"]["entries"]
        except ValueError:
            expected = ValueError
        assert expected == items(each, "log", "entries")


@pytest.mark.parametrize("text", ["[]", "1", '{"log": []}', '{"log": {"entries": {}}}', '{"entries": []}'])
def test_other_json_has_no_such_array(text: str) -> None:
    """Which is no fault of the JSON."""
    assert LookupError is items(text, "log", "entries")


def test_no_more_is_read_than_the_next_item_takes() -> None:
    """Of a file that is much larger; the greatest item sets how much that is."""
    file: TextIO
    file = counted = Counted(json.dumps({"log": {"entries": ["x" * 1000] * 1000}}))
    found = items_of(file, "log", "entries")
    for _ in range(10):
        next(found)
    assert 2**16 == counted.count
