"""Which orders are allowed, and that a replay of any of them keeps the hard rules."""

import json
import os
from dataclasses import replace
from itertools import repeat

from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.explore.deviation import Deviation
from gws_replay.core.explore.orders import Orders
from gws_replay.core.model import Cause, Notification
from gws_replay.core.replay.cassette_index import CassetteIndex
from tests.support.builders import cassette, get, push, update
from tests.support.simulated_replays import Simulation, recordings

EXAMPLES = max(300, int(os.environ.get("GWS_REPLAY_EXAMPLES", "0")))
TWO_SESSIONS = cassette(
    get({"A": 1}, began=0),
    update({"A": 2}, began=1),
    push({"A": 2}, seen=1.5),
    update({"B": 1}, began=2, session="S2"),
    push({"B": 1}, seen=2.5, session="S2"),
    get({"A": 2}, began=3),
)


def moves(recorded: Cassette) -> set[str]:
    return {str(each.deviation) for each in Orders(CassetteIndex(recorded)).moves()}


def shown(recorded: Cassette, *texts: str) -> list[int]:
    """The notifications in the order of their positions after some moves."""
    index = Orders(CassetteIndex(recorded)).rewritten(map(Deviation.parse, texts))
    return sorted(range(len(index.positions)), key=index.positions.__getitem__)


def test_a_notification_may_come_before_the_response_and_as_late_as_the_end() -> None:
    assert {each for each in moves(TWO_SESSIONS) if each.startswith("n0:")} == {
        *("n0:q1", "n0:n1", "n0:q2", "n0:r2", "n0:q3", "n0:r3"),
    }


def test_a_notification_before_the_response_makes_it_wait() -> None:
    index = Orders(CassetteIndex(TWO_SESSIONS)).rewritten([Deviation.parse("n0:q1")])
    cause = index.cassette.notifications[0].cause
    assert cause is not None
    assert cause.after == "request"
    assert index.leading == {1}


def test_a_response_waits_for_a_late_notification_that_comes_during_its_request() -> None:
    assert {2} == Orders(CassetteIndex(TWO_SESSIONS)).rewritten([Deviation.parse("n0:q2")]).leading


def test_notifications_of_different_resources_change_places() -> None:
    assert [1, 0] == shown(TWO_SESSIONS, "n0:n1")


def test_notifications_of_one_resource_keep_their_order() -> None:
    one = cassette(
        update({"A": 1}, began=1), push({"A": 1}, seen=1.5), update({"A": 2}, began=2), push({"A": 2}, seen=2.5)
    )
    assert "n0:n1" not in moves(one)
    assert [0, 1] == shown(one, "n0:r1")


def test_one_without_a_cause_never_comes_earlier() -> None:
    unsolicited = replace(TWO_SESSIONS, notifications=(replace(push({"C": 1}, seen=2.05, session="S3"), cause=None),))
    assert moves(unsolicited) == {"n0:r2", "n0:q3", "n0:r3"}


def test_a_late_one_without_a_cause_does_not_make_the_client_wait_for_ever() -> None:
    """The requests before its new place are a soft rule; those before its recorded place stay the hard one."""
    unsolicited = replace(TWO_SESSIONS, notifications=(replace(push({"C": 1}, seen=2.05, session="S3"), cause=None),))
    index = Orders(CassetteIndex(unsolicited)).rewritten([Deviation.parse("n0:r3")])
    assert index.parts[0].unsolicited[0][0] == 2.05
    assert index.positions[0] > 3.1


@st.composite
def moved(draw: st.DrawFn) -> tuple[Cassette, list[Deviation]]:
    """A random recording with several resources, and some moves, not more than one of each notification."""
    recorded = draw(recordings())
    shared = [
        replace(each, data=json.dumps({"N": n, "facebooksession": {"id": f"S{draw(st.integers(0, 2))}"}}))
        for n, each in enumerate(recorded.notifications)
    ]
    recorded = replace(recorded, notifications=tuple(shared))
    possible = [each.deviation for each in Orders(CassetteIndex(recorded)).moves()]
    several = st.lists(st.sampled_from(possible), max_size=4, unique_by=lambda each: each.number)
    return recorded, draw(several) if possible else []


def has_hard_rule(before: Notification, after: Notification, at: float, recorded: Cassette) -> bool:
    """Whether a moved notification stands where its cause allows it."""
    if before.cause is None or after.cause is None:
        return before.cause is after.cause
    began = max(recorded.interactions[each].began for each in before.cause.interactions)
    return after.cause.interactions == before.cause.interactions and at >= began and _stands(after.cause, at, recorded)


def _stands(cause: Cause, at: float, recorded: Cassette) -> bool:
    ended = recorded.interactions[cause.interaction].ended
    return at >= ended if cause.after == "response" else at < ended


@settings(max_examples=EXAMPLES)
@given(moved())
def test_whatever_is_moved_keeps_its_cause_its_resource_order_and_the_rest(
    found: tuple[Cassette, list[Deviation]],
) -> None:
    recorded, deviations = found
    orders = Orders(CassetteIndex(recorded))
    index = orders.rewritten(deviations)
    for number, (before, after) in enumerate(zip(recorded.notifications, index.cassette.notifications, strict=True)):
        assert (before.channel, before.data, before.user) == (after.channel, after.data, after.user)
        assert has_hard_rule(before, after, index.positions[number], recorded), (number, before, after)
    for key in set(orders.resources):
        same = [number for number, each in enumerate(orders.resources) if each == key]
        was = sorted(same, key=lambda each: (orders.index.positions[each], each))
        assert was == sorted(same, key=lambda each: (index.positions[each], each))


@settings(max_examples=EXAMPLES)
@given(moved(), st.lists(st.integers(1, 2), min_size=3, max_size=3), st.data())
def test_no_variant_is_too_early_or_makes_a_client_wait_for_ever(
    found: tuple[Cassette, list[Deviation]], clients: list[int], data: st.DataObject
) -> None:
    """The simulation fails at a notification before its cause, and at a client that waits for ever."""
    recorded, deviations = found
    index = Orders(CassetteIndex(recorded)).rewritten(deviations)
    users = range(len(recorded.users))
    run = Simulation(
        # What comes before its response in the variant may do so; one without a cause obeys the recording.
        replace(
            recorded,
            notifications=tuple(
                replace(each, cause=index.cassette.notifications[number].cause)
                for number, each in enumerate(recorded.notifications)
            ),
        ),
        clients=clients[: len(users)],
        orders=[[i for i, each in enumerate(recorded.interactions) if each.user == user] for user in users],
        think=repeat(0.0),
        work=iter(lambda: data.draw(st.sampled_from([0.0, 0.001, 0.3])), None),
        waits=iter(lambda: data.draw(st.booleans()), None),
        index=index,
    )
    run.play()
    for person in run.people:
        own = [number for number, each in enumerate(recorded.notifications) if each.user == person.user]
        assert all(own == sorted(person.received_by(client)) for client in range(len(person.clients))), run.state()


def test_those_before_the_first_request_change_places() -> None:
    early = [replace(push({"C": n}, seen=0.5 + n / 4, session=f"S{n}"), cause=None) for n in (0, 1)]
    recorded = cassette(*early, get({"A": 1}, began=1), attributed=False)
    index = Orders(CassetteIndex(recorded)).rewritten([Deviation.parse("n0:n1")])
    assert index.positions[1] < index.positions[0] < 1


def test_one_without_a_cause_cannot_be_asked_to_come_earlier() -> None:
    unsolicited = replace(TWO_SESSIONS, notifications=(replace(push({"C": 1}, seen=2.05, session="S3"), cause=None),))
    orders = Orders(CassetteIndex(unsolicited))
    assert not orders.is_allowed(Deviation.parse("n0:q1"))
    assert orders.is_allowed(Deviation.parse("n0:q3"))
