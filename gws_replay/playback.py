"""Edge: one run of a cassette as a test sees it; what `gws` is. Safe to use from several threads."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gws_replay.core import gws
from gws_replay.core.expect import Expectation
from gws_replay.core.model import Cassette, Request, Response
from gws_replay.core.redact import Redactor
from gws_replay.core.replay import Miss, Replay
from gws_replay.core.userdata import Snapshot
from gws_replay.errors import ReplayMiss, UserDataMismatch


class Playback:
    """A cassette that is being played: what was missed, what is left, and the userData shown so far."""

    def __init__(self, cassette: Cassette) -> None:
        self.cassette = cassette
        self.blocked: list[str] = []
        self._replay = Replay(cassette)
        self._redactor = Redactor()
        self._lock = threading.Lock()

    @property
    def misses(self) -> tuple[Miss, ...]:
        """The requests that the cassette did not answer."""
        with self._lock:
            return tuple(self._replay.misses)

    @property
    def unplayed(self) -> tuple[str, ...]:
        """What was recorded and has not been asked, and the notifications that therefore were not released."""
        with self._lock:
            return (*map(self._interaction, self._replay.unplayed), *map(self._notification, self._replay.unreleased))

    def userdata(self, resource_id: str) -> tuple[Snapshot, ...]:
        """Return the history of a resource's userData in this run: a snapshot for each message that showed it.

        A notification counts from the moment when the operation that caused it was asked.
        """
        with self._lock:
            return self._replay.userdata(resource_id)

    @contextmanager
    def expect_userdata(
        self,
        resource_id: str,
        *,
        changed: Mapping[str, Any] | None = None,
        added: Mapping[str, Any] | Iterable[str] = (),
        removed: Iterable[str] = (),
        ignore: Iterable[str] = (),
    ) -> Iterator[None]:
        """Expect that the block changes exactly this in the resource's userData, and nothing else.

        `changed` maps keys to the values they must have changed to; `added` names (or maps to values) new keys,
        `removed` those that go; keys that match a pattern of `ignore` do not count. Raises UserDataMismatch otherwise,
        also where the recording shows no userData before or after.
        """
        __tracebackhide__ = True
        expectation = Expectation.of(changed or {}, added, removed, ignore)
        shown = self.userdata(resource_id)
        if not shown:
            raise UserDataMismatch(
                f"cannot tell what changes: no userData of {resource_id} was shown before; "
                f"let the client GET /me/facebooksessions?fields=* first ({self.cassette.source})"
            )
        yield
        later = self.userdata(resource_id)[len(shown) :]
        if not later:
            raise UserDataMismatch(
                f"cannot tell what changed: nothing showed the userData of {resource_id} since {shown[-1].place}; "
                f"not asked for yet: {'; '.join(self.unplayed) or 'nothing'} ({self.cassette.source})"
            )
        before, after = shown[-1], later[-1]
        answers = "" if after.cause is None else f", which answers {self._interaction(after.cause)}"
        where = (
            f"  where:    {self.cassette.source}, {before.place} to {after.place}{answers}\n"
            f"  more:     gws-replay show {self.cassette.source}"
        )
        expectation.check(before.data, after.data, of=f" of {resource_id}", where=where)

    def ask(self, request: Request) -> Response:
        """Answer a request from the cassette. Raises ReplayMiss, which names the nearest recorded request."""
        with self._lock:
            outcome = self._replay.ask(self._redactor.request(request))
        if isinstance(outcome, Miss):
            raise ReplayMiss(str(outcome))
        return outcome.response

    def refuse(self, what: str) -> str:
        """Remember an attempt to reach the network, and say that it is not made."""
        with self._lock:
            self.blocked.append(what)
        return f"{what} was stopped: nothing reaches a network while {self.cassette.source} is replayed"

    def problems(self, *, allow_unplayed: bool = False) -> str:
        """Say what must fail the test though the client may have swallowed it; empty when there is nothing."""
        found = [*map(str, self.misses), *(f"{what} was stopped: replay reaches no network" for what in self.blocked)]
        if not allow_unplayed and (left := self.unplayed):
            found.append("\n".join([f"{self.cassette.source} was not played to its end:", *(f"  {x}" for x in left)]))
        return "\n".join(found)

    def _interaction(self, index: int) -> str:
        exchange = self.cassette.interactions[index]
        operation = gws.call_of(exchange.request, exchange.sent).operation
        what = f"{exchange.request.method} {exchange.request.path}{f' {operation}' if operation else ''}"
        return f"interaction {index}: {what}"

    def _notification(self, index: int) -> str:
        told = self.cassette.notifications[index]
        waits = f", caused by interaction {told.cause.interaction}" if told.cause else ""
        return f"notification {index} on {told.channel}{waits}"
