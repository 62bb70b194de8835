"""Which recorded notification a live one is: the first of its kind, about its resource, that has not been heard yet."""

from collections.abc import Collection, Iterable

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.counterparts import Counterpart
from gws_replay.core.drift.live_values import LiveValues
from gws_replay.core.model import Notification


class Awaited:
    """The notifications of a cassette, heard again one after the other."""

    def __init__(self, baseline: Cassette, values: LiveValues) -> None:
        self._told = baseline.notifications
        self._values = values
        self._by_kind: dict[tuple[str, str], list[int]] = {}
        for index, told in enumerate(self._told):
            self._by_kind.setdefault(_kind(told), []).append(index)
        self.heard: set[int] = set()

    def hear(self, live: Notification, *, ids_only: bool = False) -> list[Counterpart]:
        """Take up a live notification; return the stand-ins whose live values it shows (`LiveValues.learn`)."""
        waiting = self._by_kind.get(_kind(live), [])
        subject = api.subject_of(live.value)
        live_id = subject.resource_id if subject else ""
        found = next((n for n in waiting if self._is_about(n, live_id)), None)
        if found is None and live_id and not self._values.is_taken(live_id):
            found = next((n for n in waiting if self._is_new(n)), None)
        if found is None:
            return []
        waiting.remove(found)
        self.heard.add(found)
        if live_id and (recorded := self._id(found)):
            self._values.bind_id(recorded, live_id)
        return self._values.learn(self._told[found].value, live.value, ids_only=ids_only)

    def missing(self, told: Iterable[int]) -> list[int]:
        """Return which notifications have not been heard."""
        return [each for each in told if each not in self.heard]

    def about(self, told: Iterable[int], ids: Collection[str]) -> list[int]:
        """Return which notifications are about a resource of these recorded ids."""
        return [each for each in told if self._id(each) in ids]

    def _id(self, index: int) -> str:
        subject = api.subject_of(self._told[index].value)
        return subject.resource_id if subject else ""

    def _is_about(self, index: int, live_id: str) -> bool:
        recorded = self._id(index)
        return (self._values.live(recorded) or "" if recorded else "") == live_id

    def _is_new(self, index: int) -> bool:
        recorded = self._id(index)
        return bool(recorded) and self._values.live(recorded) is None


def _kind(told: Notification) -> tuple[str, str]:
    return told.channel, api.kind_of(told.value)
