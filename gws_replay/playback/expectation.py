"""Edge: the expectation of a block: exactly this changes in a resource's userData. What `expect_userdata` gives."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from gws_replay.core.cassette import Cassette
from gws_replay.errors import UserDataMismatch
from gws_replay.playback.unplayed import interaction_text

if TYPE_CHECKING:
    from gws_replay.core.oracle.expectation import Expectation
    from gws_replay.core.oracle.history import Snapshot
    from gws_replay.core.oracle.tolerance import Coerce


class Watched(Protocol):
    """A run whose userData a test watches.

    `patience` is how many seconds an expectation waits for a client that runs in another thread or task.
    """

    patience: float

    @property
    def name(self) -> str:
        """What messages call the run's cassettes."""

    @property
    def cassette(self) -> Cassette:
        """The cassette; the first if there are several."""

    @property
    def unplayed(self) -> tuple[str, ...]:
        """What was recorded and has not been played."""

    @property
    def over(self) -> bool:
        """Whether nothing more can be shown."""

    @property
    def others_may_send(self) -> bool:
        """Whether a client runs elsewhere, so that it can send something while this thread waits."""

    def userdata(self, resource_id: str) -> "tuple[Snapshot, ...]":
        """Return the history of a resource's userData: a snapshot for each message that showed it."""

    def wait_for_change(self, seconds: float, happened: Callable[[], bool]) -> bool:
        """Block until something that requests change has happened, for so many seconds at the most."""

    def give_way(self) -> None:
        """Show what only the recorded order holds back: nothing more is sent."""
        return

    def as_shown(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return userData that a test writes as this run shows it."""
        return values

    def expect_userdata(
        self,
        resource_id: str,
        *,
        changed: Mapping[str, Any] | None = None,
        added: Mapping[str, Any] | Iterable[str] = (),
        removed: Iterable[str] = (),
        ignore: Iterable[str] = (),
        coerce: "Coerce" = (),
        written: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> "ExpectationBlock":
        """Expect that the block (`with` or `async with`) changes exactly this in the resource's userData.

        `changed` maps keys to the values they must have changed to; `added` names (or maps to values) new keys,
        `removed` those that go; `written` keys must have these values, whether or not they were there before. Keys that
        match a pattern of `ignore` do not count; those that match one of `coerce` may be kept as strings (`"string"`:
        all keys). The end of the block waits `timeout` seconds at the most for what the client causes. Raises
        UserDataMismatch if anything differs, or if the recording shows no userData before or after.
        """
        from gws_replay.core.oracle.expectation import Expectation  # noqa: PLC0415  (few tests expect anything)

        added = self.as_shown(added) if isinstance(added, Mapping) else added
        shown = self.as_shown(changed or {}), self.as_shown(written or {})
        expectation = Expectation.of(shown[0], added, removed, ignore, coerce=coerce, written=shown[1])
        return ExpectationBlock(self, resource_id, expectation, self.patience if timeout is None else timeout)


class ExpectationBlock:
    """A context manager, for `with` and for `async with`.

    Its end waits, `patience` seconds at the most, until what was shown is as expected, or nothing is left that could
    be shown. `async with` awaits that, so that the tasks of the same event loop can bring it about; `with` waits
    only where another thread could.
    """

    def __init__(self, run: Watched, resource_id: str, expectation: "Expectation", patience: float) -> None:
        self._run = run
        self._resource_id = resource_id
        self._expectation = expectation
        self._patience = patience
        self._shown: Sequence[Snapshot] = ()

    def __enter__(self) -> None:
        __tracebackhide__ = True
        self._shown = self._run.userdata(self._resource_id)
        if not self._shown:
            raise UserDataMismatch(
                f"cannot tell what changes: no userData of {self._resource_id} was shown before; "
                f"let the client GET it first ({self._run.name})"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if kind is not None:
            return
        in_a_task = _in_a_task()
        if not in_a_task and self._run.others_may_send:
            self._run.wait_for_change(self._patience, self._settled)
        if not self._settled():
            self._run.give_way()
        self._check("; in a coroutine, use `async with`: it waits for its client" if in_a_task else "")

    async def __aenter__(self) -> None:
        __tracebackhide__ = True
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if kind is not None:
            return
        if not self._settled():
            await asyncio.to_thread(self._run.wait_for_change, self._patience, self._settled)
        self._check("")

    def _later(self) -> "Sequence[Snapshot]":
        return self._run.userdata(self._resource_id)[len(self._shown) :]

    def _settled(self) -> bool:
        later = self._later()
        return self._run.over or bool(later and self._expectation.holds(self._shown[-1].data, later[-1].data))

    def _check(self, advice: str) -> None:
        __tracebackhide__ = True
        run, before, later = self._run, self._shown[-1], self._later()
        if not later:
            raise UserDataMismatch(
                f"cannot tell what changed: nothing showed the userData of {self._resource_id} since {before.place}; "
                f"not sent yet: {'; '.join(run.unplayed) or 'nothing'} ({run.name}){advice}"
            )
        after = later[-1]
        answers = "" if after.cause is None else f", which answers {interaction_text(run.cassette, after.cause)}"
        where = (
            f"  where:    {run.name}, {before.place} to {after.place}{answers}\n"
            f"  more:     gws-replay show {run.cassette.source}"
        )
        self._expectation.check(before.data, after.data, of=f" of {self._resource_id}", where=where)


def _in_a_task() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
