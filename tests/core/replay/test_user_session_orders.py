"""The order in which a client sees a capture: the same however long it waits, over 1,000 simulated runs.

Two sockets with random delays, a REST client that continues when it has seen the effects of its operation, and a
poller; in simulated time.
"""

import random
from collections.abc import Callable, Iterator

import pytest

from gws_replay.core.bayeux.server import Hold
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.push_schedule import GAP
from gws_replay.core.replay.shared_run import SharedRun
from tests.support.builders import CAPTURES
from tests.support.commands import captured
from tests.support.user_sessions import Listener, joined

RUNS = 150  # of each capture
WAITS = (0.0, 0.05, 2.0)
TRAVEL = 0.0009  # at most: two of them are less than the gap between a response and its notification
THOUGHT = 0.01  # at most, of the server before its response
LED_PATIENCE = 0.25
FOREVER = float("inf")

Event = tuple[str, int]
# What a process waits for: a time, or before that something to be true.
Wait = tuple[float, Callable[[], bool]]


class Simulation:
    """One run of a capture by a client that waits for so long before each of its operations."""

    def __init__(self, cassette_index: CassetteIndex, wait: Callable[[], float], chance: random.Random) -> None:
        self.cassette_index = cassette_index
        self.wait = wait
        self.chance = chance
        self.session = joined(SharedRun([cassette_index]), timeout=1.0)
        self.now = 0.0
        self.ready: set[int] = set()
        self.events: list[Event] = []

    def run(self) -> list[Event]:
        """Let both processes continue until everything was sent and delivered."""
        waits = {process: next(process) for process in (self.poller(), self.rest())}
        everything = len(self.cassette_index.interactions) + len(self.cassette_index.cassette.notifications)
        while len(self.events) < everything:
            going = [process for process, (at, happened) in waits.items() if at <= self.now or happened()]
            waits.update({process: next(process) for process in going})
            if not going:
                times = [at for at in (self.session.next_at, *(at for at, _ in waits.values())) if at is not None]
                self.now = max(self.now, min(times))
                self.advance()
        return self.events

    def advance(self) -> None:
        """Let the session deliver what is due, as the server does after each event."""
        self.ready.update(self.session.advance(self.now))

    def after(self, seconds: float, happened: Callable[[], bool] = lambda: False) -> Wait:
        return self.now + seconds, happened

    def travel(self) -> Wait:
        return self.after(self.chance.uniform(0.0, TRAVEL))

    def rest(self) -> Iterator[Wait]:
        """The requests in recorded order; each waits until all notifications recorded before it were seen."""
        for index, exchange in enumerate(self.cassette_index.interactions):
            if index in self.cassette_index.operations:
                yield self.after(self.wait())
            yield self.travel()
            send = self.session.play(exchange.request, self.now)
            assert isinstance(send, Send)
            assert index == send.interaction
            self.advance()
            if send.led:
                yield self.after(LED_PATIENCE, lambda: not self.session.has_undelivered)
                yield self.after(GAP)
            else:
                yield self.after(self.chance.uniform(0.0, THOUGHT))
            self.session.responded(send, self.now)
            yield self.travel()
            self.events.append(("answer", index))
            yield FOREVER, lambda index=index: self.has_seen_what_came_before(index + 1)  # type: ignore[misc]
        while True:
            yield FOREVER, lambda: False

    def poller(self) -> Iterator[Wait]:
        listener = Listener(self.session)
        while True:
            yield self.travel()
            result = listener.poll(self.now)
            if isinstance(result, Hold):
                yield result.until, lambda: listener.held in self.ready
                listener.released(self.now)
            yield self.travel()
            for data in listener.received:
                self.events.append(("push", self.number_of(data)))
            listener.received.clear()

    def number_of(self, data: object) -> int:
        """The number of a notification: the first equal one that has not been seen."""
        seen = {number for kind, number in self.events if kind == "push"}
        pushed = enumerate(self.cassette_index.cassette.notifications)
        return next(number for number, each in pushed if number not in seen and each.value == data)

    def has_seen_what_came_before(self, index: int) -> bool:
        interactions = self.cassette_index.interactions
        began = interactions[index].began if index < len(interactions) else FOREVER
        pushed = enumerate(self.cassette_index.cassette.notifications)
        return {("push", number) for number, each in pushed if each.seen < began} <= set(self.events)


def recorded_order(cassette_index: CassetteIndex) -> list[Event]:
    """The events by their recorded times."""
    found = [
        *((exchange.ended, ("answer", index)) for index, exchange in enumerate(cassette_index.interactions)),
        *((pushed.seen, ("push", number)) for number, pushed in enumerate(cassette_index.cassette.notifications)),
    ]
    return [event for _, event in sorted(found, key=lambda each: each[0])]


@pytest.mark.parametrize("name", CAPTURES)
def test_a_client_sees_the_same_order_however_long_it_waits(name: str) -> None:
    """As it was recorded: 0, 50 or 2,000 ms before its updates, or each of these in turn, on sockets of any speed."""
    cassette_index = CassetteIndex(captured(name).cassette)
    expected = recorded_order(cassette_index)
    for number in range(RUNS):
        chance = random.Random(number)
        wait = (lambda chance=chance: chance.choice(WAITS)) if number % 4 == 3 else (lambda n=number: WAITS[n % 4])
        assert expected == Simulation(cassette_index, wait, chance).run(), f"run {number}"


def test_the_runs_are_a_thousand() -> None:
    """Some have a notification before its response, some have unsolicited ones."""
    assert 1000 <= RUNS * len(CAPTURES)
    indexes = [CassetteIndex(captured(name).cassette) for name in CAPTURES]
    assert any(cassette_index.leading for cassette_index in indexes)
    assert any(pushed.cause is None for cassette_index in indexes for pushed in cassette_index.cassette.notifications)
