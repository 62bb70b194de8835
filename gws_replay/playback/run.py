"""Edge: a test's run of its cassettes, as the plugin and the reports see it: a replay or a recording."""

from collections.abc import Sequence
from typing import Protocol

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Request, Response
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.miss import Miss
from gws_replay.playback.expectation import Watched
from gws_replay.playback.sent_requests import SentRequest
from gws_replay.playback.sessions import LiveUser

# How many faults a server keeps that runs for days.
MOST_FAULTS = 500


class Run(Watched, Protocol):
    """A run. `url` is where its server listens (empty in the process itself), `live` counts recorded exchanges.

    `blocked` are attempts to reach the network that were stopped, `faults` are failures of our own, and requests to
    `allowed_hosts` are left alone. All faults are counted; of many only the newest are kept. `missing` says that there
    is no cassette.
    """

    url: str
    live: int
    blocked: list[str]
    faults: list[str]
    fault_count: int = 0
    missing: str = ""
    allowed_hosts: frozenset[str]

    @property
    def is_recording(self) -> bool:
        """Whether the run writes its cassette."""

    @property
    def cassettes(self) -> Sequence[Cassette]:
        """The cassettes that are replayed, in the order in which they are looked through."""

    @property
    def indexes(self) -> Sequence[CassetteIndex]:
        """The same, as they were prepared for replay."""

    @property
    def users(self) -> Sequence[LiveUser]:
        """The live users that have sent something; one that has not if nobody has."""

    @property
    def requests(self) -> Sequence[SentRequest]:
        """The REST requests that the client has sent, in order, with live values."""

    @property
    def misses(self) -> Sequence[Miss]:
        """The requests that had no recorded response."""

    @property
    def undelivered(self) -> Sequence[str]:
        """The notifications that were released and reached nobody, each with the reason."""

    def add_fault(self, text: str) -> None:
        """Keep a failure of our own: it fails the test."""
        self.fault_count += 1
        self.faults.append(text)
        del self.faults[:-MOST_FAULTS]

    def respond(self, request: Request) -> Response | None:
        """Return the response to a request of this thread; None if the request has to go live."""

    async def respond_async(self, request: Request) -> Response | None:
        """Return the response to a request of this task; None if the request has to go live."""

    def take(self, exchange: Exchange) -> None:
        """Take an exchange that went live."""

    def websocket(self, url: str) -> None:
        """Take note that a WebSocket is about to be opened in this process. Raises if that cannot be played."""

    def problems(self, *, allow_unplayed: bool = False) -> str:
        """Return what must fail the test though its client may have swallowed it; empty if there is nothing."""

    def left(self, *, allow_unplayed: bool = False) -> str:
        """Return what must fail the test at its very end: its problems, and that nothing was sent at all."""

    def finish(self, *, passed: bool) -> str:
        """Do what is to be done after the test, and return a sentence about it; empty if there is nothing."""

    def close(self) -> None:
        """Answer all held connects, and hold no more."""
