"""Edge: the notifications of a live system: subscribed to, matched with the recorded ones, and waited for."""

import asyncio
import time
from collections.abc import Callable, Iterable

from gws_replay.core.bayeux import recorded as bayeux_text
from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.counterparts import Counterpart
from gws_replay.core.drift.endpoints import comet_path
from gws_replay.core.drift.expected_pushes import Awaited
from gws_replay.core.drift.live_values import LiveValues
from gws_replay.core.model import Notification, Response
from gws_replay.drift.cometd_listener import Listener
from gws_replay.drift.http_client import Wire
from gws_replay.drift.recording import LiveRecording
from gws_replay.errors import GwsReplayError

_CALM = 0.5  # seconds without a notification after which no more are expected
_MOST_LATE = 3  # notifications after each other that did not come: then the next ones are not waited for


class Hearing:
    """What is heard in a run; each notification is waited for `patience` seconds at most, and once."""

    def __init__(self, baseline: Cassette, values: LiveValues, patience: float) -> None:
        self._baseline = baseline
        self._awaited = Awaited(baseline, values)
        self._patience = patience
        self._given_up: set[int] = set()
        self._late = 0
        self._news = asyncio.Event()
        self._listener: Listener | None = None

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    @property
    def heard(self) -> set[int]:
        """The recorded notifications that were heard again, by place."""
        return self._awaited.heard

    def take(self, response: Response, *, ids_only: bool = False) -> list[Counterpart]:
        """Take up the notifications of a CometD answer; return what they show as `LiveValues.learn` does."""
        found: list[Counterpart] = []
        before = len(self.heard)
        for message in bayeux_text.messages_in(response.body) or ():
            if message.is_notification:
                live = Notification(channel=message.channel, data=message.fields["data"], seen=0.0)
                found.extend(self._awaited.hear(live, ids_only=ids_only))
        if len(self.heard) > before:
            self._late = 0
        return found

    def give_up(self, told: Iterable[int]) -> set[int]:
        """Do not wait for notifications that were not heard; return them."""
        missing = set(self._awaited.missing(told))
        self._given_up |= missing
        return missing

    def about(self, told: Iterable[int], ids: Iterable[str]) -> list[int]:
        """Return which notifications are about a resource of these recorded ids."""
        return self._awaited.about(told, set(ids))

    async def open(self, wire: Wire, recording: LiveRecording, tell: Callable[[], None]) -> None:
        """Subscribe to what the cassette has notifications of; go on once they are heard."""

        def hear(response: Response) -> None:
            recording.adopt(self.take(response))
            self._news.set()
            tell()

        path = comet_path(self._baseline)
        channels = dict.fromkeys(told.channel for told in self._baseline.notifications)
        listener = Listener(wire, recording, path, channels, hear=hear, changed=self._news.set)
        self._listener = listener
        if not await self._until(lambda: listener.ready, self._patience):
            raise GwsReplayError(f"{wire.origin}{path} has not let us subscribe within {self._patience:g} seconds")

    async def wait_for(self, told: Iterable[int]) -> None:
        """Wait until notifications have been heard. Raises GwsReplayError when the server ends the listening."""
        wanted = [each for each in told if each not in self._given_up]
        if not self._listener or not self._awaited.missing(wanted):
            return
        patience = self._patience if self._late < _MOST_LATE else 0.0
        await self._until(lambda: not self._awaited.missing(wanted), patience)
        self._late += len(self.give_up(wanted))

    async def calm(self) -> None:
        """Wait until nothing more is heard."""
        while self._listener and await self._until(self._news.is_set, _CALM):
            self._news.clear()

    async def close(self) -> None:
        """Stop listening."""
        if self._listener:
            await self._listener.close()

    async def _until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not is_so():
            if self._listener:
                self._listener.check()
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), end - time.monotonic())
            except TimeoutError:
                return is_so()
        return True
