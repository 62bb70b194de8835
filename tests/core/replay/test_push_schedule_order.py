"""Which notifications are released, and in which order: the schedule against a simple model of its two rules."""

from collections.abc import Sequence
from math import inf
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.push_schedule import INSTANT, RECORDED
from tests.support.cassette_indexes import MOMENTS, Scheduled, cassette_index

What = Literal["send", "respond", "wait"]


class Model:
    """The rules, computed anew after each event from all earlier events."""

    def __init__(self, index: CassetteIndex) -> None:
        self.index = index
        self.exchanges = index.interactions
        self.sent: set[int] = set()
        self.responded: set[int] = set()
        self.given_up: set[int] = set()
        self.released: list[int] = []

    def happened(self, what: What, interaction: int) -> None:
        """Add one event, and release what may be released."""
        if what == "send":
            if self.exchanges[interaction].ended <= self.reached():
                self.given_up.add(interaction)
            self.sent.add(interaction)
        elif what == "respond":
            self.responded.add(interaction)
        elif first := self.open():
            at = self.index.positions[first[0]]
            self.given_up |= {n for n, each in enumerate(self.exchanges) if each.began <= at and n not in self.sent}
        while (found := self.open()) and self.index.positions[found[0]] < self.limit():
            self.released.append(found[0])

    def open(self) -> list[int]:
        """Those that are not released and whose hard rule holds, in recorded order."""
        numbers = range(len(self.index.positions))
        found = [number for number in numbers if number not in self.released and self.may_go(number)]
        return sorted(found, key=lambda each: (self.index.positions[each], each))

    def may_go(self, number: int) -> bool:
        """The hard rule."""
        cause, at = self.index.cassette.notifications[number].cause, self.index.positions[number]
        if cause:
            return cause.interaction in (self.sent if cause.after == "request" else self.responded)
        begun = {n for n, each in enumerate(self.exchanges) if each.began <= at}
        ended = {n for n, each in enumerate(self.exchanges) if each.ended <= at}
        return begun <= self.sent and ended <= self.responded

    def limit(self) -> float:
        """The soft rule: the first request or response that may still come."""
        found = [inf]
        for number, each in enumerate(self.exchanges):
            if number in self.given_up or number in self.responded:
                continue
            if number in self.sent:
                found.append(each.ended)
            elif each.ended > self.reached():
                found.append(each.began)
        return min(found)

    def reached(self) -> float:
        """The recorded time that the client has reached."""
        return max((self.exchanges[each].began for each in self.sent), default=-inf)


@st.composite
def runs(draw: st.DrawFn) -> tuple[CassetteIndex, list[tuple[What, int]]]:
    """Updates that may overlap, with and without notifications.

    A client that sends and waits, and responses in any order.
    """
    spans = [
        (began, began + draw(st.integers(1, 5))) for began in sorted(draw(st.lists(st.integers(0, 12), max_size=5)))
    ]
    causes = st.tuples(st.integers(0, len(spans) - 1) if spans else st.none(), st.sampled_from(MOMENTS))
    pushed = [
        (draw(st.integers(0, 40)) / 2 + 0.25, cause if draw(st.integers(0, 4)) else None, after)
        for cause, after in draw(st.lists(causes, max_size=6))
    ]
    played = cassette_index(spans, sorted(pushed, key=lambda each: each[0]))
    open_: list[int] = []
    events: list[tuple[What, int]] = []
    for index in draw(st.permutations(range(len(spans)))):
        events.append(("send", index))
        open_.append(index)
        answers = draw(st.permutations(open_))[: draw(st.integers(0, len(open_)))]
        events.extend(("respond", answered) for answered in answers)
        open_ = [each for each in open_ if each not in answers]
        if not open_ and draw(st.booleans()):
            events.append(("wait", 0))
    return played, [*events, *(("respond", index) for index in open_)]


@given(runs(), st.sampled_from([INSTANT, RECORDED]))
def test_what_is_released_and_in_which_order_is_as_the_rules_say(
    run: tuple[CassetteIndex, Sequence[tuple[What, int]]], factor: float
) -> None:
    """For any order of requests, responses and waits; when all is done none is left."""
    played, events = run
    pushes, model = Scheduled(played, factor=factor), Model(played)
    model.happened("respond", -1)
    taken = [index for _, index in pushes.times()]
    assert model.released == taken
    for what, index in events:
        if what == "send":
            pushes.sent(index, 1.0)
        elif what == "respond":
            pushes.responded(index, 1.0)
        else:
            pushes.waits()
        model.happened(what, index)
        taken += [number for _, number in pushes.times()]
        assert model.released == taken
    assert sorted(taken) == list(range(len(played.cassette.notifications)))
