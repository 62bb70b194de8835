"""Which recorded notification a live one is."""

from dataclasses import replace

from gws_replay.core.drift.expected_notifications import ExpectedNotifications
from gws_replay.core.drift.live_values import LiveValues
from tests.support.builders import cassette, push


def test_by_kind_and_resource_in_order() -> None:
    """The first that has not been received, of its own resource under its live id; another kind is another one."""
    recorded = cassette(
        push({}, seen=1.0, session="S1"), push({}, seen=2.0, session="S2"), push({}, seen=3.0, session="S1")
    )
    values = LiveValues(recorded, {"S1": "X1", "S2": "X2"})
    awaited = ExpectedNotifications(recorded, values)
    for session, kind in (("X2", "PropertiesUpdated"), ("X1", "StatusChange"), ("X1", "PropertiesUpdated")):
        awaited.receive(push({}, seen=0.0, session=session, kind=kind))
    assert {0, 1} == awaited.received
    assert [2] == awaited.missing([0, 1, 2])
    assert [0, 2] == awaited.about([0, 1, 2], ["S1"])


def test_a_new_resource_takes_its_live_id() -> None:
    """What nothing has shown yet is bound by the first notification of its kind, with the stand-ins in it."""
    recorded = cassette(push({"FirstName": "Arom"}, seen=1.0, session="S1"), push({}, seen=2.0, session="S2"))
    recorded.header["stand_ins"] = ["Arom"]  # type: ignore[index]
    values = LiveValues(recorded, {"S9": "X1"})
    awaited = ExpectedNotifications(recorded, values)
    assert [] == awaited.receive(push({}, seen=0.0, session="X1"))  # a live id that is another's
    learned = awaited.receive(push({"FirstName": "Anna"}, seen=0.0, session="X2"))
    assert [("Arom", "Anna")] == [(each.recorded, each.live) for each in learned]
    assert ("X2", {0}) == (values.live("S1"), awaited.received)
    assert [] == awaited.receive(push({}, seen=0.0, kind="Unheard of", session="X3"))


def test_a_notification_without_a_resource() -> None:
    """It is known by its topic and kind."""
    about_me = replace(push(None, seen=1.0), channel="/v2/me", data='{"messageType": "PasswordChangeError"}')
    recorded = cassette(about_me)
    awaited = ExpectedNotifications(recorded, LiveValues(recorded, {}))
    awaited.receive(push({}, seen=0.0))
    assert set() == awaited.received
    awaited.receive(about_me)
    assert {0} == awaited.received
