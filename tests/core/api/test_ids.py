"""What is taken for an id."""

import pytest

from gws_replay.core.api.ids import is_id, is_long_id, tail


@pytest.mark.parametrize(
    ("key", "expected"),
    [("id", True), ("participantId", True), ("callUuid", True), ("referenceId", False), ("x", False)],
)
def test_key_decides_whether_a_value_is_an_id(key: str, expected: bool) -> None:
    """By the key: what links two messages is a counter and no id."""
    assert expected == is_id(key)


def test_long_text_with_digit_can_be_an_id() -> None:
    """By its looks: long, and with a digit; it may stand at the end of an address."""
    assert is_long_id("0002DaAVKJ0V0095")
    assert not is_long_id("facebooksessions")
    assert not is_long_id("117")
    assert "U1" == tail("http://gws.example/api/v2/users/U1?fields=*")
