"""Operations, resources and channels in words that hold for every API: what a request asks, what a message shows.

The tables of one API are rows of these: `gws` (GWS v2) and `workspace` (Workspace v3). Nothing here knows a path or a
body of either; `api` chooses the tables by what the traffic shows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeAlias

from gws_replay.core.json_compare import same
from gws_replay.core.lossless_json import Repeated

Taken = Literal["taken", "partly", "refused"]


class Absent(Enum):
    """The value that a deletion writes; null is another thing."""

    ABSENT = "absent"
    ONE_LESS = "one less"  # of a key that stands several times, one goes


ABSENT = Absent.ABSENT
ONE_LESS = Absent.ONE_LESS


class Wild(Enum):
    """Keys that a request does not name."""

    ANY = "any key"  # the key that only the server's configuration knows
    ALL = "all keys"


ANY_KEY = Wild.ANY
ALL_KEYS = Wild.ALL
Key: TypeAlias = str | Wild


@dataclass(frozen=True, slots=True)
class Another:
    """What is written where attaching a key that exists makes a second one: one more value of the key."""

    value: Any


class Delete(Enum):
    """How the body of a deletion names what goes."""

    KEYS = "keys"  # an array of names
    KEY = "key"  # one name
    ALL = "all"  # no argument


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One kind of interaction: where it is in paths and answers, in notifications, and what is its own there.

    `names` are the other names of its collection in paths and answers, `keys` those of its resource in notifications;
    `depth` is how many segments follow the collection's, the last of them the id. `told_by` is the notificationType
    that shows changed userData, `deletes` how each deletion names what goes. With `omits_empty` a message that does
    not show userData says that there is none, with `repeats` attaching a key that exists makes a second one.
    """

    name: str
    collection: str
    key: str
    topic: str
    message_type: str
    names: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    depth: int = 1
    told_by: str = "PropertiesUpdated"
    deletes: Mapping[str, Delete]
    omits_empty: bool = False
    repeats: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        """Every name of the collection in paths and answers."""
        return (self.collection, self.key, *self.names)


Writes = Callable[[Mapping[str, Any], Channel], Mapping[Key, Any]]
Shows = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
Sets = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: the notificationTypes that answer it, what it writes, how that shows, and what else it moves.

    Without `answered_by` the channel's own `told_by` answers it. `writes(sent, channel)` gives the userData keys that
    the request writes, with the values (ABSENT for a deletion); None for an operation that leaves userData alone.
    `shows(sent, resource)` is the evidence for those; None where the documentation gives nothing to look for.
    `sets(sent)` gives the attributes of the resource that it sets, with their values; `moves` are those that it is
    documented to move, in whatever way. A notification that `tells_part` may show only the keys that were written. What
    `reads` only asks, as a GET does.
    """

    name: str
    answered_by: tuple[str, ...] = ()
    writes: Writes | None = None
    shows: Shows | None = None
    sets: Sets | None = None
    tells_part: bool = False
    moves: frozenset[str] = frozenset()
    reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request read as an operation on a resource; each part may be unknown (None). `row` is its row in the table."""

    operation: str | None
    channel: Channel | None
    resource_id: str | None
    sent: Mapping[str, Any]
    row: Operation | None = None

    @property
    def writes(self) -> Mapping[Key, Any] | None:
        """The userData keys that the request writes; None for a request that is no userData operation."""
        if self.row and self.row.writes and self.channel and self.resource_id:
            return self.row.writes(self.sent, self.channel)
        return None

    @property
    def sets(self) -> Mapping[str, Any]:
        """The attributes of the resource that the request sets."""
        return self.row.sets(self.sent) if self.row and self.row.sets else {}

    def answered_by(self, kind: str) -> bool:
        """Tell whether notifications of a kind may answer it: any may, where the table does not know it."""
        if self.row is None:
            return True
        if self.row.answered_by:
            return kind in self.row.answered_by
        return self.channel is not None and kind == self.channel.told_by

    def shown_in(self, subject: "Subject") -> bool | None:
        """Tell whether a message shows what the request wrote; None where there is nothing to look for."""
        if self.row and self.row.shows:
            return self.row.shows(self.sent, subject.resource)
        writes = self.writes
        if writes is not None:
            shown = subject.user_data
            return shown is not None and all(shows_key(shown, key, value) for key, value in writes.items())
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The resource that a message shows; `user_data` is None where the message says nothing of it.

    A key that stands several times in userData has a `Repeated` as its value.
    """

    channel: Channel
    resource_id: str
    resource: Mapping[str, Any]
    user_data: Mapping[str, Any] | None = None


def writes_nothing(_sent: Mapping[str, Any], _channel: Channel) -> Mapping[Key, Any]:
    """Leave all userData as they are: for an operation that is judged by what else it sets."""
    return {}


def values_of(value: Any) -> Sequence[Any]:
    """Return the values of a key: several where it is repeated."""
    return value.values if isinstance(value, Repeated) else (value,)


def shows_key(user_data: Mapping[str, Any], key: Key, value: Any) -> bool:
    """Tell whether userData shows one written key, whatever was there before: its exact value, or its absence."""
    if isinstance(key, Wild):
        return not user_data if key is ALL_KEYS else any(same(each, value) for each in user_data.values())
    if isinstance(value, Absent):
        return key not in user_data
    if key not in user_data:
        return False
    shown = user_data[key]
    if isinstance(value, Another):
        several = shown if isinstance(shown, list) else values_of(shown)
        return same(shown, value.value) or all(
            any(same(each, one) for each in several) for one in values_of(value.value)
        )
    return same(shown, value)
