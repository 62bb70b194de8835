"""Random runs of a correct server: any operations on two sessions, overlapping, with any latencies.

A run is drawn as a list of requests, each with the ticks until it is carried out, answered and notified. Notifications
leave in the order in which the operations were carried out, as CometD's queue has them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from gws_replay.core.judge import Update
from gws_replay.sandbox_answers import Json, Push
from gws_replay.sandbox_channels import Channel
from tests.sandbox_wire_in_process import Wire

TICK = 0.01

KEYS = st.sampled_from(
    [
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
    ]
) | st.text(max_size=3)
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
class Asked:
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

    known = {
        "AttachUserData": body("AttachUserData", userData=userdata),
        "UpdateUserData": body("UpdateUserData", userData=userdata),
        "DeleteUserData": body("DeleteUserData", **_named(channel, "DeleteUserData")),
        "DeleteUserDataPair": body("DeleteUserDataPair", key=KEYS),
        "SetDisposition": body("SetDisposition", disposition=st.text(max_size=3), dispositionKey=KEYS),
        "AddComment": body("AddComment", comment=st.text(max_size=3)),
    }
    return st.one_of(
        st.none(),
        *(each for name, each in known.items() if name in channel.operations),
        known["UpdateUserData"],
        body("Fly", userData=userdata),  # refused: it must change nothing
        body("UpdateUserData", data=userdata),  # refused too
    )


def _named(channel: Channel, operation: str) -> dict[str, st.SearchStrategy[Any]]:
    kind = channel.operations[operation]
    if kind.parameter is None:
        return {}
    return {kind.parameter: st.lists(KEYS, max_size=3) if kind.type is list else KEYS}


def runs(channel: Channel) -> st.SearchStrategy[list[Asked]]:
    """Draw the requests of a run."""
    ticks = st.integers(0, 6)
    return st.lists(
        st.builds(Asked, st.integers(0, 1), bodies(channel), ticks, ticks, ticks, ticks), min_size=1, max_size=6
    )


@dataclass
class Run:
    """A run while it is played: what is asked is carried out in the order of the moments that were drawn."""

    channel: Channel
    requests: list[Asked]
    pushed: list[tuple[float, list[Push]]] = field(default_factory=list)

    def verdicts(self) -> tuple[Update, ...]:
        """Play it between two looks at everything, and judge what was seen."""
        wire = Wire(self.channel)
        wire.asked(0.0, TICK / 2, wire.path())
        now, latest = 1.0, 0.0
        timed = []
        for number, asked in enumerate(self.requests):
            now += asked.gap * TICK + TICK / 100
            at = now + asked.carried_out * TICK
            timed.append((at, number, now, at + asked.answered * TICK + TICK / 200, asked))
        for at, _, began, ended, asked in sorted(timed):
            path = wire.path(wire.ids[asked.session] if asked.body else None)
            reply = wire.asked(began, ended, path, asked.body)
            if reply.notifications:
                latest = max(latest + TICK / 1000, at + asked.notified * TICK + TICK / 300)
                self.pushed.append((latest, list(reply.notifications)))
        self._tell(wire, self.pushed)
        wire.asked(now + 10, now + 10 + TICK, wire.path())
        return wire.verdicts()

    def _tell(self, wire: Wire, pushed: Iterable[tuple[float, list[Push]]]) -> None:
        for seen, pushes in pushed:
            wire.told(seen, pushes)
