"""Which operations wrote the value that userData shows at a key."""

from collections.abc import Iterable

from gws_replay.core.lossless_json import Repeated
from gws_replay.core.model import Exchange, Notification
from gws_replay.core.oracle.attribution import SnapshotPair, Writers
from gws_replay.core.oracle.timeline import Timeline, Write
from gws_replay.core.oracle.timeline_builder import timelines_of
from gws_replay.core.oracle.tolerance import Tolerance
from tests.support.builders import cassette, get, operation, update


def timeline(*moments: Exchange | Notification) -> Timeline:
    """The timeline of the one resource of a recording."""
    return timelines_of(cassette(*moments))["S1"]


def indices(writes: Iterable[Write]) -> list[int]:
    """The interactions of some writes."""
    return sorted(write.index for write in writes)


def test_writer_is_found_by_key_value_and_type() -> None:
    """A string is not the number that it shows."""
    writers = Writers(timeline(update({"A": 1}, began=1), update({"A": 2, "B": 1}, began=2)), Tolerance())
    assert [0] == indices(writers.of("A", {"A": 1}, 0, 9))
    assert [1] == indices(writers.of("B", {"B": 1}, 0, 9))
    assert [] == indices(writers.of("A", {"A": "2"}, 0, 9))


def test_writer_of_a_coerced_key_is_found_by_its_string() -> None:
    """The server may keep a number as a string where that is allowed."""
    writers = Writers(timeline(update({"A": 2}, began=1)), Tolerance(coerce=["A"]))
    assert [0] == indices(writers.of("A", {"A": "2"}, 0, 9))


def test_deletion_is_the_writer_of_a_missing_key() -> None:
    """One that names the key."""
    writers = Writers(
        timeline(operation("DeleteUserData", began=1, keys=["A"]), update({"B": 2}, began=2)), Tolerance()
    )
    assert [0] == indices(writers.of("A", {"B": 2}, 0, 9))


def test_each_value_of_a_repeated_key_has_its_writer() -> None:
    """The write may have replaced one of them."""
    writers = Writers(timeline(update({"A": 1}, began=1), update({"A": 2}, began=2)), Tolerance())
    assert [0, 1] == indices(writers.of("A", {"A": Repeated((1, 2))}, 0, 9))


def test_writer_after_the_snapshot_does_not_count() -> None:
    """An operation cannot show before it was sent."""
    writers = Writers(timeline(update({"A": 1}, began=1), update({"A": 1}, began=5)), Tolerance())
    assert [0] == indices(writers.of("A", {"A": 1}, 0, 4))


def test_change_of_another_operation_is_not_held_against_this_one() -> None:
    """Two overlapping updates: each accounts for its own key, and none for the third."""
    found = timeline(
        get({"A": 1, "B": 1, "C": 1}, began=0),
        update({"A": 2}, began=1, ended=3),
        update({"B": 2}, began=2, ended=3),
        get({"A": 2, "B": 2, "C": 2}, began=4),
    )
    pair = SnapshotPair(Writers(found, Tolerance()), found.snapshots[0], found.snapshots[-1])
    assert ["A", "B", "C"] == sorted(change.key for change in pair.changes.entries)
    assert [["A", "C"], ["B", "C"]] == [
        sorted(change.key for change in pair.not_by_others(write)) for write in found.writes
    ]
    assert [2] == indices(pair.writers("B", found.writes[0]))
