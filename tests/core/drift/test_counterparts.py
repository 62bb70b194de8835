"""What two messages that say the same thing call otherwise."""

from typing import Any

import pytest

from gws_replay.core.drift.counterparts import Counterpart, counterparts, ids_in, texts_in

LONG, OTHER = "0002DaAVKJ0V0095", "0002DaAVKJ0V00ZZ"


def found(recorded: Any, live: Any, *stand_ins: str) -> list[tuple[str, str]]:
    """The pairs of two values."""
    return [(each.recorded, each.live) for each in counterparts(recorded, live, set(stand_ins))]


@pytest.mark.parametrize(
    ("recorded", "live", "expected"),
    [
        pytest.param({"id": "1"}, {"id": "2"}, [("1", "2")], id="the key of an id"),
        pytest.param({"referenceId": "1"}, {"referenceId": "2"}, [], id="a counter"),
        pytest.param({"uri": f"http://a/{LONG}"}, {"uri": f"https://b:1/x/{OTHER}"}, [(LONG, OTHER)], id="an address"),
        pytest.param({"uris": [f"/users/{LONG}"]}, {"uris": [f"/users/{OTHER}"]}, [(LONG, OTHER)], id="addresses"),
        pytest.param({"uri": "http://a/calls"}, {"uri": "http://a/chats"}, [], id="an address without an id"),
        pytest.param({"userData": {"id": "1"}}, {"userData": {"id": "2"}}, [], id="userData"),
        pytest.param({"id": "1"}, {"id": ""}, [], id="nothing"),
        pytest.param([{"id": "1"}, {"id": "2"}], [{"id": "2"}, {"id": "3"}], [("2", "2"), ("1", "3")], id="a list"),
        pytest.param(["a", {"x": {"id": "1"}}], ["b", {"x": {"id": "2"}}], [("1", "2")], id="a list without ids"),
    ],
)
def test_ids(recorded: Any, live: Any, expected: list[tuple[str, str]]) -> None:
    """By key or at the end of an address; items belong together by id, and the others by order."""
    assert expected == found(recorded, live)


def test_stand_ins() -> None:
    """Wherever one is a whole value, as text or number; in userData too, in a list of pairs by key."""
    assert [("Arom", "Anna"), ("123", "456")] == found(
        {"userData": {"A": "Arom", "N": 123}}, {"userData": {"A": "Anna", "N": 456}}, "Arom", "123"
    )
    pairs = [[{"key": "B", "value": "b"}, {"key": "A", "value": name}] for name in ("Arom", "Anna")]
    assert [("Arom", "Anna")] == found({"userData": pairs[0]}, {"userData": pairs[1][1:]}, "Arom")
    assert [Counterpart("Arom", "Anna", is_id=False)] == counterparts(
        {"contactId": "Arom"}, {"contactId": "Anna"}, ["Arom"]
    )


def test_what_one_message_shows() -> None:
    """Its ids, and all its texts and numbers; depth does not matter."""
    value = {"id": "1", "x": [{"path": f"/users/{LONG}"}, 2, True, None]}
    assert ["1", LONG] == ids_in(value)
    assert {"1", f"/users/{LONG}", "2"} == set(texts_in(value))
    deep: Any = "bottom"
    for _ in range(100_000):
        deep = [deep]
    assert [] == counterparts(deep, deep, ())
