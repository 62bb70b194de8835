"""Edge: the notifications of a live system: subscribed to, matched with the recorded ones, and waited for."""

import asyncio
import time
from collections.abc import Callable, Iterable

from gws_replay.core.bayeux import recorded as bayeux_text
from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.counterparts import Counterpart
from gws_replay.core.drift.endpoints import cometd_path
from gws_replay.core.drift.expected_notifications import ExpectedNotifications
from gws_replay.core.drift.live_values import LiveValues
from gws_replay.core.model import Notification, Response
from gws_replay.drift.cometd_listener import Listener
from gws_replay.drift.http_client import LiveClient
from gws_replay.drift.recording import LiveRecording
from gws_replay.errors import GwsReplayError

_CALM = 0.5  # seconds without a notification after which no more are expected
_MOST_LATE = 3  # notifications in a row that did not come: then the next ones are not waited for


class LiveNotifications:
    """The notifications of a run; each is waited for once, for `patience` seconds at most."""

    def __init__(self, baseline: Cassette, values: LiveValues, patience: float) -> None:
        self._baseline = baseline
        self._expected = ExpectedNotifications(baseline, values)
        self._patience = patience
        self._given_up: set[int] = set()
        self._late = 0
        self._count = 0  # notifications of any kind, expected or not
        self._changed = asyncio.Event()
        self._listeners: dict[int, Listener] = {}

    @property
    def users(self) -> frozenset[int]:
        """The users that have recorded notifications."""
        return frozenset(each.user for each in self._baseline.notifications)

    @property
    def received(self) -> set[int]:
        """The recorded notifications that were received again, by place."""
        return self._expected.received

    def is_open(self, user: int) -> bool:
        """Whether a user listens, or needs not."""
        return user in self._listeners or user not in self.users

    def take(self, response: Response, *, user: int, ids_only: bool = False) -> list[Counterpart]:
        """Match the notifications in a CometD response; return what they show as `LiveValues.learn` does."""
        found: list[Counterpart] = []
        before = len(self.received)
        for message in bayeux_text.messages_in(response.body) or ():
            if message.is_notification:
                data = message.fields["data"]
                self._count += 1
                live = Notification(channel=message.channel, data=data, seen=0.0, user=user)
                found.extend(self._expected.receive(live, ids_only=ids_only))
        if len(self.received) > before:
            self._late = 0
        return found

    def give_up(self, numbers: Iterable[int]) -> set[int]:
        """Do not wait for those of these notifications that were not received; return them."""
        missing = set(self._expected.missing(numbers))
        self._given_up |= missing
        return missing

    def about(self, numbers: Iterable[int], ids: Iterable[str]) -> list[int]:
        """Return which of these notifications are about a resource with one of these recorded ids."""
        return self._expected.about(numbers, set(ids))

    async def open(
        self, user: int, client: LiveClient, recording: LiveRecording, show_progress: Callable[[], None]
    ) -> None:
        """Subscribe a user to the channels of its recorded notifications; return when it is subscribed."""

        def receive(response: Response) -> None:
            recording.adopt(self.take(response, user=user))
            self._changed.set()
            show_progress()

        path = cometd_path(self._baseline)
        channels = dict.fromkeys(each.channel for each in self._baseline.notifications if each.user == user)
        listener = Listener(client, recording, path, channels, user=user, receive=receive, changed=self._changed.set)
        self._listeners[user] = listener
        if not await self._until(lambda: listener.ready, self._patience):
            raise GwsReplayError(f"{client.origin}{path} did not accept the subscription in {self._patience:g} seconds")

    async def wait_for(self, numbers: Iterable[int]) -> None:
        """Wait until these notifications are received. Raises GwsReplayError if the server ends a subscription."""
        wanted = [each for each in numbers if each not in self._given_up]
        if not self._listeners or not self._expected.missing(wanted):
            return
        patience = self._patience if self._late < _MOST_LATE else 0.0
        await self._until(lambda: not self._expected.missing(wanted), patience)
        self._late += len(self.give_up(wanted))

    async def calm(self) -> bool:
        """Wait until no more notifications arrive, for `patience` seconds at most; tell whether that was reached."""
        end = time.monotonic() + self._patience
        while self._listeners:
            before = self._count
            if not await self._until(lambda before=before: self._count > before, _CALM):  # type: ignore[misc]
                break
            if time.monotonic() > end:
                return False
        return True

    async def close(self) -> None:
        """Stop listening."""
        for listener in self._listeners.values():
            await listener.close()

    async def _until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not is_so():
            for listener in self._listeners.values():
                listener.check()
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), end - time.monotonic())
            except TimeoutError:
                return is_so()
        return True
