"""Pairs the exchanges and the notifications of two recordings, whatever stands between them.

Exchanges are paired if user, method, path, operation and resource are the same; notifications if user, topic, kind and
resource are. Pairing A with B is pairing B with A.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeAlias, TypeVar
from urllib.parse import parse_qs, urlsplit

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Call
from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.id_mapping import Naming
from gws_replay.core.comparison.lcs import common, gaps
from gws_replay.core.json_compare import same
from gws_replay.core.json_paths import differences
from gws_replay.core.lossless_json import canonical
from gws_replay.core.model import Exchange, Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedExchange:
    """An exchange under common names; `operation` is what people call it."""

    index: int
    exchange: Exchange
    call: Call
    operation: str
    resource: str
    key: Hashable
    sent: Any
    answer: Any

    @property
    def place(self) -> str:
        """Where it stands in its cassette."""
        return f"interaction {self.index}"

    @property
    def summary(self) -> Any:
        """What is shown of it where the other side has none."""
        return self.sent["body"]

    def whole(self) -> str:
        """Spell request and answer."""
        return canonical([self.sent, self.answer])


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedNotification:
    """A notification under common names.

    `kind` is its notificationType, `cause` the index of the exchange that it answers, `user` the number of its user.
    """

    index: int
    notification: Notification
    kind: str
    resource: str
    user: int
    data: Any

    @property
    def place(self) -> str:
        """Where it stands in its cassette."""
        return f"notification {self.index}"

    @property
    def summary(self) -> Any:
        """What is shown of it where the other side has none."""
        return self.data

    @property
    def cause(self) -> int | None:
        """The index of the exchange that it answers."""
        cause = self.notification.cause
        return None if cause is None else cause.interaction

    @property
    def key(self) -> Hashable:
        """What is the same for notifications of one kind about one resource."""
        return self.user, self.notification.channel, self.kind, self.resource


Item = TypeVar("Item", bound=NamedExchange | NamedNotification)
Pair: TypeAlias = tuple[Item | None, Item | None]


def named_exchanges(cassette: Cassette, naming: Naming) -> list[NamedExchange]:
    """Return the exchanges of a recording under common names."""
    return [_named_exchange(index, exchange, naming) for index, exchange in enumerate(cassette.interactions)]


def named_notifications(cassette: Cassette, naming: Naming) -> list[NamedNotification]:
    """Return the notifications of a recording under common names."""
    return [
        _named_notification(index, notification, naming) for index, notification in enumerate(cassette.notifications)
    ]


def pair_exchanges(one: Sequence[NamedExchange], other: Sequence[NamedExchange]) -> list[Pair[NamedExchange]]:
    """Pair exchanges; None stands for one that a side does not have."""
    pairs: list[Pair[NamedExchange]] = []
    for mine, theirs in _grouped(one, other, lambda each: each.key):
        if len(mine) == len(theirs) and all(same(a.sent, b.sent) for a, b in zip(mine, theirs, strict=True)):
            pairs.extend(zip(mine, theirs, strict=True))
        else:
            pairs.extend(_paired_between(mine, theirs))
    return pairs


def _paired_between(mine: Sequence[NamedExchange], theirs: Sequence[NamedExchange]) -> Iterator[Pair[NamedExchange]]:
    """Pair what is the same in the same order; between, what sends the same; then what has moved, and the rest."""
    rest: list[tuple[list[NamedExchange], list[NamedExchange]]] = []
    alike, between = _aligned(mine, theirs, lambda each: [each.sent, each.answer])
    yield from alike
    for gap in between:
        alike, inside = _aligned(*gap, lambda each: each.sent)
        yield from alike
        rest.extend(inside)
    # What an operation wrote identifies it, wherever it stands; a GET is like any other GET.
    writes = [[each for gap in rest for each in gap[side] if not each.exchange.request.is_safe] for side in (0, 1)]
    moved = [pair for same in _grouped(writes[0], writes[1], NamedExchange.whole) for pair in zip(*same, strict=False)]
    yield from moved
    done = [{pair[side].index for pair in moved} for side in (0, 1)]
    for gap in rest:
        left = [[each for each in gap[side] if each.index not in done[side]] for side in (0, 1)]
        yield from zip_longest(left[0], left[1])


def pair_notifications(
    one: Sequence[NamedNotification], other: Sequence[NamedNotification], exchanges: Sequence[Pair[NamedExchange]]
) -> list[Pair[NamedNotification]]:
    """Pair notifications of one kind about one resource: those that show the same; the rest by cause, or by order.

    Of these two the one that leaves fewer differences: if a server shows wrong values, the causes of its notifications
    are not certain either.
    """
    mine_of = {pair[0].index: number for number, pair in enumerate(exchanges) if pair[0]}
    theirs_of = {pair[1].index: number for number, pair in enumerate(exchanges) if pair[1]}
    pairs: list[Pair[NamedNotification]] = []
    for mine, theirs in _grouped(one, other, lambda each: each.key):
        found, between = _aligned(mine, theirs, lambda each: each.data)
        left = [[each for gap in between for each in gap[side]] for side in (0, 1)]
        by_order = list(zip_longest(left[0], left[1]))
        by_cause: list[Pair[NamedNotification]] = []
        for alike, others in _grouped(
            left[0],
            left[1],
            lambda each: None if each.cause is None else mine_of[each.cause],
            lambda each: None if each.cause is None else theirs_of[each.cause],
        ):
            by_cause.extend(zip_longest(alike, others))
        by_cause = _joined(by_cause)
        is_open = set(map(_places, by_order)) != set(map(_places, by_cause))
        pairs.extend([*found, *(min(by_order, by_cause, key=_unlikeness) if is_open else by_order)])
    return pairs


def _joined(pairs: Iterable[Pair[NamedNotification]]) -> list[Pair[NamedNotification]]:
    """Pair in order what has no partner on either side."""
    whole = [pair for pair in pairs if pair[0] and pair[1]]
    mine = [one for one, other in pairs if one and not other]
    theirs = [other for one, other in pairs if other and not one]
    in_time = [sorted(side, key=lambda each: each.index) for side in (mine, theirs)]
    return [*whole, *zip_longest(in_time[0], in_time[1])]


def _places(pair: Pair[NamedNotification]) -> tuple[int | None, ...]:
    return tuple(None if each is None else each.index for each in pair)


def _unlikeness(pairs: Sequence[Pair[NamedNotification]]) -> int:
    """Count the places in which paired notifications differ."""
    return sum(1 for one, other in pairs if one and other for _ in differences(one.data, other.data))


def _named_exchange(index: int, exchange: Exchange, naming: Naming) -> NamedExchange:
    request = exchange.request
    call = api.call_of(request, exchange.request_json)
    path = naming.path(request.path)
    resource = naming.of_id(call.resource_id) if call.resource_id else ""
    generic = "/".join("*" if step in naming.things else step for step in path.split("/"))
    query = parse_qs(urlsplit(request.uri).query, keep_blank_values=True) if "?" in request.uri else {}
    return NamedExchange(
        index=index,
        exchange=exchange,
        call=call,
        operation=call.operation or f"{request.method} {generic}",
        resource=resource,
        key=(naming.user(exchange.user), request.method, path, call.operation, resource),
        sent={"query": naming.value(query), "body": _read(request.body, exchange.request_json, naming)},
        answer={
            "status": exchange.response.status,
            "body": _read(exchange.response.body, exchange.response_json, naming),
        },
    )


def _named_notification(index: int, notification: Notification, naming: Naming) -> NamedNotification:
    subject = api.subject_of(notification.value)
    return NamedNotification(
        index=index,
        notification=notification,
        kind=api.kind_of(notification.value) or notification.channel,
        resource=naming.of_id(subject.resource_id) if subject else "",
        user=naming.user(notification.user),
        data=naming.value(notification.value),
    )


def _read(body: bytes, parsed: Any, naming: Naming) -> Any:
    """Return a body as it is compared: JSON, or text with other bytes escaped; None for an empty one."""
    if parsed is not None:
        return naming.value(parsed)
    return naming.value(body.decode(errors="backslashreplace")) if body else None


def _grouped(
    one: Iterable[Item],
    other: Iterable[Item],
    key: Callable[[Item], Hashable],
    other_key: Callable[[Item], Hashable] | None = None,
) -> Iterable[tuple[list[Item], list[Item]]]:
    """Put what has the same key together, in order."""
    groups: dict[Hashable, tuple[list[Item], list[Item]]] = {}
    for side, (items, key_of) in enumerate(((one, key), (other, other_key or key))):
        for item in items:
            groups.setdefault(key_of(item), ([], []))[side].append(item)
    return groups.values()


def _aligned(
    mine: Sequence[Item], theirs: Sequence[Item], shown: Callable[[Item], Any]
) -> tuple[list[tuple[Item, Item]], list[tuple[list[Item], list[Item]]]]:
    """Pair what shows the same in the same order, as much as can be; return what lies between, too."""
    if not mine or not theirs:
        return [], [(list(mine), list(theirs))]
    places = common([shown(each) for each in mine], [shown(each) for each in theirs])
    between = [
        ([mine[n] for n in left], [theirs[n] for n in right])
        for left, right in gaps(places, (len(mine), len(theirs)))
        if left or right
    ]
    return [(mine[one], theirs[other]) for one, other in places], between
