"""Edge: one run of some cassettes as a test sees it; what `gws` is. Safe to use from several threads and tasks."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

from gws_replay.core.bayeux import over_http as bayeux_http
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Request, Response
from gws_replay.core.oracle.expectation import Expectation
from gws_replay.core.oracle.history import Snapshot
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.pace import Timing, factor_of
from gws_replay.core.replay.rehost import bare
from gws_replay.core.replay.run import Miss
from gws_replay.errors import ReplayMiss
from gws_replay.playback.expectation import ExpectationBlock
from gws_replay.playback.held_polls import FOREVER
from gws_replay.playback.sessions import Sessions
from gws_replay.playback.unplayed import unplayed_of

# How long a poll is held for a client that polls where it asks: nobody else can bring about what it waits for.
_OWN_PATIENCE = 1.0


class ReplayRun:
    """Cassettes that are being played (at `url`, if by a server): what was missed and is left, the userData so far.

    `timing` is the pace of the notifications, `timeout` how long a CometD connect is held, in seconds; `patience` how
    long `expect_userdata` waits for a client that runs in another thread or task.
    """

    def __init__(
        self,
        *cassettes: Cassette | CassetteIndex,
        timing: Timing = "instant",
        timeout: float = 30.0,
        max_silence: float = 60.0,
        patience: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        indexes = [each if isinstance(each, CassetteIndex) else CassetteIndex(each) for each in cassettes]
        self.cassettes = tuple(cassette_index.cassette for cassette_index in indexes)
        self.url = ""
        self.blocked: list[str] = []
        self.faults: list[str] = []
        self.live = 0  # exchanges that were recorded
        self.allowed_hosts: frozenset[str] = frozenset()  # requests to them are none of ours
        self.sessions = Sessions(
            indexes, factor=factor_of(timing), timeout=timeout, max_silence=max_silence, clock=clock
        )
        # What a client can do that was stopped.
        self.advice = "; a client that vcrpy does not catch, over WebSocket for instance, needs the fixture gws_server"
        self._patience = patience
        self._older_threads = _threads()
        self._asking_threads: set[int] = set()
        self._polling_threads: set[int] = set()
        self._asking_tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._polling_tasks: WeakSet[asyncio.Task[Any]] = WeakSet()

    @property
    def cassette(self) -> Cassette:
        """The cassette; the first where there are several."""
        return self.cassettes[0]

    @property
    def name(self) -> str:
        """What messages call the cassettes."""
        return ", ".join(cassette.source for cassette in self.cassettes)

    @property
    def misses(self) -> tuple[Miss, ...]:
        """The requests that the cassettes did not answer."""
        return tuple(miss for user in self.sessions.users for miss in tuple(user.session.misses))

    @property
    def unplayed(self) -> tuple[str, ...]:
        """What was recorded and no user has asked, and the notifications that therefore were not released."""
        left = unplayed_of(self.sessions)
        several = len(self.cassettes) > 1
        return tuple(f"{each.cassette}, {each}" if several else str(each) for each in left)

    @property
    def over(self) -> bool:
        """Whether everything has been played, so that nothing more can be shown."""
        return not unplayed_of(self.sessions)

    @property
    def others_may_ask(self) -> bool:
        """Whether a client may run elsewhere: in a thread that was started meanwhile, or that has asked before."""
        threads = _threads()
        ours = (threads - self._older_threads) | (threads & (self._asking_threads | self._polling_threads))
        return bool(ours - {threading.get_ident()})

    def userdata(self, resource_id: str) -> tuple[Snapshot, ...]:
        """Return the history of a resource's userData in this run: a snapshot for each message that showed it.

        A notification counts from the moment when the operation that caused it was asked. Where several users have
        seen the resource, it is the first user's history.
        """
        for user in self.sessions.users:
            with user.polls.lock:
                snapshots = [s for replay in user.session.replays for s in replay.snapshots]
            if found := tuple(snapshot for snapshot in snapshots if snapshot.resource_id == resource_id):
                return found
        return ()

    def expect_userdata(
        self,
        resource_id: str,
        *,
        changed: Mapping[str, Any] | None = None,
        added: Mapping[str, Any] | Iterable[str] = (),
        removed: Iterable[str] = (),
        ignore: Iterable[str] = (),
        timeout: float | None = None,
    ) -> ExpectationBlock:
        """Expect that the block (`with` or `async with`) changes exactly this in the resource's userData.

        `changed` maps keys to the values they must have changed to; `added` names (or maps to values) new keys,
        `removed` those that go; keys that match a pattern of `ignore` do not count. What is to be shown is waited for,
        `timeout` seconds at the most. Raises UserDataMismatch where it is not exactly so, also where the recording
        shows no userData before or after.
        """
        added = self._shown_as(added) if isinstance(added, Mapping) else added
        expectation = Expectation.of(self._shown_as(changed or {}), added, removed, ignore)
        return ExpectationBlock(self, resource_id, expectation, self._patience if timeout is None else timeout)

    def ask(self, request: Request) -> Response | None:
        """Answer a request of this thread, CometD too: a connect that has nothing to say blocks.

        None for a request to an allowed host. Raises ReplayMiss, which names the nearest recorded request.
        """
        if self._is_allowed(request):
            return None
        thread = threading.get_ident()
        user = self.sessions.user(request.headers)
        carried = self._carried(request)
        if isinstance(carried, Response):
            return carried
        if carried is not None:
            if carried.polls:
                self._polling_threads.add(thread)
            patience = _OWN_PATIENCE if thread in self._asking_threads else FOREVER
            polls = self.sessions.user_of_clients(carried.messages, user).polls
            return bayeux_http.response(carried, polls.receive(carried.messages, patience).messages)
        self._asking_threads.add(thread)
        send = self.sessions.begin(user, request)
        if isinstance(send, Miss):
            raise ReplayMiss(str(send))
        self.sessions.wait(user, send, led=thread not in self._polling_threads)
        self.sessions.finish(user, send)
        return send.response

    async def ask_async(self, request: Request) -> Response | None:
        """Answer a request of this task; a connect that has nothing to say awaits. Otherwise as `ask`."""
        if self._is_allowed(request):
            return None
        task = asyncio.current_task()
        user = self.sessions.user(request.headers)
        carried = self._carried(request)
        if isinstance(carried, Response):
            return carried
        if carried is not None:
            if task and carried.polls:
                self._polling_tasks.add(task)
            patience = _OWN_PATIENCE if task in self._asking_tasks else FOREVER
            polls = self.sessions.user_of_clients(carried.messages, user).polls
            return bayeux_http.response(carried, (await polls.receive_async(carried.messages, patience)).messages)
        if task:
            self._asking_tasks.add(task)
        send = self.sessions.begin(user, request)
        if isinstance(send, Miss):
            raise ReplayMiss(str(send))
        await self.sessions.wait_async(user, send, led=task not in self._polling_tasks)
        self.sessions.finish(user, send)
        return send.response

    def take(self, exchange: Exchange) -> None:
        """Take note of an exchange with an allowed host: it is none of ours."""

    def websocket(self, url: str) -> None:
        """Refuse a WebSocket that is opened inside the process: nothing could answer it."""
        if urlsplit(url).hostname in self.allowed_hosts:
            return
        what = f"a WebSocket to {bare(url)}"
        self.blocked.append(what)
        raise ReplayMiss(
            f"{what} cannot be replayed inside the test process: use the fixture gws_server instead of gws, "
            "and connect to its .url"
        )

    def refuse(self, what: str) -> str:
        """Remember an attempt to reach the network, and say that it is not made."""
        self.blocked.append(what)
        return f"{what} was stopped: nothing reaches a network while {self.name} is replayed{self.advice}"

    def problems(self, *, allow_unplayed: bool = False) -> str:
        """Say what must fail the test though the client may have swallowed it; empty when there is nothing."""
        found = [
            *map(str, self.misses),
            *(f"{what} was stopped: replay reaches no network" for what in self.blocked),
            *self.faults,
        ]
        if not allow_unplayed and (left := self.unplayed):
            found.append("\n".join([f"{self.name} was not played to its end:", *(f"  {x}" for x in left)]))
        return "\n".join(found)

    def rewind(self) -> None:
        """Begin the cassettes again, for all users; their CometD clients stay."""
        self.blocked.clear()
        self.faults.clear()
        self.sessions.rewind()

    def left(self, *, allow_unplayed: bool = False) -> str:
        """Say what must fail the test at its very end: its problems, and that nothing was asked at all."""
        silent = (
            "" if self.sessions.was_asked else f"no recorded request was made: nothing asked {self.name} for anything"
        )
        return "\n".join(filter(None, [silent, self.problems(allow_unplayed=allow_unplayed)]))

    def finish(self, *, passed: bool) -> str:  # noqa: ARG002 (a recording asks)
        """Do what is to be done after the test, and say it: nothing for a replay."""
        return ""

    def close(self) -> None:
        """Answer all held connects, and hold no more."""
        self.sessions.close()

    def _shown_as(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the values of userData that a test speaks of as this run shows them."""
        return values

    def _is_allowed(self, request: Request) -> bool:
        return bool(self.allowed_hosts) and urlsplit(request.uri).hostname in self.allowed_hosts

    @staticmethod
    def _carried(request: Request) -> bayeux_http.Carried | Response | None:
        try:
            return bayeux_http.carried(request)
        except ValueError as error:
            return bayeux_http.refused(error)


def _threads() -> set[int]:
    return {thread.ident for thread in threading.enumerate() if thread.ident is not None}
