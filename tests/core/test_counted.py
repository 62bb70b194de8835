"""One thing, several things."""

import pytest

from gws_replay.core.counted import counted


@pytest.mark.parametrize(("number", "text"), [(0, "0 keys"), (1, "1 key"), (2, "2 keys"), (1000, "1000 keys")])
def test_only_one_is_singular(number: int, text: str) -> None:
    """Zero takes the plural too."""
    assert text == counted(number, "key")
