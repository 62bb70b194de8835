"""The exploration of some cassettes: which variants run, what they showed, and what their failures have in common.

Pure: the caller runs a variant and says how it ended. So it is the same for a test and for a command.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from gws_replay.core.explore.choice import chosen
from gws_replay.core.explore.coverage import Coverage, Trace
from gws_replay.core.explore.deviation import Deviation, Variant
from gws_replay.core.explore.shrink import smallest
from gws_replay.core.explore.space import Space

_T = TypeVar("_T")
# After so many more failures for one reason, no further variants with that reason are tried.
_ALIKE = 2


class Ended(NamedTuple, Generic[_T]):
    """How a run of a variant ended, what the clients saw, and what the caller keeps of it."""

    failed: bool
    trace: Trace
    result: _T


@dataclass(frozen=True, slots=True)
class Finding(Generic[_T]):
    """A variant that failed, reduced as far as it goes, with the result of its last failing run.

    `is_flaky` says that it also passed; `same` are other variants that failed for the same reason, as far as one can
    tell. `after` is how many variants had been run when it was found.
    """

    variant: Variant
    sentence: str
    result: _T
    is_flaky: bool
    after: int
    same: list[Variant] = field(default_factory=list)


class Exploration(Generic[_T]):
    """Runs variants of a space, with `run(variant)`, until `count` are tried or `is_over` says so.

    `draw` returns numbers from 0 to 1: which variants of a large space are tried depends on nothing else.

    `ran` counts the variants; runs to confirm and to shrink a failure are not counted (`extra`). `is_complete` says
    that there are no more variants, `stopped` that the time was over.
    """

    def __init__(
        self,
        space: Space,
        run: Callable[[Variant], Ended[_T]],
        *,
        draw: Callable[[], float],
        count: int = 50,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self.space = space
        self.coverage = Coverage(space.orders)
        self.findings: list[Finding[_T]] = []
        self.ran = 0
        self.extra = 0
        self.stopped = False
        self.is_complete = False
        self._run = run
        self._count = count
        self._draw = draw
        self._is_over = is_over
        self._known: list[frozenset[Deviation]] = []

    def variants(self) -> Iterator[Variant]:
        """Yield the variants that are tried, in order; the same ones for the same numbers and recording."""
        found = chosen(self.space.choices, count=self._count, draw=self._draw, agree=self.space.agree)
        return (self.space.recorded.having(each) for each in found)

    def explore(self) -> Iterator[Variant]:
        """Run the variants; yield each when it has been run."""
        tried = 0
        for variant in self.variants():
            if self._is_over():
                self.stopped = True
                return
            tried += 1
            if self._is_known(variant):
                continue
            self.try_one(variant)
            yield variant
        self.is_complete = tried < self._count

    def try_one(self, variant: Variant) -> None:
        """Run one variant; a failure is confirmed and reduced."""
        self.ran += 1
        ended = self._once(variant)
        if ended.failed:
            self._failed(variant, ended, self.ran)

    def _is_known(self, variant: Variant) -> bool:
        """Tell whether a variant would fail for a reason that is known: some alike are enough."""
        reason = self.space.reason_of(variant.deviations)
        return any(known.issubset(variant.deviations) for known in self._known) or any(
            len(each.same) >= _ALIKE and self.space.reason_of(each.variant.deviations) <= reason
            for each in self.findings
            if not each.is_flaky
        )

    def _once(self, variant: Variant) -> Ended[_T]:
        ended = self._run(variant)
        self.coverage.add(ended.trace)
        return ended

    def _again(self, variant: Variant) -> Ended[_T]:
        self.extra += 1
        return self._once(variant)

    def _failed(self, variant: Variant, ended: Ended[_T], after: int) -> None:
        if not self._again(variant).failed:
            self._add(variant, ended, after, is_flaky=True)
            return
        last = [ended]

        def fails(deviations: Sequence[Deviation]) -> bool:
            smaller = self._again(self.space.recorded.having(deviations))
            if smaller.failed:
                last.append(smaller)
            return smaller.failed

        deviations = smallest(variant.deviations, fails)
        self._known.append(frozenset(deviations))
        self._add(self.space.recorded.having(deviations), last[-1], after, is_flaky=False)

    def _add(self, variant: Variant, ended: Ended[_T], after: int, *, is_flaky: bool) -> None:
        reason = self.space.reason_of(variant.deviations)
        for each in self.findings:
            if each.is_flaky == is_flaky and self.space.reason_of(each.variant.deviations) <= reason:
                each.same.append(variant)
                return
        sentence = self.space.sentence(variant.deviations)
        if is_flaky:
            sentence = f"is flaky: it fails and passes {sentence.removeprefix('fails ')}"
        self.findings.append(Finding(variant, sentence, ended.result, is_flaky, after))
