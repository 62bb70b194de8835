"""The history of each resource's userData: a snapshot wherever an answer or a notification showed the whole of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gws_replay.core import api
from gws_replay.core.model import Cassette, Exchange, Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The userData of one resource as one message showed it.

    `interaction` is the index of the GET that showed it, `notification` that of the notification; the other is
    None. `at` is when it was seen, `began` the earliest moment whose state it can show: when the GET, or the
    operation that the notification answers (`cause`), was asked.
    """

    resource_id: str
    data: Mapping[str, Any]
    at: float
    began: float
    interaction: int | None = None
    notification: int | None = None
    cause: int | None = None

    @property
    def place(self) -> str:
        """Where the snapshot stands in the cassette, for messages."""
        return f"notification {self.notification}" if self.interaction is None else f"interaction {self.interaction}"


def of_exchange(exchange: Exchange, index: int) -> Iterator[Snapshot]:
    """Yield the snapshots in the answer of a GET."""
    if exchange.request.method == "GET":
        for subject in api.resources_in(exchange.answer):
            shown = subject.user_data
            if shown is not None:
                yield Snapshot(
                    resource_id=subject.resource_id,
                    data=shown,
                    at=exchange.ended,
                    began=exchange.began,
                    interaction=index,
                )


def of_notification(notification: Notification, index: int, interactions: Sequence[Exchange]) -> Iterator[Snapshot]:
    """Yield the snapshot in a notification that carries userData.

    One without userData means "unchanged" (FacebookPMAddComment): no snapshot; of a call, "empty" (DeleteUserData).
    """
    subject = api.subject_of(notification.value)
    shown = subject.user_data if subject else None
    cause = notification.cause.interaction if notification.cause else None
    if subject and shown is not None:
        yield Snapshot(
            resource_id=subject.resource_id,
            data=shown,
            at=notification.seen,
            began=notification.seen if cause is None else interactions[cause].began,
            notification=index,
            cause=cause,
        )


def history(cassette: Cassette) -> dict[str, tuple[Snapshot, ...]]:
    """Return the snapshots of each resource (by id) in the order in which they were seen."""
    return by_resource(
        (
            *(s for index, exchange in enumerate(cassette.interactions) for s in of_exchange(exchange, index)),
            *(
                s
                for index, told in enumerate(cassette.notifications)
                for s in of_notification(told, index, cassette.interactions)
            ),
        )
    )


def by_resource(snapshots: Iterable[Snapshot]) -> dict[str, tuple[Snapshot, ...]]:
    """Group snapshots by resource id, each group by time."""
    grouped: dict[str, list[Snapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda s: s.at):
        grouped.setdefault(snapshot.resource_id, []).append(snapshot)
    return {resource_id: tuple(group) for resource_id, group in grouped.items()}
