"""Edge: who responds to the requests of this process, and what happens to a request that is sent after its run.

The patches of each HTTP library (see `libraries`) pass requests to `INTERCEPTOR`, which finds the run of the running
thread or task.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakSet

from gws_replay.core.bayeux import over_http
from gws_replay.core.bayeux.messages import reply
from gws_replay.core.content_coding import decoded, unpacked
from gws_replay.core.model import Exchange, Request, Response
from gws_replay.core.replay.rehost import bare
from gws_replay.errors import GwsReplayError, ReplayMiss
from gws_replay.interception.context_scope import EndOfThread, InForce, threads_are_left
from gws_replay.interception.libraries import PATCHES
from gws_replay.interception.network_guard import Allowed, allows, closed_network, has_own_servers, is_own_server
from gws_replay.interception.network_guard import kept_ready as guard_kept_ready
from gws_replay.playback.living_clients import LivingClients
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.playback.run import Run

# How long a poll is held between two runs, and how long any other request is, in seconds.
_LONGEST_POLL = 30.0
_LONGEST_WAIT = 5.0


class Decision(NamedTuple):
    """What becomes of a request: its response, or None if it goes live; `began` is when it was sent."""

    request: Request
    response: Response | None
    began: float
    is_observed: bool = True


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Interception:
    """A run in force, and who hears what was sent after its end; `is_over` once the session has ended."""

    run: Run
    left_behind: Callable[[str], object]
    is_over: bool = False


def _ignore(_: str) -> None:
    """Ignore a report."""


@contextmanager
def intercepted(run: Run, left_behind: Callable[[str], object] = _ignore) -> Iterator[None]:
    """Let a run respond to the code that runs in this context, and to whatever that starts.

    Code that goes on afterwards is held until the next run comes, or refused; `left_behind` gets what it sent.
    """
    interception = _Interception(run, left_behind)
    _interceptions.add(interception)
    with _IN_FORCE.enter(interception):
        yield


@contextmanager
def replaying(
    run: ReplayRun,
    allowed_hosts: Collection[str] = (),
    *,
    recorded: Collection[str] | None = None,
    left_behind: Callable[[str], object] = _ignore,
) -> Iterator[None]:
    """Let a replay respond to requests, with the network closed beneath it.

    Several replays may be in force at once, each in its own threads and tasks. Requests to allowed hosts go live. With
    `recorded` (each HOST:PORT of the recording), this machine may be reached, apart from these.
    """
    run.allowed_hosts = frozenset(allowed_hosts)
    try:
        with closed_network(run.refuse, Allowed.of(allowed_hosts, recorded)), intercepted(run, left_behind):
            run.open()
            CLIENTS.begin(run)
            try:
                yield
            finally:
                CLIENTS.end(run)
                run.close()
    finally:
        if (outer := _IN_FORCE.current()) is not None and not outer.run.is_recording:
            CLIENTS.begin(outer.run)


@contextmanager
def kept_ready() -> Iterator[None]:
    """Keep all patches installed while the block lasts, with or without a run; at its end nothing is held any more.

    If a thread that was started under a run is left, they stay for good: it must not reach a network.
    """
    with ExitStack() as patches:
        patches.enter_context(_IN_FORCE.installed())
        patches.enter_context(guard_kept_ready())
        try:
            yield
        finally:
            for each in tuple(_interceptions):
                each.is_over = True
            _IN_FORCE.end_waiting()
            if threads_are_left():
                _for_good.append(patches.pop_all())


class Interceptor:
    """What the patches of all libraries call."""

    @property
    def concerns_here(self) -> bool:
        """Whether the running code belongs to a run; a request of other code is left alone."""
        return _IN_FORCE.concerns_here

    @property
    def replays_here(self) -> bool:
        """Whether the running code belongs to a replay: asking twice about what goes live does no harm there."""
        current = _IN_FORCE.current() or _IN_FORCE.ended_here
        return current is not None and not current.run.is_recording

    def decide(self, request: Request) -> Decision:
        """Decide on a request of this thread. Raises ReplayMiss."""
        began = time.monotonic()
        while True:  # once more if the run ended meanwhile: the request waits for the next one then
            if (late := _IN_FORCE.ended_here) is not None:
                if late.is_over:
                    raise _session_ended()
                if late.run.is_recording:
                    return Decision(request, None, began)
                poll = _late_poll(late, request)
                if not _is_next_here(poll.seconds):
                    return Decision(request, poll.response(late), began)
            if _is_ours(request):
                return Decision(request, None, began, is_observed=False)
            if (run := _run()) is not None:
                return Decision(request, CLIENTS.respond(run, request), began)

    async def decide_async(self, request: Request) -> Decision:
        """Decide on a request of this task. Raises ReplayMiss."""
        began = time.monotonic()
        while True:
            if (late := _IN_FORCE.ended_here) is not None:
                if late.is_over:
                    raise _session_ended()
                if late.run.is_recording:
                    return Decision(request, None, began)
                poll = _late_poll(late, request)
                if not await _is_next_here_async(poll.seconds):
                    return Decision(request, poll.response(late), began)
            if _is_ours(request):
                return Decision(request, None, began, is_observed=False)
            if (run := _run()) is not None:
                return Decision(request, await CLIENTS.respond_async(run, request), began)

    def take(self, decision: Decision, response: Response) -> None:
        """Give an exchange that went live to the run that is in force by now."""
        current = _IN_FORCE.current()
        if current is None or not decision.is_observed:
            return
        # Unpacked here, for all libraries: what is packed could not be redacted.
        headers, body = decoded(unpacked(response.headers, response.body), response.body)
        response = replace(response, headers=headers, body=body)
        ended = time.monotonic()
        current.run.take(Exchange(request=decision.request, response=response, began=decision.began, ended=ended))

    def refuse_unrecorded(self, host: str, what: str) -> None:
        """Raise GwsReplayError if something that cannot be recorded goes to a host that is recorded.

        A replay needs no such refusal: it reaches no network anyway.
        """
        current = _IN_FORCE.current()
        if current is not None and current.run.is_recording and host not in current.run.allowed_hosts:
            raise GwsReplayError(
                f"{what} to {host} cannot be recorded inside the test process: use a synchronous client, httpx or "
                "aiohttp, or the fixture gws_server with --gws-upstream"
            )

    def websocket(self, url: str) -> None:
        """Take note of a WebSocket; raises what the run has against it."""
        if (late := _IN_FORCE.ended_here) is None and not is_own_server(*_place(url)):
            if (run := _run()) is not None:
                run.websocket(url)
            else:
                self.websocket(url)  # the run ended meanwhile
        elif late is not None and not late.run.is_recording:
            raise _refused(late, f"a WebSocket to {bare(url)}")


INTERCEPTOR = Interceptor()
CLIENTS = LivingClients()
_for_good: list[ExitStack] = []
_interceptions: "WeakSet[_Interception]" = WeakSet()
_IN_FORCE: InForce[_Interception] = InForce("gws_replay_run", PATCHES)


def _run() -> Run | None:
    """Return the run of the running thread or task; None if that has just ended. Raises ReplayMiss for foreign code."""
    if current := _IN_FORCE.current():
        return current.run
    runs = [each.run for each in _IN_FORCE.all]
    if not runs:
        if _IN_FORCE.was_entered_here:
            return None
        raise ReplayMiss("the replay ended while another thread sent a request: wait for it before the test ends")
    names = " and ".join(run.name for run in runs)
    missed = f"{names} are replayed at once, and this thread belongs to neither: start it in the test that it serves"
    for run in runs:
        run.add_fault(missed)
    raise ReplayMiss(missed)


def _is_ours(request: Request) -> bool:
    """Whether a request goes to a server that the test itself has started."""
    if not has_own_servers():
        return False
    current = _IN_FORCE.current()
    if current is None or current.run.is_recording:
        return False
    place = _place(request.uri)
    return is_own_server(*place) and allows(*place)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme in ("https", "wss") else 80)


class _Late(NamedTuple):
    """A request that was sent while no run was in force: how long it may wait for one, and the response then."""

    request: Request
    seconds: float
    connect: Any = None

    def response(self, late: _Interception) -> Response:
        """Return what a server with nothing to push returns to a poll. Raises ReplayMiss for any other request."""
        if self.connect is None:
            raise _refused(late, f"{self.request.method} {self.request.path}")
        return over_http.response(self.connect, [reply(self.connect.messages[0])])


def _late_poll(late: _Interception, request: Request) -> _Late:
    late.left_behind(f"{request.method} {request.path}")
    try:
        carried = over_http.carried(request)
    except ValueError:
        carried = None
    if carried is None or not carried.polls or len(carried.messages) > 1:
        return _Late(request, _LONGEST_WAIT)
    advice = carried.messages[0].get("advice")
    timeout = advice.get("timeout") if isinstance(advice, dict) else None
    seconds = timeout / 1000 if isinstance(timeout, int | float) and timeout >= 0 else _LONGEST_POLL
    return _Late(request, min(seconds, _LONGEST_POLL), carried)


def _refused(late: _Interception, what: str) -> ReplayMiss:
    return ReplayMiss(
        f"{what} was stopped: it belongs to {late.run.name}, whose replay has ended. Stop the client at the end of its "
        "test, or start it in a fixture of a wider scope"
    )


def _is_next_here(seconds: float) -> bool:
    """Wait for the next run."""
    future = _IN_FORCE.next_one()
    try:
        future.result(seconds)
    except FutureTimeout:
        future.cancel()
    except CancelledError:
        raise _session_ended() from None
    return future.done() and not future.cancelled()


async def _is_next_here_async(seconds: float) -> bool:
    future: Future[None] = _IN_FORCE.next_one()
    waiting: Awaitable[None] = asyncio.wrap_future(future)
    try:
        async with asyncio.timeout(seconds):  # Python 3.11's wait_for swallows a cancellation if the run comes with it
            await waiting
    except TimeoutError:
        future.cancel()
    return future.done() and not future.cancelled()


def _session_ended() -> BaseException:
    """Return what ends a thread that outlives all runs."""
    if threading.current_thread() is threading.main_thread():
        return ReplayMiss("no replay is in force any more")
    return EndOfThread("all replays have ended")


def text_of(value: Any) -> str:
    """Return the name or value of a header field as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def bytes_of(body: Any) -> bytes:
    """Return a body as bytes; it may be bytes, text, a file, chunks, or None for an empty one."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if hasattr(body, "read"):
        return bytes_of(body.read())
    return b"".join(chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in body)
