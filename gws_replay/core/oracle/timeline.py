"""The operations and the sightings of one resource in time order: what a verdict is read off.

Times decide what can have been seen of what; nothing here compares userData.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from typing import Any, Generic, TypeVar

from gws_replay.core.api import schema as operations
from gws_replay.core.api.schema import ALL_KEYS, ANY_KEY, Call, Channel, Key, Taken
from gws_replay.core.json_compare import Changes, compare_userdata, same
from gws_replay.core.lossless_json import Repeated
from gws_replay.core.oracle.effects import shows_all
from gws_replay.core.oracle.history import Sighting, Snapshot

NEVER = float("inf")
# How many GETs in flight are looked past for the one that follows an operation.
IN_FLIGHT = 64
# How many operations before and after one may be mistaken for it.
_NEAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Any operation while it may have an effect: between `began` and `until`, when its effect had been shown.

    `moves` are the attributes that it may change, None for any. One that was refused changes nothing. `user` is the
    index of the user that sent it.
    """

    index: int
    call: Call
    began: float
    until: float
    moves: frozenset[str] | None
    user: int = 0


_D = TypeVar("_D", bound=Activity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(Activity):
    """A userData operation while it is judged.

    `intended` is what it writes, `answers` the notifications that answer it. `error` is the notification that says it
    failed. `after` is the snapshot that shows its effect, `notified` whether that is a notification that answers it.
    One that attaches userData beside what it does (Complete, Reply) only accounts for them: it is not `judged`. If
    several overlap, and only their content tells their notifications apart, each is `contested`: any of those
    notifications may show its effect.
    """

    ended: float
    outcome: Taken
    intended: Mapping[Key, Any]
    answers: Sequence[Sighting] = ()
    error: Sighting | None = None
    after: Snapshot | None = None
    notified: bool = False
    judged: bool = True
    contested: bool = False

    @property
    def refused(self) -> bool:
        """Whether the response, or a notification later, says that nothing was done."""
        return self.outcome == "refused" or self.error is not None

    @property
    def unclear(self) -> bool:
        """Whether the response leaves open if it was carried out: a gateway that timed out, a broken connection."""
        return self.outcome == "unclear" and self.error is None

    @property
    def writes(self) -> Mapping[Key, Any]:
        """What must be written: nothing, if it was refused."""
        return {} if self.refused else self.intended

    def wrote(self, key: str, user_data: Mapping[str, Any]) -> bool:
        """Tell whether userData shows at a key what this operation writes there."""
        if key in self.intended:
            if self.intended[key] is operations.ONE_LESS:
                return True  # how many there were is judged by `effects`
            shown, value = user_data.get(key), self.intended[key]
            if isinstance(shown, Repeated) and any(same(each, value) for each in shown.values):
                return True  # it replaced one of several
            return operations.shows_key(user_data, key, value)
        if ALL_KEYS in self.intended:
            return key not in user_data
        return ANY_KEY in self.intended and key in user_data and same(user_data[key], self.intended[ANY_KEY])


class InTime(Generic[_D]):
    """Operations by the time at which they began, looked up by the time in which they may have an effect."""

    def __init__(self, items: Collection[_D]) -> None:
        self._items = sorted((each for each in items if each.until < NEVER), key=lambda each: each.began)
        self._endless = sorted((each for each in items if each.until == NEVER), key=lambda each: each.began)
        self._begun = [each.began for each in self._items]
        self._settled = list(accumulate((each.until for each in self._items), max))

    def between(self, since: float, until: float) -> list[_D]:
        """Return the operations whose effect may show at `until` and not yet at `since`, by when they began."""
        found = list(self.among(since, until))
        return sorted(found, key=lambda each: each.began) if self._endless else found

    def among(self, since: float, until: float) -> Iterator[_D]:
        """Yield the same, in any order."""
        first, last = bisect_right(self._settled, since), bisect_left(self._begun, until)
        in_order = map(self._items.__getitem__, range(first, last))
        yield from (each for each in in_order if each.until > since)
        yield from takewhile(lambda each: each.began < until, self._endless)


@dataclass(slots=True)
class Timeline:
    """What was done to one resource, and what was seen of it, in time order, with the indices that keep it linear.

    `writes` are its userData operations, `others` all other ones.
    """

    channel: Channel | None
    sightings: Sequence[Sighting] = ()
    snapshots: Sequence[Snapshot] = ()
    writes: list[Write] = field(default_factory=list)
    others: list[Activity] = field(default_factory=list)
    _writes: InTime[Write] = field(default_factory=lambda: InTime(()))
    _others: InTime[Activity] = field(default_factory=lambda: InTime(()))
    _by_index: dict[int, Write] = field(default_factory=dict)
    _judged: list[Write] = field(default_factory=list)
    _judged_at: list[float] = field(default_factory=list)
    _seen: list[float] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)
    _changes: dict[int, Changes] = field(default_factory=dict)

    def index(self) -> None:
        """Prepare the look-ups, once all operations are in."""
        self._writes = InTime(self.writes)
        self._others = InTime(self.others)
        self._by_index = {write.index: write for write in self.writes}
        self._judged = sorted((write for write in self.writes if write.judged), key=lambda write: write.began)
        self._judged_at = [write.began for write in self._judged]
        self._seen = [snapshot.at for snapshot in self.snapshots]
        self._places = {id(snapshot): place for place, snapshot in enumerate(self.snapshots)}

    def between(self, since: float, until: float) -> list[Write]:
        """Return the writes whose effect may show at `until` and not yet at `since`."""
        return self._writes.between(since, until)

    def others_between(self, since: float, until: float) -> list[Activity]:
        """Return the operations other than writes that may change something of the resource between two moments."""
        return [each for each in self._others.between(since, until) if each.moves is None or each.moves]

    def rivals(self, write: Write, earlier: Snapshot | None, later: Snapshot) -> list[Write]:
        """Return the other writes that may account for what differs between two snapshots."""
        since = earlier.began if earlier else write.began
        found = self.between(since, later.at)
        return [each for each in found if each is not write and (each.contested or each.after is not earlier)]

    def before(self, write: Write) -> Snapshot | None:
        """Return the last snapshot seen before a write was sent.

        If there is none: the GET that was under way then, if it does not show what the write's notification shows.
        """
        return self.seen_by(write.began) or self._under_way(write)

    def seen_by(self, at: float) -> Snapshot | None:
        """Return the last snapshot that had been seen by a moment."""
        place = bisect_right(self._seen, at)
        return self.snapshots[place - 1] if place else None

    def _under_way(self, write: Write) -> Snapshot | None:
        if not write.writes or not write.notified or not write.after or not shows_all(write.after.data, write.writes):
            return None
        for each in self.snapshots[:IN_FLIGHT]:
            is_get = each.interaction is not None and each.began <= write.began
            if is_get and not any(operations.shows_key(each.data, key, value) for key, value in write.writes.items()):
                return each
        return None

    def write_at(self, index: int) -> Write | None:
        """Return the write that is an interaction, by its index."""
        return self._by_index.get(index)

    def last_before(self, at: float) -> Write | None:
        """Return the last judged write that was sent before a moment."""
        place = bisect_left(self._judged_at, at)
        return self._judged[place - 1] if place else None

    def name_of(self, resource_id: str) -> str:
        """Name the resource for messages."""
        return f"{self.channel.name if self.channel else 'resource'} {resource_id}"

    def near(self, write: Write) -> Sequence[Write]:
        """Return the few writes that were sent just before and after one."""
        place = bisect_left(self.writes, write.index, key=lambda each: each.index)
        return [*self.writes[max(0, place - _NEAR) : place], *self.writes[place + 1 : place + 1 + _NEAR]]

    def during(self, earlier: Snapshot, later: Snapshot) -> Sequence[Snapshot]:
        """Return the snapshots seen between two."""
        return self.snapshots[self._places[id(earlier)] + 1 : self._places[id(later)]]

    def changes(self, earlier: Snapshot, later: Snapshot) -> Changes:
        """Return what differs between two snapshots; of two that follow each other it is compared once."""
        place = self._places.get(id(later), -1)
        if self._places.get(id(earlier), -2) + 1 != place:
            return compare_userdata(earlier.data, later.data)
        if place not in self._changes:
            self._changes[place] = compare_userdata(earlier.data, later.data)
        return self._changes[place]

    def snapshots_after(self, snapshot: Snapshot) -> Sequence[Snapshot]:
        """Return the snapshots seen after one."""
        return self.snapshots[self._places[id(snapshot)] + 1 :]

    def following(self, snapshot: Snapshot) -> Iterator[Snapshot]:
        """Yield the snapshots seen after one, less the GETs that were on their way when it was seen."""
        place = self._places[id(snapshot)] + 1
        for each in self.snapshots[place : place + IN_FLIGHT]:
            if each.began >= snapshot.at or each.interaction is None:
                yield each
