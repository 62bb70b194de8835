"""What a variant interrupts in one run, looked up by the requests and connects that come; and what was seen so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gws_replay.core.explore.coverage import Trace
from gws_replay.core.explore.deviation import Deviation, Place
from gws_replay.core.explore.space import Space, Traffic

# A client may send so many times the requests of the recorded run, and so many more: any more is a storm.
_TIMES_MORE, _MORE = 3, 50


@dataclass(slots=True)
class Plan:
    """One run of a variant. Not thread-safe: it is used under the lock of its run."""

    space: Space
    deviations: tuple[Deviation, ...] = ()
    # The cassettes and their events, in the order in which the clients saw them.
    trace: list[tuple[int, Place]] = field(default_factory=list)
    connects: dict[int, int] = field(default_factory=dict)
    batches: dict[int, int] = field(default_factory=dict)
    requests: int = 0
    _open: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._open = {(each.subject, each.of, each.number): each.what for each in self.deviations if not each.place}

    @property
    def replies(self) -> frozenset[str]:
        """How replies to connects are shaped."""
        return frozenset(each.what for each in self.deviations if each.subject == "replies")

    def connect(self, user: int) -> str:
        """Count a connect of a user; return what happens to it, empty for nothing."""
        self.connects[user] = number = self.connects.get(user, 0) + 1
        return self._open.pop(("c", user, number), "")

    def batch(self, user: int) -> str:
        """Count a batch of Bayeux messages of a user; return what happens to it, empty for nothing."""
        self.batches[user] = number = self.batches.get(user, 0) + 1
        return self._open.pop(("m", user, number), "")

    def request(self, of: int, interaction: int) -> str:
        """Return what happens to the request of an interaction when it comes first, empty for nothing."""
        return self._open.pop(("q", of, interaction), "")

    def notification(self, of: int, index: int) -> str:
        """Return what becomes of a notification, empty for nothing."""
        return self._open.get(("n", of, index), "")

    @property
    def sent(self) -> int:
        """How many requests were sent, of REST and of CometD."""
        return self.requests + sum(self.batches.values())

    def storm(self, recorded: "Plan") -> str:
        """Return what is wrong with how many requests were sent, beside the recorded run; empty for nothing."""
        most = _TIMES_MORE * recorded.sent + _MORE
        return f"the client sent a storm of requests: {self.sent}, where {most} would do" if self.sent > most else ""

    @property
    def traffic(self) -> Traffic:
        """How many connects and batches were sent so far."""
        return Traffic(dict(self.connects), dict(self.batches))

    @property
    def seen(self) -> Trace:
        """What clients have seen so far."""
        return tuple(self.trace)

    @property
    def unused(self) -> tuple[Deviation, ...]:
        """The interruptions that did not happen, since the client did not come so far."""
        left = self._open.keys()
        return tuple(
            each for each in self.deviations if (each.subject, each.of, each.number) in left and each.subject != "n"
        )

    def saw(self, events: Iterable[tuple[int, Place]]) -> None:
        """Take note of what a client has received, or sent."""
        self.trace.extend(events)
