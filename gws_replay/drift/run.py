"""Edge: sends a cassette's requests to a live system again, and records its responses.

A request is sent when everything has come that had come before it in the recording: responses, and the notifications of
what was sent. So what overlapped overlaps again. Ids and stand-ins are replaced by the live values seen in their
places. Each user of the cassette is a client of its own, with its own credentials, cookies and CometD subscription.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.counterparts import Counterpart
from gws_replay.core.drift.endpoints import token_path
from gws_replay.core.drift.live_values import LiveValues
from gws_replay.core.drift.plan import Plan, PlannedRequest, why_missing
from gws_replay.core.model import Request, Response
from gws_replay.drift.http_client import LiveClient
from gws_replay.drift.notifications import LiveNotifications
from gws_replay.drift.recording import LiveRecording
from gws_replay.errors import GwsReplayError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast requests are sent: recorded pauses times `factor`, at most `rate` requests a second.

    A notification is waited for `patience` seconds at most.
    """

    factor: float
    rate: float | None
    patience: float


@dataclass(slots=True)
class Outcome:
    """What became of the requests, by place: `answered`, or `left_out`, and why.

    `wrote` says that a writing one was sent, answered or not. `not_received` are notifications that do not count as
    missing: no request that was sent causes them, or nobody listened. `ended_calm` is false if notifications came
    without end.
    """

    answered: set[int] = field(default_factory=set)
    left_out: dict[int, str] = field(default_factory=dict)
    not_received: set[int] = field(default_factory=set)
    wrote: bool = False
    ended_calm: bool = True


class Drift:
    """One run; `outcome` is right at any time. Must be created in a running event loop.

    `clients` has the live client of each user. `show_progress` receives the numbers of responses and notifications.
    """

    def __init__(
        self,
        baseline: Cassette,
        plan: Plan,
        values: LiveValues,
        recording: LiveRecording,
        clients: Mapping[int, LiveClient],
        *,
        pace: Pace,
        show_progress: Callable[[int, int], None],
    ) -> None:
        self.outcome = Outcome()
        self._baseline = baseline
        self._plan = plan
        self._values = values
        self._recording = recording
        self._clients = clients
        self._pace = pace
        self._progress = show_progress
        self._notifications = LiveNotifications(baseline, values, pace.patience)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._refused: set[int] = set()
        self._token_path = token_path(baseline)
        self._without_token = set(clients)
        self._next = 0.0

    async def run(self) -> None:
        """Send everything that was not sent yet. Raises GwsReplayError if the system cannot be reached."""
        self._resume()
        try:
            for planned in self._plan.requests:
                if planned.index not in self.outcome.answered and planned.index not in self.outcome.left_out:
                    await self._start(planned)
            await self._ended(self._running)
            await self._notifications.wait_for(self._expected())
            self.outcome.ended_calm = await self._notifications.calm()
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            await self._notifications.close()
        unsolicited = {n for n, notification in enumerate(self._baseline.notifications) if notification.cause is None}
        self.outcome.not_received |= unsolicited - self._notifications.received

    def _resume(self) -> None:
        """Learn from an interrupted run. A writing request that got no response may have been done: it is left out."""
        self._recording.adopt(self._values.given_for_stand_ins)
        earlier = self._recording.earlier
        moments = [(each.ended, index, 0, each.response) for index, each in earlier.answered.items()]
        moments += [(each.ended, -1, user, each.response) for user, each in earlier.cometd]
        for _, index, user, response in sorted(moments, key=lambda each: each[:2]):
            if index < 0:
                self._notifications.take(response, user=user, ids_only=True)
            else:
                self._learn(index, response, ids_only=True)
        for planned in self._plan.requests:
            if planned.index in earlier.unanswered and not planned.reads:
                self.outcome.left_out[planned.index] = "it was sent before the interruption and got no response"
        self.outcome.not_received |= self._notifications.give_up(self._expected())

    async def _start(self, planned: PlannedRequest) -> None:
        """Send a request as soon as it may be sent; do not wait for its response."""
        began, user = planned.exchange.began, planned.exchange.user
        await self._ended(n for n in self._running if self._baseline.interactions[n].ended <= began)
        await self._listen(planned)
        about = self._notifications.about(planned.waits_for, self._values.needed(planned.index))
        await self._notifications.wait_for([n for n in planned.waits_for if n in about or self._is_expected(n)])
        if needed := self._values.needed(planned.index):
            self.outcome.left_out[planned.index] = why_missing(needed[0])
            return
        await self._pause(planned.pause * self._pace.factor)
        if not planned.reads:
            await self._token(user)
        sent = asyncio.Event()
        task = self._running[planned.index] = asyncio.create_task(self._send(planned, sent))
        task.add_done_callback(lambda _task: sent.set())
        await sent.wait()  # what overlaps reaches the server in the recorded order

    async def _listen(self, planned: PlannedRequest) -> None:
        """Subscribe the users: each after its first GET, which brings its session; all before anything is written."""
        if not self._plan.needs_cometd:
            return
        started = {self._baseline.interactions[n].user for n in (*self.outcome.answered, *self._running)}
        for user, client in self._clients.items():
            is_time = user in started or not planned.reads
            if is_time and not self._notifications.is_open(user):
                await self._token(user)
                await self._notifications.open(user, client, self._recording, self._show_progress)

    async def _send(self, planned: PlannedRequest, sent: asyncio.Event) -> None:
        client = self._clients[planned.exchange.user]
        request = client.with_live_headers(self._values.request(planned.index, client.origin))
        id_ = str(planned.index)
        self._recording.request(id_, request)
        self.outcome.wrote |= not planned.reads
        response = await client.send(request, planned.name, sent=sent.set)
        self._check(planned, client, response)
        self._recording.adopt(self._learn(planned.index, response))
        self._recording.response(id_, response)
        self._show_progress()

    def _check(self, planned: PlannedRequest, client: LiveClient, response: Response) -> None:
        """Raise GwsReplayError for a response that says nothing about the request."""
        recorded = planned.exchange.response.status
        is_expected = api.is_unauthenticated(recorded, planned.exchange.response_json)
        if api.is_unauthenticated(response.status, lossless_json.loads_or_none(response.body)) and not is_expected:
            raise GwsReplayError(f"{client.origin} refused {planned.name} ({response.status}): {client.how_to_log_in}")
        if response.status >= 500 > recorded and not self.outcome.answered:
            raise GwsReplayError(
                f"{client.origin} is not in order: it returned {response.status} to {planned.name}, the first request"
            )

    def _learn(self, index: int, response: Response, *, ids_only: bool = False) -> Sequence[Counterpart]:
        self.outcome.answered.add(index)
        recorded = self._baseline.interactions[index]
        received = lossless_json.loads_or_none(response.body)
        had_succeeded = api.succeeded(recorded.response.status, recorded.response_json)
        if had_succeeded and not api.succeeded(response.status, received):
            self._refused.add(index)
        return self._values.learn(recorded.response_json, received, ids_only=ids_only)

    async def _token(self, user: int) -> None:
        """Get a CSRF token for a user, once, if no response has shown one."""
        client = self._clients[user]
        if client.has_token or not self._token_path or user not in self._without_token:
            return
        self._without_token.remove(user)
        request = Request(method="GET", uri=f"{client.origin}{self._token_path}")
        await client.send(client.with_live_headers(request), f"GET {self._token_path}")

    def _expected(self) -> list[int]:
        return [n for n in range(len(self._baseline.notifications)) if self._is_expected(n)]

    def _is_expected(self, number: int) -> bool:
        """Tell whether the cause of a notification was sent, and not refused."""
        cause = self._baseline.notifications[number].cause
        if cause is None or cause.interaction in self._refused:
            return False
        return cause.interaction in self.outcome.answered or cause.interaction in self._running

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, self._next - time.monotonic()))
        if self._pace.rate:
            self._next = time.monotonic() + 1 / self._pace.rate

    async def _ended(self, running: Iterable[int]) -> None:
        """Wait for responses. Raises what went wrong with one of them."""
        wanted = {each: self._running[each] for each in running}
        if wanted:
            await asyncio.wait(wanted.values(), return_when=asyncio.FIRST_EXCEPTION)
        for each, task in wanted.items():
            if task.done():
                del self._running[each]
                task.result()

    def _show_progress(self) -> None:
        self._progress(len(self.outcome.answered), len(self._notifications.received))
