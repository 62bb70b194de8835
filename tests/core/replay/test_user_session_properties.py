"""Replays of random recordings, in virtual time: what must hold for any client.

No notification comes before its hard gate; a client that sends in recorded order receives in recorded order; no client
waits for ever for the effects of its own requests; each client of a user receives each notification of that user once.
"""

import os
from collections.abc import Iterator
from itertools import repeat

from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.push_schedule import INSTANT
from gws_replay.core.replay.user_session import PATIENCE
from tests.support.simulated_replays import Simulation, recordings

CLIENTS = st.lists(st.integers(1, 3), min_size=3, max_size=3)
# 200 in the normal suite; GWS_REPLAY_EXAMPLES sets another number.
EXAMPLES = max(200, int(os.environ.get("GWS_REPLAY_EXAMPLES", "0")))
SECONDS = st.sampled_from([0.0, 0.001, 0.1, 0.24, 0.3, 1.0, 5.0])


def of(cassette: Cassette, user: int) -> list[int]:
    """The interactions of a user."""
    return [index for index, each in enumerate(cassette.interactions) if each.user == user]


def keeps_writes_in_order(cassette: Cassette, order: list[int]) -> list[int]:
    """Whether an order has the writes of each resource in recorded order, except those that overlapped.

    Equal requests are played one after the other: the k-th is the k-th.
    """
    index = CassetteIndex(cassette)
    left, found = list(order), list[int]()
    while left:
        chosen = next(each for each in left if not any(_must_follow(index, each, other) for other in left))
        left.remove(chosen)
        found.append(chosen)
    return found


def _must_follow(index: CassetteIndex, one: int, other: int) -> bool:
    resource = index.written_by(one)
    if other == one or resource is None or index.written_by(other) != resource:
        return False
    earlier, later = index.interactions[other], index.interactions[one]
    is_equal = index.keys[one] == index.keys[other]
    return earlier.ended <= later.began or (is_equal and other < one)


def drawn(data: st.DataObject, strategy: st.SearchStrategy[float]) -> Iterator[float]:
    """Values, one after the other."""
    while True:
        yield data.draw(strategy)


@settings(max_examples=EXAMPLES)
@given(recordings(), CLIENTS, st.sampled_from([INSTANT, INSTANT, 0.5]), st.data())
def test_any_client_gets_each_notification_once_never_early_and_never_waits_for_ever(
    cassette: Cassette, clients: list[int], factor: float, data: st.DataObject
) -> None:
    """In any order that its own waits allow, with overlapping requests and any delays of client and server."""
    users = range(len(cassette.users))
    orders = [keeps_writes_in_order(cassette, data.draw(st.permutations(of(cassette, user)))) for user in users]
    run = Simulation(
        cassette,
        clients=clients[: len(users)],
        orders=orders,
        think=drawn(data, SECONDS),
        work=drawn(data, SECONDS),
        waits=(bool(each) for each in drawn(data, st.sampled_from([0.0, 1.0]))),
        factor=factor,
    )
    run.play()
    assert [] == run.missed
    assert set(run.sent) == set(range(len(cassette.interactions)))
    for person in run.people:
        own = [number for number, each in enumerate(cassette.notifications) if each.user == person.user]
        for client in range(len(person.clients)):
            assert own == sorted(person.received_by(client)), run.state()


@settings(max_examples=EXAMPLES)
@given(recordings(), CLIENTS, st.data())
def test_a_client_that_sends_in_recorded_order_receives_in_recorded_order(
    cassette: Cassette, clients: list[int], data: st.DataObject
) -> None:
    """Every user sends when everything recorded before has arrived, and the recorded order is never changed."""
    run = InRecordedOrder(cassette, clients, drawn(data, st.sampled_from([0.0, 0.001, 0.02])))
    run.play()
    for person in run.people:
        own = [number for number, each in enumerate(cassette.notifications) if each.user == person.user]
        assert [own] * len(person.clients) == [person.received_by(client) for client in range(len(person.clients))]
        assert [] == person.session.roles[0].progress.schedule.out_of_order
        for number, at in person.received[0]:
            seen = cassette.notifications[number].seen
            later = [index for index in of(cassette, person.user) if cassette.interactions[index].began > seen]
            assert all(run.sent[index] >= at for index in later), run.state()


class InRecordedOrder(Simulation):
    """One client of all users, which sends in recorded order and waits for what was recorded before."""

    def __init__(self, cassette: Cassette, clients: list[int], work: Iterator[float]) -> None:
        users = range(len(cassette.users))
        super().__init__(
            cassette,
            clients=clients[: len(users)],
            orders=[of(cassette, user) for user in users],
            think=repeat(0.0),
            work=work,
            waits=repeat(False),
        )

    def may_send(self, index: int) -> bool:
        """Whether all that was recorded before a request, of any user, has happened."""
        began = self.cassette.interactions[index].began
        exchanges, notifications = self.cassette.interactions, self.cassette.notifications
        if any(each.began < began and other not in self.sent for other, each in enumerate(exchanges)):
            return False
        if any(each.ended <= began and other not in self.responded for other, each in enumerate(exchanges)):
            return False
        before = {(each.user, number) for number, each in enumerate(notifications) if each.seen < began}
        return all(
            number in person.received_by(client)
            for person in self.people
            for client in range(len(person.clients))
            for user, number in before
            if user == person.user
        )


def test_patience_is_short() -> None:
    """Long enough for a client to continue, and short enough for one that waits."""
    assert 0.1 <= PATIENCE <= 0.5
