"""One user's session under any schedule: no push before its cause, each once, none stuck, and in recorded order."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Exchange, Notification
from gws_replay.core.replay.push_schedule import INSTANT, RECORDED
from gws_replay.core.replay.run import Send
from tests.support.builders import Server, Step, push, steps
from tests.support.user_sessions import Listener, looked, session_of

OPERATIONS = ["UpdateUserData", "AttachUserData", "DeleteUserData", "SetDisposition", "GET"]
STEPS = st.lists(steps(OPERATIONS, sessions=("S1", "S2"), refusals=True), min_size=1, max_size=6)
UNSOLICITED = st.lists(st.integers(0, 40), max_size=2)
ACTIONS = st.sampled_from(["ask", "ask", "answer", "wait", "hang up", "join"])
SCHEDULES = st.lists(st.tuples(ACTIONS, st.integers(0, 50)), max_size=25)
FACTORS = st.sampled_from([INSTANT, RECORDED, 0.25])


def recorded(taken: list[Step], unsolicited: list[int]) -> Cassette:
    """What a correct server does, with the true causes; each notification has its place as referenceId."""
    exchanges, told_of = Server(taken).run()
    found = [(notification, cause) for notification, cause in told_of]
    found.extend((push(None, seen=seen + 0.5, kind="StatusChange"), -1) for seen in unsolicited)
    found.sort(key=lambda each: each[0].seen)
    return Cassette(
        interactions=tuple(exchanges),
        notifications=tuple(_numbered(n, *each, exchanges) for n, each in enumerate(found)),
    )


def _numbered(number: int, one: Notification, by: int, exchanges: list[Exchange]) -> Notification:
    data = json.dumps({**json.loads(one.data), "referenceId": number})
    if by < 0:
        return replace(one, data=data)
    after = exchanges[by].ended <= one.seen
    return replace(one, data=data, cause=Cause(interaction=by, rule="pin", after="response" if after else "request"))


class Schedule:
    """A run, with two clients of which one joins late, and what must be true of it after every step."""

    def __init__(self, played: Cassette, factor: float) -> None:
        self.played = played
        self.session = session_of(played, factor=factor)
        self.now = 0.0
        self.left = list(range(len(played.interactions)))
        self.open: list[Send] = []
        self.asked: set[int] = set()
        self.answered: set[int] = set()
        self.listeners = [Listener(self.session), Listener(self.session, None)]

    @property
    def heard(self) -> list[list[int]]:
        """The notifications that each client has got."""
        return [[data["referenceId"] for data in each.heard] for each in self.listeners]

    def step(self, action: str, pick: int) -> None:
        if action == "ask" and self.left:
            self.ask(self.left.pop(pick % len(self.left)))
        elif action == "answer" and self.open:
            self.answer(self.open.pop(pick % len(self.open)))
        elif action == "wait":
            self.now += pick / 10
        elif action == "hang up" and (ticket := self.listeners[0].held):
            self.session.abandon(ticket, self.now)
            self.listeners[0].held = None
        elif action == "join":
            late = self.listeners[1]
            late.sent([{"channel": "/meta/subscribe", "clientId": late.id, "subscription": "/**"}], self.now)
        if pick % 4:  # one of them looks, or both, at once or much later
            self.now += pick
            looked(self.session, self.listeners[: pick % 4], self.now)
        self.check()

    def ask(self, index: int) -> None:
        send = self.session.ask(self.played.interactions[index].request, self.now)
        if isinstance(send, Send) and not send.repeated:
            assert send.interaction not in self.asked
            self.asked.add(send.interaction)
            self.open.append(send)

    def answer(self, send: Send) -> None:
        self.session.answered(send, self.now)
        self.answered.add(send.interaction)

    def check(self) -> None:
        """No notification came before its cause, and none twice."""
        for got in self.heard:
            assert len(set(got)) == len(got)
            assert all(self.may_be_out(number) for number in got)

    def may_be_out(self, number: int) -> bool:
        one = self.played.notifications[number]
        if one.cause:
            done = self.answered if one.cause.after == "response" else self.asked
            return one.cause.interaction in done
        # What follows a GET need not wait for it, if the operation before that was answered.
        before = [
            (each.ended, index, each.request.method)
            for index, each in enumerate(self.played.interactions)
            if each.ended <= one.seen
        ]
        operations = [each for each in before if each[2] != "GET"]
        return not operations or any(max(each)[1] in self.answered for each in (before, operations))

    def finish(self) -> None:
        """All is asked, answered, and time passes: then all is heard, and nothing is left."""
        for index in self.left:
            self.ask(index)
        for send in self.open:
            self.answer(send)
        for _ in range(2):
            self.now += 1000.0
            looked(self.session, self.listeners, self.now)
        self.check()
        assert list(range(len(self.played.notifications))) == sorted(self.heard[0])
        assert (None, False) == (self.session.next_at, self.session.unheard)
        assert () == self.session.replays[0].unreleased


@given(STEPS, UNSOLICITED, FACTORS, SCHEDULES)
@settings(max_examples=100)
def test_no_push_before_its_cause_each_once_and_none_stuck(
    taken: list[Step], unsolicited: list[int], factor: float, schedule: list[tuple[str, int]]
) -> None:
    """Requests in any order, answers in any order, polls, lost polls and waits at any time."""
    run = Schedule(recorded(taken, unsolicited), factor)
    for action, pick in schedule:
        run.step(action, pick)
    run.finish()


@given(STEPS, UNSOLICITED, FACTORS, SCHEDULES)
@settings(max_examples=100)
def test_requests_in_recorded_order_bring_pushes_in_recorded_order(
    taken: list[Step], unsolicited: list[int], factor: float, schedule: list[tuple[str, int]]
) -> None:
    """Whenever they are answered, and whenever the client looks; the late client misses only what was before it."""
    run = Schedule(recorded(taken, unsolicited), factor)
    for action, pick in schedule:
        run.step(action, 0 if action == "ask" else pick)
        got, late = run.heard
        assert list(range(len(got))) == got
        assert sorted(late) == late
    run.finish()
    got, late = run.heard
    assert list(range(len(got))) == got
    assert list(range(len(got) - len(late), len(got))) == late
