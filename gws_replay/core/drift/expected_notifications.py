"""Which recorded notification a live one is: the first of its user, kind and resource that was not received yet."""

from collections.abc import Collection, Iterable, Sequence

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.counterparts import Counterpart
from gws_replay.core.drift.live_values import LiveValues
from gws_replay.core.model import Notification


class ExpectedNotifications:
    """The notifications of a cassette; `received` are those that a live system has delivered again, by place."""

    def __init__(self, baseline: Cassette, values: LiveValues) -> None:
        self._recorded: Sequence[Notification] = baseline.notifications
        self._values = values
        self._by_kind: dict[tuple[int, str, str], list[int]] = {}
        for index, notification in enumerate(self._recorded):
            self._by_kind.setdefault(_kind(notification), []).append(index)
        self.received: set[int] = set()

    def receive(self, live: Notification, *, ids_only: bool = False) -> list[Counterpart]:
        """Match a live notification; return the stand-ins whose live values it shows (`LiveValues.learn`)."""
        waiting = self._by_kind.get(_kind(live), [])
        subject = api.subject_of(live.value)
        live_id = subject.resource_id if subject else ""
        found = next((n for n in waiting if self._is_about(n, live_id)), None)
        if found is None and live_id and not self._values.is_taken(live_id):
            found = next((n for n in waiting if self._is_new(n)), None)
        if found is None:
            return []
        waiting.remove(found)
        self.received.add(found)
        if live_id and (recorded := self._id(found)):
            self._values.bind_id(recorded, live_id)
        return self._values.learn(self._recorded[found].value, live.value, ids_only=ids_only)

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Return which of these notifications have not been received."""
        return [each for each in numbers if each not in self.received]

    def about(self, numbers: Iterable[int], ids: Collection[str]) -> list[int]:
        """Return which of these notifications are about a resource with one of these recorded ids."""
        return [each for each in numbers if self._id(each) in ids]

    def _id(self, index: int) -> str:
        subject = api.subject_of(self._recorded[index].value)
        return subject.resource_id if subject else ""

    def _is_about(self, index: int, live_id: str) -> bool:
        recorded = self._id(index)
        return (self._values.live(recorded) or "" if recorded else "") == live_id

    def _is_new(self, index: int) -> bool:
        recorded = self._id(index)
        return bool(recorded) and self._values.live(recorded) is None


def _kind(notification: Notification) -> tuple[int, str, str]:
    return notification.user, notification.channel, api.kind_of(notification.value)
