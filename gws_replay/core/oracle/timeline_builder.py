"""A cassette read as timelines: what was done to each resource, and what was seen of it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import ERROR, Call, Key
from gws_replay.core.model import Exchange
from gws_replay.core.oracle.effects import shows_all
from gws_replay.core.oracle.history import Recorded, Sighting, Snapshot, sightings
from gws_replay.core.oracle.timeline import IN_FLIGHT, NEVER, Activity, Timeline, Write

# How many operations before and after one may share a notification with it.
_SHARING = 16
# Rules of causes by which several operations at once can be mistaken for each other.
_BY_CONTENT = ("content", "counting", "order")


def timelines_of(cassette: Recorded) -> Mapping[str, Timeline]:
    """Return the timeline of each resource that a cassette shows or writes to, by resource id."""
    calls = {
        index: call
        for index, exchange in enumerate(cassette.interactions)
        if (call := api.call_of(exchange.request, exchange.request_json)).operation and call.resource_id
    }
    seen: dict[str, list[Sighting]] = {}
    answers: dict[int, list[Sighting]] = {}
    for each in _whole_snapshots(sightings(cassette), calls):
        # GetInteractionContent shows another resource with the same id.
        if each.channel and each.channel.deletes:
            seen.setdefault(each.resource_id, []).append(each)
        for cause in (*each.also, *(() if each.cause is None else (each.cause,))):
            if cause in calls and calls[cause].resource_id == each.resource_id:
                answers.setdefault(cause, []).append(each)
    timelines = {name: _timeline(group) for name, group in seen.items()}
    shown = {name: _Shown(timeline.snapshots) for name, timeline in timelines.items()}
    for index, call in calls.items():
        name = call.resource_id or ""
        if name not in timelines:
            timelines[name], shown[name] = Timeline(call.channel), _Shown()
        answering, exchange = answers.get(index, ()), cassette.interactions[index]
        if call.writes is not None or call.attached is not None:
            timelines[name].writes.append(_write(index, call, exchange, answering, shown[name]))
        else:
            timelines[name].others.append(_activity(index, call, exchange, answering, shown[name]))
    for timeline in timelines.values():
        timeline.writes = list(_contested(_with_shared_answers(timeline.writes)))
        timeline.index()
    return timelines


def _with_shared_answers(writes: Sequence[Write]) -> Iterator[Write]:
    """Yield the writes; one without a notification has that of an overlapping one, if it shows what both wrote.

    A server may send one notification for several operations. A request that a gateway did not see answered, and that
    was sent again, shares that of the second.
    """
    for place, write in enumerate(writes):
        near = (*writes[max(0, place - _SHARING) : place], *writes[place + 1 : place + 1 + _SHARING])
        is_silent = not write.answers and not write.refused and bool(write.writes)
        shared = next((each.after for each in near if _shares(write, each)), None) if is_silent else None
        if shared is None:
            yield write
        else:
            yield replace(write, answers=(shared,), after=shared, notified=True, until=shared.at)


def _shares(write: Write, other: Write) -> bool:
    overlaps = write.began <= other.ended and other.began <= write.ended
    shown = (
        other.after if other.notified and not other.refused and (overlaps or write.unclear or other.unclear) else None
    )
    return shown is not None and shown.at >= write.began and shows_all(shown.data, write.writes)


def _contested(writes: Iterable[Write]) -> Iterator[Write]:
    """Yield the writes, those that share their notifications with others marked, and open until the last of them."""
    group: list[Write] = []
    until = 0.0
    for write in writes:
        if write.began >= until:
            yield from _marked(group, until)
            group, until = [], 0.0
        group.append(write)
        if any(each.rule in _BY_CONTENT for each in write.answers):
            until = max(until, write.until)
    yield from _marked(group, until)


def _marked(group: Sequence[Write], until: float) -> Iterator[Write]:
    rivals = [any(each.rule in _BY_CONTENT for each in write.answers) for write in group]
    several = sum(rivals) > 1
    for write, is_rival in zip(group, rivals, strict=True):
        yield replace(write, contested=True, until=until) if is_rival and several else write


def _whole_snapshots(found: Iterable[Sighting], calls: Mapping[int, Call]) -> Iterable[Sighting]:
    """Yield what was seen; a notification that shows only the keys that its operation wrote is not a snapshot.

    So does the sample of FacebookPMSetDisposition. Where the last snapshot had no other keys, it is one.
    """
    last: dict[str, Mapping[str, Any]] = {}
    for seen in found:
        if not isinstance(seen, Snapshot):
            yield seen
            continue
        call = calls.get(seen.cause) if seen.cause is not None else None
        may_be_part = call and call.row and call.row.may_show_part and len(seen.data) <= len(call.writes or ())
        if may_be_part and last.get(seen.resource_id, {}).keys() - seen.data.keys():
            yield Sighting(**{field.name: getattr(seen, field.name) for field in fields(Sighting)})
        else:
            last[seen.resource_id] = seen.data
            yield seen


def _timeline(group: Sequence[Sighting]) -> Timeline:
    snapshots = [each for each in group if isinstance(each, Snapshot)]
    return Timeline(channel=group[0].channel, sightings=group, snapshots=snapshots)


class _Shown:
    """The snapshots of one resource, by when they were seen, and the GETs among them by when they were sent."""

    def __init__(self, snapshots: Sequence[Snapshot] = ()) -> None:
        gets = (each for each in snapshots if each.interaction is not None)
        self._snapshots = snapshots
        self._gets = sorted(gets, key=lambda each: each.began)

    def next_get(self, since: float) -> Snapshot | None:
        """Return the first GET sent since then."""
        place = bisect_left(self._gets, since, key=lambda each: each.began)
        return self._gets[place] if place < len(self._gets) else None

    def next_of_any_kind(self, since: float) -> Snapshot | None:
        """Return the first snapshot that shows nothing older than that."""
        place = bisect_left(self._snapshots, since, key=lambda each: each.at)
        few = self._snapshots[place : place + IN_FLIGHT]
        return next((each for each in few if each.began >= since), None) or self.next_get(since)


def _activity(index: int, call: Call, exchange: Exchange, answering: Sequence[Sighting], shown: _Shown) -> Activity:
    after = shown.next_of_any_kind(exchange.ended) if not answering else None
    return Activity(
        index=index,
        call=call,
        began=exchange.began,
        until=max((each.at for each in answering), default=after.at if after else NEVER),
        moves=_moves(call, refused=not api.may_be_done(exchange.response.status, exchange.response_json)),
        user=exchange.user,
    )


def _moves(call: Call, *, refused: bool) -> frozenset[str] | None:
    return frozenset() if refused else call.row.may_change if call.row else None


def _write(index: int, call: Call, exchange: Exchange, answering: Sequence[Sighting], shown: _Shown) -> Write:
    outcome = api.taken(exchange.response.status, exchange.response_json)
    error = next((each for each in answering if each.kind == ERROR), None)
    answers = [each for each in answering if each is not error]
    refused = outcome == "refused" or error is not None
    own = next((each for each in answers if isinstance(each, Snapshot)), None)
    since = max(exchange.ended, *(each.at for each in answers)) if answers else exchange.ended
    # Of one that was refused, whatever cannot be older shows whether it was done all the same.
    after = own or (shown.next_of_any_kind(since) if refused else shown.next_get(since))
    attached: Mapping[Key, Any] = (call.attached or {}) if call.writes is None else call.writes
    shown_at = own.at if own else max((each.at for each in answers), default=after.at if after else NEVER)
    return Write(
        index=index,
        call=call,
        began=exchange.began,
        until=shown_at,
        moves=_moves(call, refused=refused),
        user=exchange.user,
        ended=exchange.ended,
        outcome=outcome,
        intended=attached,
        answers=answers,
        error=error,
        after=after,
        notified=own is not None,
        judged=call.writes is not None,
    )
