"""Edge: asks a live system a cassette's questions again, and records what it answers.

A question is asked when everything has come that had come before it in the recording: answers, and the notifications of
what was asked. So what overlapped overlaps again. Ids and stand-ins give way to the live values seen in their places.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.counterparts import Counterpart
from gws_replay.core.drift.endpoints import token_path
from gws_replay.core.drift.live_values import LiveValues
from gws_replay.core.drift.plan import Plan, Question, lacking
from gws_replay.core.model import Request, Response
from gws_replay.drift.http_client import Wire
from gws_replay.drift.notifications import Hearing
from gws_replay.drift.recording import LiveRecording
from gws_replay.errors import GwsReplayError
from gws_replay.settings.upstream import PASSWORD, TOKEN, USER


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast is asked: recorded pauses times `factor`, `rate` questions a second at most.

    A notification is waited for `patience` seconds at most.
    """

    factor: float
    rate: float | None
    patience: float


@dataclass(slots=True)
class Outcome:
    """What became of the questions, by place: `asked` and answered, or `left` out, and why.

    `wrote` tells that a writing one was sent, answered or not. `unheard` are the notifications that nobody can miss:
    nothing that was asked causes them, or nobody listened.
    """

    asked: set[int] = field(default_factory=set)
    left: dict[int, str] = field(default_factory=dict)
    unheard: set[int] = field(default_factory=set)
    wrote: bool = False


class Drift:
    """One run; `outcome` is right at any time. Must be made in a running event loop.

    `say` is told how many questions have been answered, and how many notifications heard.
    """

    def __init__(
        self,
        baseline: Cassette,
        todo: Plan,
        values: LiveValues,
        recording: LiveRecording,
        wire: Wire,
        *,
        pace: Pace,
        say: Callable[[int, int], None],
    ) -> None:
        self.outcome = Outcome()
        self._baseline = baseline
        self._todo = todo
        self._values = values
        self._recording = recording
        self._wire = wire
        self._pace = pace
        self._say = say
        self._hearing = Hearing(baseline, values, pace.patience)
        self._running: dict[int, asyncio.Task[None]] = {}
        self._refused: set[int] = set()
        self._token_path = token_path(baseline)
        self._next = 0.0

    async def run(self) -> None:
        """Ask everything that has not been asked. Raises GwsReplayError when the system cannot be asked."""
        self._take_up()
        try:
            for question in self._todo.questions:
                if question.index not in self.outcome.asked and question.index not in self.outcome.left:
                    await self._one(question)
            await self._over(self._running)
            await self._hearing.wait_for(self._expected())
            await self._hearing.calm()
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            await self._hearing.close()
        unsolicited = {n for n, told in enumerate(self._baseline.notifications) if told.cause is None}
        self.outcome.unheard |= unsolicited - self._hearing.heard

    def _take_up(self) -> None:
        """Take up what an interrupted run had seen. What writes and got no answer may have been done: it is left."""
        self._recording.adopt(self._values.given_for_stand_ins)
        earlier = self._recording.earlier
        moments = [(each.ended, index, each.response) for index, each in earlier.answered.items()]
        moments += [(each.ended, -1, each.response) for each in earlier.comet]
        for _, index, response in sorted(moments, key=lambda each: each[:2]):
            if index < 0:
                self._hearing.take(response, ids_only=True)
            else:
                self._learn(index, response, ids_only=True)
        for question in self._todo.questions:
            if question.index in earlier.unanswered and not question.reads:
                self.outcome.left[question.index] = "sent before the interruption, and not answered"
        self.outcome.unheard |= self._hearing.give_up(self._expected())

    async def _one(self, question: Question) -> None:
        began = question.exchange.began
        await self._over(n for n in self._running if self._baseline.interactions[n].ended <= began)
        # After a first GET, since that brings the session and its token; in front of whatever may cause a notification.
        is_time = self._running or self.outcome.asked or not question.reads
        if self._todo.hears and is_time and not self._hearing.is_open:
            await self._token()
            await self._hearing.open(self._wire, self._recording, self._tell)
        about = self._hearing.about(question.heard, self._values.needed(question.index))
        await self._hearing.wait_for([n for n in question.heard if n in about or self._is_expected(n)])
        if needed := self._values.needed(question.index):
            self.outcome.left[question.index] = lacking(needed[0])
            return
        await self._pause(question.pause * self._pace.factor)
        if not question.reads:
            await self._token()
        sent = asyncio.Event()
        task = self._running[question.index] = asyncio.create_task(self._ask(question, sent))
        task.add_done_callback(lambda _task: sent.set())
        await sent.wait()  # what overlaps reaches the server in the recorded order

    async def _ask(self, question: Question, sent: asyncio.Event) -> None:
        request = self._wire.dressed(self._values.request(question.index, self._wire.origin))
        id_ = str(question.index)
        self._recording.asked(id_, request)
        self.outcome.wrote |= not question.reads
        try:
            response = await self._wire.send(request, question.name, sent=sent.set)
        except GwsReplayError as error:
            self._recording.failed(id_, str(error))
            raise
        self._check(question, response)
        self._recording.adopt(self._learn(question.index, response))
        self._recording.answered(id_, response)
        self._tell()

    def _check(self, question: Question, response: Response) -> None:
        """Raise GwsReplayError for an answer that says nothing about the question."""
        asked, origin = question.name, self._wire.origin
        recorded = question.exchange.response.status
        is_expected = api.is_unauthenticated(recorded, question.exchange.response_json)
        if api.is_unauthenticated(response.status, lossless_json.loads_or_none(response.body)) and not is_expected:
            raise GwsReplayError(
                f"{origin} wants other credentials for {asked}: set {USER} and {PASSWORD}, or {TOKEN}, or write "
                "an entry of netrc"
            )
        if response.status >= 500 > recorded and not self.outcome.asked:
            raise GwsReplayError(
                f"{origin} is not in order: it answers {response.status} to {asked}, the first request"
            )

    def _learn(self, index: int, response: Response, *, ids_only: bool = False) -> Sequence[Counterpart]:
        self.outcome.asked.add(index)
        recorded = self._baseline.interactions[index]
        answer = lossless_json.loads_or_none(response.body)
        if api.succeeded(recorded.response.status, recorded.response_json) and not api.succeeded(
            response.status, answer
        ):
            self._refused.add(index)
        return self._values.learn(recorded.response_json, answer, ids_only=ids_only)

    async def _token(self) -> None:
        """Look for a CSRF token, once, where the questions have shown none."""
        if self._wire.has_token or not self._token_path:
            return
        path, self._token_path = self._token_path, None
        asked = Request(method="GET", uri=f"{self._wire.origin}{path}")
        await self._wire.send(self._wire.dressed(asked), f"GET {path}")

    def _expected(self) -> list[int]:
        return [n for n in range(len(self._baseline.notifications)) if self._is_expected(n)]

    def _is_expected(self, told: int) -> bool:
        """Tell whether what causes a notification has been asked, and not refused."""
        cause = self._baseline.notifications[told].cause
        if cause is None or cause.interaction in self._refused:
            return False
        return cause.interaction in self.outcome.asked or cause.interaction in self._running

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, self._next - time.monotonic()))
        if self._pace.rate:
            self._next = time.monotonic() + 1 / self._pace.rate

    async def _over(self, running: Iterable[int]) -> None:
        """Wait for answers. Raises what went wrong with one of them."""
        wanted = {each: self._running[each] for each in running}
        if wanted:
            await asyncio.wait(wanted.values(), return_when=asyncio.FIRST_EXCEPTION)
        for each, task in wanted.items():
            if task.done():
                del self._running[each]
                task.result()

    def _tell(self) -> None:
        self._say(len(self.outcome.asked), len(self._hearing.heard))
