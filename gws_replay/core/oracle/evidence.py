"""The evidence behind a verdict, as sentences: snapshots, what others wrote, each view, and why the verdict is so."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gws_replay.core.api.schema import Absent, Another, Key, Wild
from gws_replay.core.json_compare import compare_userdata, show
from gws_replay.core.oracle.checks import Views
from gws_replay.core.oracle.history import Sighting, Snapshot
from gws_replay.core.oracle.timeline import Activity, Write

# How many keys, operations or later snapshots are listed.
_MOST = 12


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence: what it is about (`sent`, `before`, `view` ...), and what it says."""

    about: str
    text: str


def evidence_of(views: Views, conclusion: str) -> Iterator[Evidence]:
    """Yield the evidence behind a verdict, in the order in which it was weighed, and what was concluded from it."""
    write = views.write
    yield Evidence("sent", _sent(write))
    yield Evidence("response", _RESPONSES["refused" if write.error else write.outcome])
    if write.error:
        yield Evidence("response", f"{write.error.place} says that it failed")
    yield Evidence("before", _snapshot(views.before, write))
    for answer in write.answers:
        yield Evidence("view", _view(answer, views, f"{answer.place}, its notification{_found_by(answer)}"))
    if not write.answers:
        yield Evidence("view", "no notification answers it")
    if write.after is not None and not write.notified:
        yield Evidence("view", _view(write.after, views, f"{write.after.place}, the next GET"))
    elif following := views.next_get():
        yield Evidence("view", _view(following, views, f"{following.place}, the next GET"))
    yield from _others(views)
    yield from _later(views)
    yield Evidence("verdict", conclusion)


_RESPONSES: Mapping[str, str] = {
    "taken": "accepted",
    "partly": "accepted in part: some keys may not have been written",
    "refused": "refused: nothing may change",
    "unclear": "a gateway, or nobody, responded: it may have been carried out or not",
}


def _sent(write: Write) -> str:
    what = ", ".join(_few(_written(key, value) for key, value in write.intended.items())) or "no userData"
    return f"{write.call.operation} at {write.began:.3f} s: {what}"


def _written(key: Key, value: Any) -> str:
    if isinstance(key, Wild):
        return "all keys deleted" if isinstance(value, Absent) else f"{key.value} = {show(value)}"
    if isinstance(value, Absent):
        return f"{key} deleted"
    return f"{key} = {show(value.value if isinstance(value, Another) else value)}"


def _snapshot(snapshot: Snapshot | None, write: Write) -> str:
    if snapshot is None:
        return "no userData was seen before it"
    named = [key for key in write.intended if isinstance(key, str)]
    shown = (f"{key} {show(snapshot.data[key]) if key in snapshot.data else 'absent'}" for key in named)
    return f"{snapshot.place}, seen at {snapshot.at:.3f} s, {_keys(snapshot)}: {', '.join(_few(shown)) or 'as it was'}"


def _keys(snapshot: Snapshot) -> str:
    return f"{len(snapshot.data)} key{'' if len(snapshot.data) == 1 else 's'}"


def _found_by(answer: Sighting) -> str:
    return f" (cause found by {answer.rule})" if answer.rule else ""


def _view(seen: Sighting, views: Views, name: str) -> str:
    """Say what a view shows changed against the snapshot before the operation."""
    if not isinstance(seen, Snapshot):
        return f"{name}, seen at {seen.at:.3f} s, does not show the whole userData"
    if views.before is None:
        return f"{name}, seen at {seen.at:.3f} s, {_keys(seen)}"
    changes = compare_userdata(views.before.data, seen.data).entries
    return f"{name}, seen at {seen.at:.3f} s, against before: {'; '.join(_few(map(str, changes))) or 'nothing changed'}"


def _others(views: Views) -> Iterator[Evidence]:
    """Yield the other operations that may have had an effect between the snapshots."""
    write, timeline = views.write, views.timeline
    if write.after is None:
        return
    since = views.before.began if views.before else write.began
    rivals = [each for each in timeline.between(since, write.after.at) if each is not write]
    for rival in rivals[:_MOST]:
        fate = "refused, " if rival.refused else ""
        yield Evidence("other", f"interaction {rival.index}{_by(rival, write)}, {fate}{_sent(rival)}")
    for activity in timeline.others_between(since, write.after.at)[:_MOST]:
        yield Evidence("other", _may_write(activity, write))
    if not rivals:
        yield Evidence("other", "no other operation wrote to it at that time")


def _may_write(activity: Activity, write: Write) -> str:
    name = activity.call.operation
    return f"interaction {activity.index}{_by(activity, write)}, {name}, may write keys of its own"


def _by(other: Activity, write: Write) -> str:
    return f" of another user ({other.user})" if other.user != write.user else ""


def _later(views: Views) -> Iterator[Evidence]:
    """Yield what the snapshots after the operation show changed, until the next operation."""
    write, timeline = views.write, views.timeline
    if write.after is None:
        return
    before = write.after
    for snapshot in timeline.snapshots_after(write.after)[:_MOST]:
        if snapshot.cause is not None:
            return
        changes = compare_userdata(before.data, snapshot.data).entries
        if changes:
            what = "; ".join(_few(map(str, changes)))
            whose = ", which answers no operation" if snapshot.interaction is None else ""
            seen = f"{snapshot.place}{whose}, seen at {snapshot.at:.3f} s"
            yield Evidence("later", f"{seen}, against {before.place}: {what}")
        before = snapshot


def _few(items: Iterable[str]) -> list[str]:
    found = list(items)
    return found if len(found) <= _MOST else [*found[:_MOST], f"{len(found) - _MOST} more"]
