"""Notifications and operations that are not one to one: several notifications of one operation, one of several."""

from collections.abc import Iterable, Sequence

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Subject
from gws_replay.core.compile.cause_matching import CauseCandidate, Found, OpenNotification, shows, shows_or_hides
from gws_replay.core.json_compare import same
from gws_replay.core.oracle.tolerance import Patterns

_VOLATILE = Patterns(api.VOLATILE)


def repeated(group: Sequence[OpenNotification], candidates: Sequence[CauseCandidate], found: Found) -> Found:
    """Return further notifications of operations that have one: between two operations nothing else changed.

    Such a notification shows the same once more, or in userData only keys that differ which the operation wrote.
    """
    latest: CauseCandidate | None = None
    rest = iter(sorted(candidates, key=lambda each: each.began))
    upcoming = next(rest, None)
    more: Found = {}
    turn: list[OpenNotification] = []
    for notification in (*group, None):
        while upcoming and (notification is None or upcoming.began <= notification.seen):
            more |= _more_of(latest, turn, found)
            latest, turn, upcoming = upcoming, [], next(rest, None)
        if notification is not None:
            turn.append(notification)
    return more | _more_of(latest, turn, found)


def _more_of(cause: CauseCandidate | None, turn: Sequence[OpenNotification], found: Found) -> Found:
    """Return the further notifications among those that followed an operation before the next one."""
    own = next((each for each in turn if cause and found.get(each.index, (None,))[0] is cause), None)
    if cause is None or own is None:
        return {}
    return {
        each.index: (cause, "content" if shows(cause, each) else "one-to-one")
        for each in turn
        if each.index not in found and _is_about_the_same(cause, own, each)
    }


def _is_about_the_same(cause: CauseCandidate, own: OpenNotification, other: OpenNotification) -> bool:
    one, two = own.subject, other.subject
    if one is None or two is None:
        return False
    if other.seen >= own.seen and cause.has_evidence and not shows(cause, other) and shows(cause, own):
        return False  # something has changed again what the operation wrote
    written = cause.call.writes or {}
    return _without(one, written) == _without(two, written) if written else _is_equal(one, two)


def _without(subject: Subject, keys: Iterable[object]) -> tuple[object, object]:
    """Return what a notification shows besides some keys of userData, in a form that can be compared."""
    left_out = set(keys)
    user_data = subject.user_data or {}
    return {key: value for key, value in user_data.items() if key not in left_out}, subject.resource.get("state")


def _is_equal(one: Subject, two: Subject) -> bool:
    names = {name for name in (*one.resource, *two.resource) if name not in _VOLATILE}
    return all(name in one.resource and name in two.resource for name in names) and all(
        same(one.resource[name], two.resource[name]) for name in names
    )


def answered_together(
    group: Sequence[OpenNotification], candidates: Sequence[CauseCandidate], found: Found
) -> dict[int, tuple[int, ...]]:
    """Return, for each notification that also answers earlier operations, their indices.

    So does one that shows what they wrote too, if it is the first after all of them, and they came in quick
    succession: each began sooner after the one before had ended than the notification came after the last.
    """
    answered = {cause.index for cause, _ in found.values()}
    also: dict[int, tuple[int, ...]] = {}
    before = float("-inf")
    ordered = sorted((each for each in candidates if each.has_evidence), key=lambda each: each.began)
    for notification in group:
        cause = found.get(notification.index, (None,))[0]
        if cause is not None and cause.has_evidence:
            chain: list[CauseCandidate] = [cause]
            delay = notification.seen - cause.began
            for each in reversed([other for other in ordered if before <= other.began < cause.began]):
                if each.index in answered or chain[0].began - each.ended >= delay:
                    break
                if not shows_or_hides(each, notification, chain):
                    break
                chain.insert(0, each)
            if len(chain) > 1:
                also[notification.index] = tuple(each.index for each in chain[:-1])
                answered.update(each.index for each in chain)
        before = notification.seen
    return also
