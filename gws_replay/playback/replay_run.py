"""Edge: one replay of some cassettes as a test sees it; what `gws` is. Safe to use from several threads and tasks."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakSet

from gws_replay.core.bayeux import over_http as bayeux_http
from gws_replay.core.bayeux.broken import BrokenConnectionError
from gws_replay.core.body_layout import as_sent
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Layout, Outcome, Request, Response
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.live_headers import Client, live_headers
from gws_replay.core.replay.miss import Miss
from gws_replay.core.replay.push_schedule import Timing, factor_of
from gws_replay.core.replay.rehost import bare
from gws_replay.core.replay.user_session import PATIENCE
from gws_replay.errors import ReplayMiss
from gws_replay.playback.held_polls import FOREVER
from gws_replay.playback.manner import AS_RECORDED, Manner
from gws_replay.playback.run import Run
from gws_replay.playback.sent_requests import SentRequest
from gws_replay.playback.sessions import LiveUser, Sessions
from gws_replay.playback.unplayed import out_of_order_text, undelivered_of, unplayed_of, waits_text
from gws_replay.playback.waiting import Steps, Waiter, in_task, in_thread

if TYPE_CHECKING:
    from gws_replay.core.oracle.history import Snapshot


class ReplayRun(Run):
    """Cassettes that are being replayed (at `url`, if by a server): what was missed and is left, the userData so far.

    `timing` is the pace of the notifications, `timeout` how long a CometD connect is held, in seconds; `patience` how
    long `expect_userdata` waits for a client that runs in another thread or task; `order_patience` how long a client
    must do nothing but wait before the recorded order gives way. If `apart`, other credentials are other users.
    `manner` is for runs that are not played as recorded.
    """

    def __init__(
        self,
        *cassettes: Cassette | CassetteIndex,
        timing: Timing = "instant",
        timeout: float = 30.0,
        max_silence: float = 60.0,
        patience: float = 5.0,
        order_patience: float = PATIENCE,
        apart: bool = False,
        clock: Callable[[], float] = time.monotonic,
        manner: Manner = AS_RECORDED,
    ) -> None:
        indexes = [each if isinstance(each, CassetteIndex) else CassetteIndex(each) for each in cassettes]
        self.url = ""
        self.live = 0
        self.blocked = []
        self.faults = []
        self.allowed_hosts = frozenset()
        self.patience = patience
        self.sessions = Sessions(
            indexes,
            factor=factor_of(timing),
            timeout=timeout,
            max_silence=max_silence,
            order_patience=order_patience,
            apart=apart,
            clock=clock,
            manner=manner,
        )
        # What a client can do that was stopped.
        self.advice = "; a client that is not caught in the process, over WebSocket for instance, needs gws_server"
        self._older_threads = set(threading.enumerate())
        # The threads and tasks that have sent a request, and those that have polled.
        self._senders: WeakSet[Any] = WeakSet()
        self._pollers: WeakSet[Any] = WeakSet()

    @property
    def is_recording(self) -> bool:
        """A replay writes nothing."""
        return False

    @property
    def indexes(self) -> tuple[CassetteIndex, ...]:
        """The cassettes as they were prepared for replay."""
        return self.sessions.indexes

    @property
    def cassettes(self) -> tuple[Cassette, ...]:
        """The cassettes, in the order in which they are looked through."""
        return tuple(index.cassette for index in self.indexes)

    @property
    def users(self) -> tuple[LiveUser, ...]:
        """The live users that have sent something; one that has not if nobody has."""
        return tuple(self.sessions.used())

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
        """The requests without a recorded response."""
        return tuple(miss for user in self.sessions.users for miss in tuple(user.session.misses))

    @property
    def requests(self) -> tuple[SentRequest, ...]:
        """The REST requests that the client has sent, in order, with live values."""
        return tuple(map(SentRequest, self.sessions.sent))

    @property
    def unplayed(self) -> tuple[str, ...]:
        """The recorded requests that no user has sent, and the notifications that therefore were not delivered."""
        left = unplayed_of(self.sessions)
        several = len(self.cassettes) > 1
        return tuple(f"{each.cassette}, {each}" if several else str(each) for each in left)

    @property
    def undelivered(self) -> tuple[str, ...]:
        """The notifications that were released and reached nobody, each with the reason."""
        return tuple(map(str, undelivered_of(self.sessions)))

    @property
    def waits(self) -> tuple[str, ...]:
        """What waits for what: a sentence for each notification that was not released yet."""
        return waits_text(self.sessions)

    @property
    def out_of_order(self) -> tuple[str, ...]:
        """What was delivered out of recorded order: a sentence for each notification."""
        return out_of_order_text(self.sessions)

    @property
    def over(self) -> bool:
        """Whether everything has been played, so that nothing more can be shown."""
        return not unplayed_of(self.sessions)

    @property
    def others_may_send(self) -> bool:
        """Whether a client may run elsewhere: in a thread that is new, or that has sent something before."""
        threads = set(threading.enumerate())
        ours = (threads - self._older_threads) | {*self._senders, *self._pollers} & threads
        return bool(ours - {threading.current_thread()})

    def userdata(self, resource_id: str) -> "tuple[Snapshot, ...]":
        """Return the history of a resource's userData in this run: a snapshot for each message that showed it.

        A notification counts from the moment when the operation that caused it was sent. If several users have seen
        the resource, it is the first user's history.
        """
        for user in self.sessions.users:
            with user.polls.lock:
                snapshots = [one for role in user.session.roles for one in role.progress.snapshots]
            if found := tuple(snapshot for snapshot in snapshots if snapshot.resource_id == resource_id):
                return found
        return ()

    def wait_for_change(self, seconds: float, happened: Callable[[], bool]) -> bool:
        """Block until something that requests change has happened, for so many seconds at the most."""
        until, settle = self.sessions.clock() + seconds, self.sessions.manner.settle
        while not self.sessions.changes.wait(min(settle, until - self.sessions.clock()), happened):
            if self.sessions.clock() >= until:
                return False
            self.sessions.give_way()
        return True

    def give_way(self) -> None:
        """Show what only the recorded order holds back: nothing more is sent."""
        self.sessions.give_way(at_once=True)

    def respond(self, request: Request) -> Response | None:
        """Return the response to a request of this thread, CometD too: a connect with nothing to receive blocks.

        None for a request to an allowed host. Raises ReplayMiss, which names the nearest recorded request; TimeoutError
        and ConnectionResetError for a request that got no response when it was recorded.
        """
        if self._is_allowed(request):
            return None
        begun = self._begun(request, threading.current_thread())
        return begun if isinstance(begun, Response) else in_thread(begun)

    async def respond_async(self, request: Request) -> Response | None:
        """Return the response to a request of this task; a connect with nothing to receive awaits."""
        if self._is_allowed(request):
            return None
        begun = self._begun(request, asyncio.current_task() or threading.current_thread())
        return begun if isinstance(begun, Response) else await in_task(begun)

    def _begun(self, request: Request, sender: object) -> Response | Callable[[Waiter], Steps[Response]]:
        """Return the response to a request, or the steps that wait for it."""
        if self.missing:
            raise ReplayMiss(self.missing)
        carried = self._carried(request)
        if isinstance(carried, Response):
            return carried
        if carried is not None:
            return partial(self._polled, request, carried, sender)
        self._senders.add(sender)
        user = self.sessions.user(request)
        send = self.sessions.begin(user, request)
        if isinstance(send, Miss):
            raise ReplayMiss(str(send))
        if send.after or send.led:
            return partial(self._waited_for, request, user, send, sender)
        self.sessions.finish(user, send)
        return self._received(request, user, send)

    def _polled(
        self, request: Request, carried: bayeux_http.BayeuxRequest, sender: object, waiter: Waiter
    ) -> Steps[Response]:
        if carried.polls:
            self._pollers.add(sender)
        patience = self.sessions.manner.own if sender in self._senders else FOREVER
        polls = self.sessions.user_of_clients(carried.messages, request.headers).polls
        try:
            answer = yield from polls.answer(carried.messages, waiter, patience)
        except BrokenConnectionError as broken:
            if broken.part < 1:
                raise
            answer = broken.replies
        return bayeux_http.response(carried, answer.messages)

    def _waited_for(
        self, request: Request, user: LiveUser, send: Send, sender: object, waiter: Waiter
    ) -> Steps[Response]:
        try:
            yield from self.sessions.until_sendable(user, send, waiter, led=sender not in self._pollers)
        finally:
            self.sessions.finish(user, send)
        return self._received(request, user, send)

    def _received(self, request: Request, user: LiveUser, send: Send) -> Response:
        """Return a response as the client receives it. Raises if there was none when it was recorded."""
        if send.outcome != "response":
            raise _no_response(request, send.outcome, self.sessions.manner.why)
        layout = self.indexes[send.cassette].interactions[send.interaction].layout
        return _live(send.response, layout, Client(request.uri, user.value_of))

    def take(self, exchange: Exchange) -> None:
        """Leave an exchange with an allowed host alone."""

    def websocket(self, url: str) -> None:
        """Refuse a WebSocket that is opened inside the process: it cannot be replayed there."""
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
        """Return what must fail the test though its client may have swallowed it; empty if there is nothing."""
        found = [
            *map(str, self.misses),
            *(f"{what} was stopped: replay reaches no network" for what in self.blocked),
            *self.faults,
        ]
        if not allow_unplayed and (left := self.unplayed):
            found.append("\n".join([f"{self.name} was not played to its end:", *(f"  {x}" for x in left)]))
        return "\n".join(found)

    def rewind(self) -> None:
        """Begin the cassettes again, for whoever comes then: clients from before have to shake hands again."""
        self.blocked.clear()
        self.faults.clear()
        self.fault_count = 0
        self.sessions.rewind()

    def left(self, *, allow_unplayed: bool = False) -> str:
        """Return what must fail the test at its very end: its problems, and that nothing was sent at all."""
        silent = (
            "" if self.sessions.has_begun else f"no recorded request was made: nothing asked {self.name} for anything"
        )
        return "\n".join(filter(None, [silent, self.problems(allow_unplayed=allow_unplayed)]))

    def finish(self, *, passed: bool) -> str:  # noqa: ARG002 (a recording needs it)
        """Do nothing: a replay has nothing to save."""
        return ""

    def open(self) -> None:
        """Hold connects again, after a `close`."""
        self.sessions.open()

    def close(self) -> None:
        """Answer all held connects, and hold no more."""
        self.sessions.close()

    def _is_allowed(self, request: Request) -> bool:
        return bool(self.allowed_hosts) and urlsplit(request.uri).hostname in self.allowed_hosts

    @staticmethod
    def _carried(request: Request) -> bayeux_http.BayeuxRequest | Response | None:
        try:
            return bayeux_http.carried(request)
        except ValueError as error:
            return bayeux_http.refused(error)


def _no_response(request: Request, outcome: Outcome, why: str) -> OSError:
    """Return the error of a request that gets no response, as a socket raises it."""
    what = f"{request.method} {request.path}"
    if outcome == "silence":
        return TimeoutError(f"{what} timed out: the server did not respond {why}")
    return ConnectionResetError(f"the connection broke during {what} {why}")


def _live(response: Response, layout: Layout, client: Client) -> Response:
    """Return a recorded response as a client receives it: in its old layout, with the client's cookies and tokens."""
    headers, body = live_headers(response.headers, client), as_sent(response.body, layout)
    if body is not response.body:
        headers = headers.replacing("content-length", str(len(body)))
    return response if headers is response.headers else replace(response, headers=headers, body=body)
