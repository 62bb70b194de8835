"""Which operations wrote the value that userData shows at a key; indexed, since there may be thousands."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias

from gws_replay.core.api.schema import ONE_LESS, Absent, Another, Wild, values_of
from gws_replay.core.json_compare import Change, Changes
from gws_replay.core.lossless_json import Repeated
from gws_replay.core.oracle.history import Snapshot
from gws_replay.core.oracle.timeline import InTime, Timeline, Write
from gws_replay.core.oracle.tolerance import Tolerance

_Shown: TypeAlias = tuple[str, type | None, Any]


class Writers:
    """The writes of one resource by the key and the value that they write."""

    def __init__(self, timeline: Timeline, tolerance: Tolerance) -> None:
        self.timeline = timeline
        self._tolerance = tolerance

    def of(self, key: str, data: Mapping[str, Any], since: float, until: float) -> Iterator[Write]:
        """Yield the writes of what userData shows at a key, seen at `until` and perhaps not yet at `since`."""
        by_value, odd = self._written
        shown = data.get(key, Absent.ABSENT)
        # A write of a repeated key may have replaced one of its values.
        as_sent = self._tolerance.as_sent(key, shown)
        values = [_comparable(key, shown)]
        if as_sent or isinstance(shown, Repeated):
            values = list(dict.fromkeys(_comparable(key, each) for each in (shown, *values_of(shown), *as_sent)))
        for those in (*map(by_value.get, values), odd):
            for write in those.among(since, until) if those else ():
                if write.wrote(key, data) or any(write.wrote(key, {**data, key: each}) for each in as_sent):
                    yield write

    @cached_property
    def _written(self) -> tuple[Mapping[_Shown, InTime[Write]], InTime[Write]]:
        found: dict[_Shown, list[Write]] = {}
        odd: list[Write] = []
        for write in self.timeline.writes:
            if any(isinstance(key, Wild) or _is_odd(value) for key, value in write.intended.items()):
                odd.append(write)
                continue
            for key, value in write.intended.items():
                found.setdefault(_comparable(str(key), value), []).append(write)
        return {shown: InTime(writes) for shown, writes in found.items()}, InTime(odd)


def _is_odd(value: Any) -> bool:
    """Tell a written value that may show in several ways."""
    return isinstance(value, Another) or value is ONE_LESS


class SnapshotPair:
    """Two snapshots of a resource: what differs, and which operations may account for it.

    Many operations have the same two if no notification came.
    """

    def __init__(self, writers: Writers, earlier: Snapshot | None, later: Snapshot) -> None:
        self.earlier = earlier
        self.later = later
        self.changes = writers.timeline.changes(earlier, later) if earlier else Changes()
        self._writers = writers
        self._alone: dict[int | None, list[int]] | None = None

    def writers(self, key: str, write: Write) -> Iterator[Write]:
        """Yield the other writes of what the later snapshot shows at a key."""
        since = self.earlier.began if self.earlier else write.began
        return (each for each in self._of(key, since) if each is not write)

    def not_by_others(self, write: Write) -> Iterable[Change]:
        """Return the changes for which no other write accounts."""
        if self._alone is None:
            self._alone = self._by_writer()
        places = sorted([*self._alone.get(None, ()), *self._alone.get(write.index, ())])
        return [self.changes.entries[place] for place in places]

    def _by_writer(self) -> dict[int | None, list[int]]:
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


def _comparable(key: str, value: Any) -> _Shown:
    """Return what two equal values of a key have in common; values that are not plain all have the same."""
    is_plain = value is None or isinstance(value, str | bool | int | float)
    return (key, type(value), value) if is_plain else (key, Absent if isinstance(value, Absent) else None, None)
