"""Which operations wrote what userData show at a key: looked up, since there may be thousands that might have."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias

from gws_replay.core.api.schema import Absent, Another, Wild
from gws_replay.core.json_compare import Change, Changes, compare_userdata
from gws_replay.core.oracle.history import Snapshot
from gws_replay.core.oracle.timeline import InTime, Timeline, Write

_Shown: TypeAlias = tuple[str, type | None, Any]


class Writers:
    """The writes of one resource by the key and the value that they asked for."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def of(self, key: str, data: Mapping[str, Any], since: float, until: float) -> Iterator[Write]:
        """Yield the writes that asked for what userData show at a key, seen at `until` and maybe not yet at `since`."""
        by_value, odd = self._known
        for those in (by_value.get(_told_apart(key, data.get(key, Absent.ABSENT))), odd):
            yield from (each for each in those.among(since, until) if each.wrote(key, data)) if those else ()

    @cached_property
    def _known(self) -> tuple[Mapping[_Shown, InTime[Write]], InTime[Write]]:
        found: dict[_Shown, list[Write]] = {}
        odd: list[Write] = []
        for write in self._timeline.writes:
            if any(isinstance(key, Wild) or isinstance(value, Another) for key, value in write.asked.items()):
                odd.append(write)
                continue
            for key, value in write.asked.items():
                found.setdefault(_told_apart(str(key), value), []).append(write)
        return {shown: InTime(writes) for shown, writes in found.items()}, InTime(odd)


class Between:
    """Two snapshots that follow each other: what differs, and which operations may account for it.

    Many operations have the same two, where no notification came.
    """

    def __init__(self, writers: Writers, earlier: Snapshot | None, later: Snapshot) -> None:
        self.earlier = earlier
        self.later = later
        self.changes = compare_userdata(earlier.data, later.data) if earlier else Changes()
        self._writers = writers
        self._alone: dict[int | None, list[int]] | None = None

    def writers(self, key: str, write: Write) -> Iterator[Write]:
        """Yield the other writes that asked for what the later snapshot shows at a key."""
        since = self.earlier.began if self.earlier else write.began
        return (each for each in self._of(key, since) if each is not write)

    def not_by_others(self, write: Write) -> Iterable[Change]:
        """Return the changes for which no other write accounts."""
        if self._alone is None:
            self._alone = self._shared_out()
        places = sorted([*self._alone.get(None, ()), *self._alone.get(write.index, ())])
        return [self.changes.entries[place] for place in places]

    def _shared_out(self) -> dict[int | None, list[int]]:
        """Return the places of the changes for which one write alone accounts, by its index; or none."""
        found: dict[int | None, list[int]] = {}
        for place, change in enumerate(self.changes.entries):
            writers = self._of(change.key, self.earlier.began if self.earlier else 0.0)
            first = next(writers, None)
            if next(writers, None) is None:
                found.setdefault(first.index if first else None, []).append(place)
        return found

    def _of(self, key: str, since: float) -> Iterator[Write]:
        found = self._writers.of(key, self.later.data, since, self.later.at)
        return (each for each in found if each.contested or each.after is not self.earlier)


def _told_apart(key: str, value: Any) -> _Shown:
    """Return what two values at a key have in common if they are the same; those that are not plain all have it."""
    is_plain = value is None or isinstance(value, str | bool | int | float)
    return (key, type(value), value) if is_plain else (key, Absent if isinstance(value, Absent) else None, None)
