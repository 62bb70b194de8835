"""Random recordings of several users, and their replay in virtual time: clients, their requests and their polls."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count

from hypothesis import strategies as st

from gws_replay.core.bayeux.server import Replies
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Exchange, Notification
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.shared_run import SharedRun
from gws_replay.core.replay.user_session import UserSession
from tests.support.builders import SESSIONS, TOPIC, exchange
from tests.support.user_sessions import Listener, joined

FOREVER = float("inf")
# What a client waits for: a time, or before that something to be true.
Wait = tuple[float, Callable[[], bool]]


@st.composite
def recordings(draw: st.DrawFn, users: st.SearchStrategy[int] | None = None) -> Cassette:
    """Up to three users whose requests overlap, with none to three notifications each, and unsolicited ones.

    Users have a resource each, and share one; a request of one may cause a notification of another.
    """
    people = draw(users or st.integers(1, 3))
    exchanges: list[Exchange] = []
    for user in range(people):
        for _ in range(draw(st.integers(0 if people > 1 else 1, 4))):
            began = draw(st.integers(0, 20)) + user / 10
            ended = began + draw(st.integers(1, 8)) / 2 + 0.03
            exchanges.append(draw(requests(user, len(exchanges), began, ended)))
    exchanges.sort(key=lambda each: each.began)
    found: list[tuple[float, int, Cause | None]] = []
    for index, each in enumerate(exchanges):
        many = draw(st.integers(0, 3)) if each.request.method == "POST" else 0
        found += [draw(causes(index, each, people)) for _ in range(many)]
    moments = st.tuples(st.integers(0, 60), st.integers(0, people - 1))
    found += [(at / 2 + 0.01, user, None) for at, user in draw(st.lists(moments, max_size=4))]
    found.sort(key=lambda one: one[0])
    return Cassette(
        interactions=tuple(exchanges),
        notifications=tuple(
            Notification(channel=TOPIC, data=json.dumps({"N": number}), seen=seen, cause=cause, user=user)
            for number, (seen, user, cause) in enumerate(found)
        ),
        header={"format": 1, "users": [{"name": f"agent-{user}"} for user in range(people)]},
    )


@st.composite
def requests(draw: st.DrawFn, user: int, number: int, began: float, ended: float) -> Exchange:
    """A GET that users have in common, or an update of a resource of the user's own, or of one that all share."""

    if draw(st.integers(0, 3)) == 0:
        built = exchange("GET", "/api/v2/me", None, {"statusCode": 0, "n": number}, began=began, ended=ended)
    else:
        resource = draw(st.sampled_from([f"S{user}", "shared"]))
        sent = {"operationName": "UpdateUserData", "userData": {"K": draw(st.integers(0, 2)), "user": user}}
        built = exchange("POST", f"{SESSIONS}/{resource}", sent, {"statusCode": 0}, began=began, ended=ended)
    return replace(built, user=user)


@st.composite
def causes(draw: st.DrawFn, index: int, cause: Exchange, people: int) -> tuple[float, int, Cause]:
    """When a notification of a request was seen, by whom, and its cause."""
    user = cause.user if draw(st.integers(0, 3)) else draw(st.integers(0, people - 1))
    if draw(st.booleans()):
        seen = cause.ended + draw(st.integers(1, 12)) / 2
        return seen, user, Cause(interaction=index, rule="pin", after="response")
    seen = cause.began + (cause.ended - cause.began) * draw(st.integers(1, 9)) / 10
    return seen, user, Cause(interaction=index, rule="pin", after="request")


@dataclass
class Person:
    """A live user: the recorded one that is played, the session, its CometD clients, and the requests to send."""

    user: int
    session: UserSession
    clients: list[Listener]
    order: list[int]
    received: list[list[tuple[int, float]]] = field(default_factory=list)

    def received_by(self, client: int) -> list[int]:
        """The notifications that one of the clients has received."""
        return [number for number, _ in self.received[client]]


class Simulation:
    """A replay of a recording: every request gets its response after some time, and every client polls at once again.

    `think` gives the seconds before each request, `work` those before each response, and `waits` says which of its own
    requests a client waits for before the next one: until all that they cause has come.
    """

    def __init__(
        self,
        cassette: Cassette,
        *,
        clients: Sequence[int],
        orders: Sequence[list[int]],
        think: Iterator[float],
        work: Iterator[float],
        waits: Iterator[bool],
        factor: float = 0.0,
        index: CassetteIndex | None = None,
    ) -> None:
        self.cassette = cassette
        self.now = 0.0
        self.run = SharedRun([index or CassetteIndex(cassette)], factor=factor)
        self.sent: dict[int, float] = {}
        self.responded: dict[int, float] = {}
        self.missed: list[int] = []
        self.people = [
            self._person(user, number, list(order))
            for user, (number, order) in enumerate(zip(clients, orders, strict=True))
        ]
        self._think, self._work, self._waits = think, work, waits
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._ties = count()

    def _person(self, user: int, clients: int, order: list[int]) -> Person:
        session = joined(self.run, timeout=30.0, name=f"agent-{user}")
        listeners = [Listener(session) for _ in range(clients)]
        person = Person(user, session, listeners, order)
        person.received = [[] for _ in listeners]
        return person

    def play(self) -> None:
        """Let all go on until nothing is left to do. Raises AssertionError if a client waits for ever."""
        waits: dict[Iterator[Wait], Wait] = {self._steps(person): (0.0, bool) for person in self.people}
        self._look()
        while True:
            going = [steps for steps, (at, happened) in waits.items() if at <= self.now or happened()]
            for steps in going:
                try:
                    waits[steps] = next(steps)
                except StopIteration:
                    del waits[steps]
            self._look()
            if going:
                continue
            times = [at for at, _ in waits.values()] + [at for at, _, _ in self._timers[:1]]
            times += [at for each in self.people if (at := each.session.next_at) is not None]
            at = min(times, default=FOREVER)
            if at == FOREVER:
                assert not waits, f"a client waits for ever: {self.state()}"
                return
            self.now = max(self.now, at)
            while self._timers and self._timers[0][0] <= self.now:
                heappop(self._timers)[2]()
            self._look()

    def state(self) -> str:
        """What was sent and received, for a failure."""
        received_by = [[person.received_by(client) for client in range(len(person.clients))] for person in self.people]
        return f"at {self.now} sent {self.sent}, responded {self.responded}, received {received_by}"

    def _steps(self, person: Person) -> Iterator[Wait]:
        for index in person.order:
            yield FOREVER, lambda index=index: self.may_send(index)  # type: ignore[misc]
            yield self.now + next(self._think), lambda: False
            send = person.session.play(self.cassette.interactions[index].request, self.now)
            if not isinstance(send, Send):
                self.missed.append(index)
                continue
            self.sent.setdefault(send.interaction, self.now)
            self._after(next(self._work), person, send)
            if next(self._waits) and person.clients:
                yield FOREVER, lambda mine=send.interaction: self._has_come(person, mine)  # type: ignore[misc]

    def may_send(self, index: int) -> bool:
        """Whether the client sends a request now."""
        return True

    def _after(self, seconds: float, person: Person, send: Send) -> None:
        def respond() -> None:
            self.responded.setdefault(send.interaction, self.now)
            person.session.responded(send, self.now)

        heappush(self._timers, (self.now + seconds, next(self._ties), respond))

    def _has_come(self, person: Person, interaction: int) -> bool:
        """Whether the response of a request has come, and all that it alone causes for this person."""
        wanted = {
            number
            for number, each in enumerate(self.cassette.notifications)
            if each.user == person.user and each.cause and set(each.cause.interactions) == {interaction}
        }
        return interaction in self.responded and all(
            wanted <= set(person.received_by(c)) for c in range(len(person.clients))
        )

    def _look(self) -> None:
        """Let every session do what is due, and every client poll until it is held."""
        for person in self.people:
            ready = person.session.advance(self.now)
            for number, listener in enumerate(person.clients):
                if listener.held is not None and (listener.held in ready or self.now >= listener.until):
                    listener.released(self.now)
                while listener.held is None and isinstance(listener.poll(self.now), Replies):
                    pass
                for data in listener.received:
                    person.received[number].append((data["N"], self.now))
                    self.check(person, data["N"])
                listener.received.clear()

    def check(self, person: Person, number: int) -> None:
        """What must hold whenever a notification comes."""
        notification = self.cassette.notifications[number]
        assert notification.user == person.user, f"{number} is of another user"
        if notification.cause:
            assert set(notification.cause.interactions) <= set(self.sent), f"{number} before its cause: {self.state()}"
            if notification.cause.after == "response":
                assert notification.cause.interaction in self.responded, f"{number} before its response: {self.state()}"
            return
        for index, each in enumerate(self.cassette.interactions):
            if each.user == person.user and each.began <= notification.seen:
                assert index in self.sent, f"{number} before {index} was sent: {self.state()}"
