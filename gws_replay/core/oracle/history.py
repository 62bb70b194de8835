"""The history of each resource: what responses and notifications showed of it, and when; userData above all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Channel, Subject
from gws_replay.core.json_compare import Changes, compare_userdata
from gws_replay.core.model import Exchange, Notification, Rule


class Recorded(Protocol):
    """What the oracle reads: the exchanges and the notifications of a cassette."""

    @property
    def interactions(self) -> Sequence[Exchange]:
        """The exchanges, by the time at which they began."""
        ...

    @property
    def notifications(self) -> Sequence[Notification]:
        """The notifications, in the order in which they were seen."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One resource as one message shows it: its attributes, which may be few.

    `interaction` is the index of the GET that shows it, `notification` that of the notification; the other is None.
    `at` is when it was seen, `began` the earliest moment whose state it can show: when the GET, or the operation that
    the notification answers (`cause`), was sent. `kind` is the notificationType, `reference` what links it with an
    operation, `rule` the evidence by which the cause was found. `beside` are the fields that a notification has beside
    the resource, `also` the other operations that it answers.
    """

    resource_id: str
    at: float
    began: float
    interaction: int | None = None
    notification: int | None = None
    cause: int | None = None
    channel: Channel | None = None
    resource: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    reference: int | str | None = None
    rule: Rule | None = None
    beside: frozenset[str] = frozenset()
    also: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands in the cassette, for messages."""
        return f"notification {self.notification}" if self.interaction is None else f"interaction {self.interaction}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Sighting):
    """A sighting that showed the whole userData."""

    data: Mapping[str, Any]


def of_exchange(exchange: Exchange, index: int) -> Iterator[Snapshot]:
    """Yield the snapshots in the response to a GET."""
    return (seen for seen in sightings_of_exchange(exchange, index) if isinstance(seen, Snapshot))


def of_notification(notification: Notification, index: int, interactions: Sequence[Exchange]) -> Iterator[Snapshot]:
    """Yield the snapshot in a notification that carries userData.

    One without userData means "unchanged" (FacebookPMAddComment): no snapshot; of a call, "empty" (DeleteUserData).
    """
    seen = sighting_of_notification(notification, index, interactions)
    if isinstance(seen, Snapshot):
        yield seen


def sightings_of_exchange(exchange: Exchange, index: int) -> Iterator[Sighting]:
    """Yield what the response to a GET shows."""
    if exchange.request.method == "GET":
        for subject in api.resources_in(exchange.response_json):
            yield _seen(subject, at=exchange.ended, began=exchange.began, interaction=index)


def sighting_of_notification(
    notification: Notification, index: int, interactions: Sequence[Exchange]
) -> Sighting | None:
    """Return what a notification shows; None for one about no resource."""
    data = notification.value
    subject = api.subject_of(data)
    if subject is None:
        return None
    causes = notification.cause.interactions if notification.cause else ()
    return _seen(
        subject,
        at=notification.seen,
        began=min((interactions[each].began for each in causes), default=notification.seen),
        notification=index,
        cause=notification.cause.interaction if notification.cause else None,
        also=notification.cause.also if notification.cause else (),
        kind=api.kind_of(data),
        reference=api.reference_of(data),
        rule=notification.cause.rule if notification.cause else None,
        beside=frozenset(data),
    )


def _seen(subject: Subject, **about: Any) -> Sighting:
    found = {"resource_id": subject.resource_id, "channel": subject.channel, "resource": subject.resource, **about}
    return Sighting(**found) if subject.user_data is None else Snapshot(**found, data=subject.user_data)


def sightings(cassette: Recorded) -> list[Sighting]:
    """Return everything that a cassette shows of resources, in the order in which it was seen."""
    shown = (
        sighting_of_notification(each, index, cassette.interactions)
        for index, each in enumerate(cassette.notifications)
    )
    found = [
        *(seen for index, each in enumerate(cassette.interactions) for seen in sightings_of_exchange(each, index)),
        *(seen for seen in shown if seen is not None),
    ]
    return sorted(found, key=lambda seen: seen.at)


def history(cassette: Recorded) -> dict[str, tuple[Snapshot, ...]]:
    """Return the snapshots of each resource (by id) in the order in which they were seen."""
    return by_resource(seen for seen in sightings(cassette) if isinstance(seen, Snapshot))


def movements(cassette: Recorded) -> Iterator[tuple[Snapshot | None, Snapshot, Changes]]:
    """Yield each snapshot of each resource after the one before it (None: the first), and what differs."""
    for group in history(cassette).values():
        before: Snapshot | None = None
        for snapshot in group:
            yield before, snapshot, compare_userdata(before.data, snapshot.data) if before else Changes()
            before = snapshot


def by_resource(snapshots: Iterable[Snapshot]) -> dict[str, tuple[Snapshot, ...]]:
    """Group snapshots by resource id, each group by time."""
    grouped: dict[str, list[Snapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda s: s.at):
        grouped.setdefault(snapshot.resource_id, []).append(snapshot)
    return {resource_id: tuple(group) for resource_id, group in grouped.items()}
