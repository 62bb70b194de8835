"""The parts of a cassette that several tests share: which test recorded what, so that each is replayed its own.

The header lists them in the order of the file: `tests: [{name: NODEID, interactions: 3, notifications: 1}, ...]`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Notification, User

_KEY = "tests"
# How long after the last moment of a cassette what is appended to it begins, in seconds.
_BEHIND = 0.001


class _Part(NamedTuple):
    """What one test has recorded, as ranges of indices."""

    name: str
    interactions: range
    notifications: range
    messages: range


def appended(old: Cassette, new: Cassette) -> Cassette:
    """Return a cassette with the exchanges and notifications of a newer one behind its own."""
    from gws_replay.core.compile.users import header_of  # noqa: PLC0415  (replaying a part compiles nothing)

    moments = [
        *(each.ended for each in old.interactions),
        *(each.seen for each in old.notifications),
        *(each.seen for each in old.messages),
    ]
    start, count = max(moments, default=0.0) + _BEHIND, len(old.interactions)
    users, user_of = _joined_users(old, new)
    interactions = (
        replace(each, began=each.began + start, ended=each.ended + start, user=user_of[each.user])
        for each in new.interactions
    )
    notifications = (
        replace(each, seen=each.seen + start, cause=_shifted(each.cause, count), user=user_of[each.user])
        for each in new.notifications
    )
    connections = 1 + max((each.connection for each in old.messages), default=-1)
    messages = (
        replace(each, seen=each.seen + start, connection=each.connection + connections, user=user_of[each.user])
        for each in new.messages
    )
    stand_ins = new.header.get("stand_ins")
    header = {**old.header, **({"stand_ins": stand_ins} if stand_ins else {})}
    return replace(
        old,
        interactions=(*old.interactions, *interactions),
        notifications=(*old.notifications, *notifications),
        messages=(*old.messages, *messages),
        header={**header, "users": header_of(users)} if len(users) > 1 else header,
    )


def _joined_users(old: Cassette, new: Cassette) -> tuple[list[User], list[int]]:
    """Return the users of both cassettes, and for each of the new one its index. Names decide who is the same.

    Users without a name are the same if they have the same place among those without.
    """
    users = list(old.users)
    if len(users) == len(new.users) == 1:
        return users, [0]
    nameless = iter([index for index, user in enumerate(users) if user.name is None])
    user_of = []
    for user in new.users:
        named = next((index for index, each in enumerate(users) if user.name and each.name == user.name), None)
        index = next(nameless, None) if user.name is None else named
        if index is None:
            index = len(users)
            users.append(user)
        user_of.append(index)
    return users, user_of


def _shifted(cause: Cause | None, count: int) -> Cause | None:
    """Return a cause whose interactions stand `count` places later."""
    if cause is None:
        return None
    return replace(cause, interaction=cause.interaction + count, also=tuple(index + count for index in cause.also))


def part_of(cassette: Cassette, name: str) -> Cassette:
    """Return the part that a test has recorded; the whole cassette if its header does not list the test."""
    part = next((each for each in _parts(cassette) if each.name == name), None)
    return cassette if part is None else _cut(cassette, part)


def with_part(cassette: Cassette | None, new: Cassette, name: str) -> Cassette:
    """Return a cassette in which a test's part is what it has recorded now; the parts of other tests stay.

    What belongs to none of these tests is dropped.
    """
    from gws_replay.core.compile.compiler import laid_out  # noqa: PLC0415  (replaying a part compiles nothing)

    kept = [] if cassette is None else [part for part in _parts(cassette) if part.name != name]
    if cassette is None or not kept:
        return _listed(new, [(name, new)])
    cuts = [(part.name, _cut(cassette, part)) for part in kept]
    whole = cuts[0][1]
    for _, each in cuts[1:]:
        whole = appended(whole, each)
    return _listed(replace(appended(laid_out(whole), new), source=new.source), [*cuts, (name, new)])


def recorded_tests(cassette: Cassette) -> tuple[str, ...]:
    """Return the tests whose parts the header lists."""
    return tuple(part.name for part in _parts(cassette))


def _listed(whole: Cassette, parts: list[tuple[str, Cassette]]) -> Cassette:
    listed = [
        {
            "name": name,
            "interactions": len(part.interactions),
            "notifications": len(part.notifications),
            **({"messages": len(part.messages)} if part.messages else {}),
        }
        for name, part in parts
    ]
    return replace(whole, header={**whole.header, _KEY: listed})


def _parts(cassette: Cassette) -> Iterator[_Part]:
    """Yield the parts; none if an edited file no longer agrees with its list."""
    listed: list[Mapping[str, Any]] = cassette.header.get(_KEY) or []
    try:
        counts = [
            (str(each["name"]), int(each["interactions"]), int(each["notifications"]), int(each.get("messages", 0)))
            for each in listed
        ]
    except (KeyError, TypeError, ValueError):
        return
    totals = len(cassette.interactions), len(cassette.notifications), len(cassette.messages)
    if totals != (sum(each[1] for each in counts), sum(each[2] for each in counts), sum(each[3] for each in counts)):
        return
    first = seen = sent = 0
    for name, interactions, notifications, messages in counts:
        yield _Part(
            name=name,
            interactions=range(first, first + interactions),
            notifications=range(seen, seen + notifications),
            messages=range(sent, sent + messages),
        )
        first, seen, sent = first + interactions, seen + notifications, sent + messages


def _cut(cassette: Cassette, part: _Part) -> Cassette:
    inside, delivered = part.interactions, part.notifications
    interactions = tuple(cassette.interactions[inside.start : inside.stop])
    notifications = tuple(cassette.notifications[delivered.start : delivered.stop])
    messages = tuple(cassette.messages[part.messages.start : part.messages.stop])
    moments = [
        *(each.began for each in interactions),
        *(each.seen for each in notifications),
        *(each.seen for each in messages),
    ]
    start = min(moments, default=0.0)
    header = {key: value for key, value in cassette.header.items() if key != _KEY}
    return replace(
        cassette,
        interactions=tuple(replace(each, began=each.began - start, ended=each.ended - start) for each in interactions),
        notifications=tuple(_moved(each, start, inside) for each in notifications),
        messages=tuple(replace(each, seen=each.seen - start) for each in messages),
        header=header,
    )


def _moved(notification: Notification, start: float, inside: range) -> Notification:
    cause = notification.cause and _within(notification.cause, inside)
    return replace(notification, seen=notification.seen - start, cause=cause)


def _within(cause: Cause, inside: range) -> Cause | None:
    if cause.interaction not in inside:
        return None
    also = tuple(index - inside.start for index in cause.also if index in inside)
    return replace(cause, interaction=cause.interaction - inside.start, also=also)
