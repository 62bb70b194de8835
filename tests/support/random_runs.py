"""Random runs of a correct server: any operations on two sessions, overlapping, with any latencies.

A run is drawn as a list of requests, each with the ticks until it is carried out, answered and notified. Notifications
leave in the order in which the operations were carried out, as CometD's queue has them.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.oracle.judge import Update
from gws_replay.sandbox.channels import Channel
from gws_replay.sandbox.replies import Json, Push
from tests.support.sandbox_in_process import Wire

TICK = 0.01

KEY_NAMES = (
    "FirstName",
    "UserData1",
    "RVQID",
    "k",
    "K",
    "",
    "a.b",
    "a b",
    "Z\u00fcrich",
    "Zu\u0308rich",
    "__x",
    "0",
    "DISP_KEY",
)
KEYS = st.sampled_from(KEY_NAMES) | st.text(max_size=3)
SCALARS = st.one_of(
    st.sampled_from([0, 1, True, False, None, "", "1", 1.0, 2**53 + 1, "DATA1", 1e300, -0.0]),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
)
NESTED = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(KEYS, inside, max_size=2),
    max_leaves=4,
)
VALUES = st.one_of(SCALARS, SCALARS, NESTED)


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """A request: which session, the operation (None for a GET of everything), and its latencies in ticks."""

    session: int
    body: Json | None
    gap: int
    carried_out: int
    answered: int
    notified: int


def bodies(channel: Channel) -> st.SearchStrategy[Json | None]:
    """Draw an operation that a channel takes, or None."""
    userdata = st.dictionaries(KEYS, VALUES, max_size=3)

    def body(name: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json | None]:
        return st.fixed_dictionaries({"operationName": st.just(name), **fields})

    possible = {
        "AttachUserData": body("AttachUserData", userData=userdata),
        "UpdateUserData": body("UpdateUserData", userData=userdata),
        "DeleteUserData": body("DeleteUserData", **_named(channel, "DeleteUserData")),
        "DeleteUserDataPair": body("DeleteUserDataPair", key=KEYS),
        "SetDisposition": body("SetDisposition", disposition=st.text(max_size=3), dispositionKey=KEYS),
        "AddComment": body("AddComment", comment=st.text(max_size=3)),
    }
    return st.one_of(
        st.none(),
        *(each for name, each in possible.items() if name in channel.operations),
        possible["UpdateUserData"],
        body("Fly", userData=userdata),  # refused: it must change nothing
        body("UpdateUserData", data=userdata),  # refused too
    )


def _named(channel: Channel, operation: str) -> dict[str, st.SearchStrategy[Any]]:
    kind = channel.operations.get(operation)
    if kind is None or kind.parameter is None:
        return {}
    return {kind.parameter: st.lists(KEYS, max_size=3) if kind.type is list else KEYS}


def runs(channel: Channel) -> st.SearchStrategy[list[PlannedRequest]]:
    """Draw the requests of a run."""
    few, several = st.integers(0, 2), st.integers(0, 8)
    planned = st.builds(PlannedRequest, st.integers(0, 1), bodies(channel), few, several, several, several)
    return st.lists(planned, min_size=1, max_size=3) | st.lists(planned, min_size=4, max_size=8)


@dataclass(kw_only=True)
class Run:
    """A run in progress: requests are carried out at the times that were drawn.

    A notification shows the resource as it was right after its operation, or, with `shown_late`, as it is when the
    notification is sent: the documentation allows both.
    """

    channel: Channel
    requests: list[PlannedRequest]
    shown_late: bool
    wire: Wire = field(init=False)

    def verdicts(self) -> tuple[Update, ...]:
        """Play it, and judge what was seen."""
        return self.cassette().updates()

    def cassette(self) -> Cassette:
        """Play it between two GETs of everything, and compile what was seen."""
        self.wire = wire = Wire(self.channel)
        wire.sent(0.0, TICK / 2, wire.path())
        now, latest = 1.0, 0.0
        moments: list[tuple[float, int, float, PlannedRequest]] = []
        for number, planned in enumerate(self.requests):
            now += planned.gap * TICK + TICK / 100
            moments.append((now + planned.carried_out * TICK, number, now, planned))
        due: list[tuple[float, tuple[Push, ...]]] = []
        for at, _, began, planned in sorted(moments, key=lambda moment: moment[:2]):
            while due and due[0][0] <= at:
                self._tell(*due.pop(0))
            path = wire.path(wire.ids[planned.session] if planned.body else None)
            pushes = wire.sent(began, at + planned.answered * TICK + TICK / 200, path, planned.body).notifications
            if pushes:
                latest = max(latest + TICK / 1000, at + planned.notified * TICK + TICK / 300)
                due.append((latest, pushes))
        for each in due:
            self._tell(*each)
        wire.sent(now + 10, now + 10 + TICK, wire.path())
        return wire.cassette()

    def _tell(self, seen: float, pushes: tuple[Push, ...]) -> None:
        self.wire.notified(
            seen, [(topic, self._as_it_is(message) if self.shown_late else message) for topic, message in pushes]
        )

    def _as_it_is(self, message: Json) -> Json:
        key = self.channel.key
        shown = self.wire.shown(message[key]["id"])
        if "userData" not in message[key] and not self.channel.omits_empty:
            shown = {name: value for name, value in shown.items() if name != "userData"}
        return {**message, key: shown}
