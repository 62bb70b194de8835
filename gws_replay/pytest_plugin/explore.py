"""Edge: runs each test of a recording with notifications again, under variants of the recorded order.

The fixtures of the test's own are made anew for each run; those of wider scope stay until the last one has ended. A
variant that fails is reduced, and becomes a test case of its own in every report.
"""

import copy
import signal
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, NamedTuple

import pytest
from _pytest.runner import runtestprotocol

from gws_replay.core.explore.coverage import Trace
from gws_replay.core.explore.deviation import Variant
from gws_replay.core.explore.exploration import Ended, Exploration, Finding
from gws_replay.core.explore.plan import Plan
from gws_replay.core.explore.space import Space, is_fault
from gws_replay.core.explore.words import order_of
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.errors import GwsReplayError
from gws_replay.playback.explored_run import drawing, explored_run, observed_run
from gws_replay.pytest_plugin.explore_option import Wish
from gws_replay.pytest_plugin.stash import ENDED_BADLY, MAKING, Making

Reports = Sequence[pytest.TestReport]


class _Shown(NamedTuple):
    """The reports of a run, and what its clients saw."""

    reports: Reports
    trace: Trace


# A variant may take so much longer than the recorded run, and so many seconds in any case.
_SLOWER, _LEAST = 20.0, 10.0
_MARKER = "gws_cassette"
_PHASES = ("setup", "call", "teardown")


@dataclass(slots=True)
class _Recorded:
    """The run as recorded, and what it was made of; no plan before it has begun, and for a recording."""

    is_variant: ClassVar[bool] = False
    indexes: Sequence[CassetteIndex] = ()
    plan: Plan | None = None
    seconds: float = 0.0

    def make(self, kind: Any, indexes: Sequence[CassetteIndex], **options: Any) -> Any:
        self.indexes = indexes
        run, self.plan = observed_run(kind, indexes, **options)
        return run


@dataclass(slots=True)
class _Explored:
    """A run of a variant."""

    is_variant: ClassVar[bool] = True
    space: Space
    variant: Variant
    recorded: Plan | None
    plan: Plan | None = None

    def make(self, kind: Any, indexes: Sequence[CassetteIndex], **options: Any) -> Any:  # noqa: ARG002
        run, self.plan = explored_run(kind, self.space, self.variant, **options)
        return run

    @property
    def fault(self) -> str:
        """The kind of the fault in the variant, empty for none."""
        return next((each.what for each in self.variant.deviations if is_fault(each)), "")

    @property
    def storm(self) -> str:
        """What is wrong with how many requests the client has sent; empty for nothing."""
        return self.plan.storm(self.recorded) if self.plan and self.recorded else ""


@dataclass(slots=True)
class Explorer:
    """The hooks; registered only if a collected test is to be explored."""

    wish: Wish
    _limit: float = field(default=0.0, init=False)
    _running: "_Explored | None" = field(default=None, init=False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run a test as recorded, and then its variants."""
        count = self._count(item)
        if not isinstance(item, pytest.Function) or not item.get_closest_marker(_MARKER):
            return None
        if not (count or self.wish.variant):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        recorded = _Recorded()
        *first, last = self._once(item, recorded)
        for report in first:
            item.ihook.pytest_runtest_logreport(report=report)
        recorded.seconds = sum(each.duration for each in (*first, last))
        vars(last)["gws_replay_explored"] = self._explored(item, recorded, (*first, last), count)
        del item.stash[MAKING]
        self._end(item, nextitem, last)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """End a variant that takes too long; under a fault, let the user's fixture say whether the client survived."""
        if not self._limit:
            return (yield)
        kind = self._running.fault if self._running else ""
        decide = item._request.getfixturevalue("gws_fault") if kind and isinstance(item, pytest.Function) else None  # noqa: SLF001
        with _limited(self._limit, item.nodeid):
            if decide is None:
                return (yield)
            # What the test asserts is about a server that works.
            with suppress(Exception, pytest.fail.Exception, pytest.skip.Exception):
                yield
        item.stash[ENDED_BADLY] = True  # what it has left has its reason in the fault
        if self._running and (storm := self._running.storm):
            pytest.fail(storm, pytrace=False)
        return decide(kind)

    def _count(self, item: pytest.Item) -> int:
        marks = item.iter_markers(_MARKER)
        own = next((each.kwargs["explore"] for each in marks if "explore" in each.kwargs), None)
        return self.wish.count or (own if type(own) is int and own > 0 else 0)

    def _once(self, item: pytest.Function, run: Making) -> Reports:
        """Run a test with fixtures of its own, and return its reports; wider fixtures stay."""
        item.stash[MAKING] = run
        del item._report_sections[:]  # noqa: SLF001  (of the run before)
        del item.user_properties[:]
        # The next test is another one of the same place: only what belongs to this run is torn down.
        return runtestprotocol(item, log=False, nextitem=copy.copy(item))

    def _end(self, item: pytest.Item, nextitem: pytest.Item | None, last: pytest.TestReport) -> None:
        """Tear down the fixtures of wider scope that the next test does not need, and log the end of the test."""
        state = item.session._setupstate  # noqa: SLF001  (the hook of the teardown may run once for each test only)
        call = pytest.CallInfo.from_call(lambda: state.teardown_exact(nextitem), "teardown")
        wider = item.ihook.pytest_runtest_makereport(item=item, call=call)
        blocks = getattr(wider, "gws_replay_blocks", None)
        if blocks:
            vars(last)["gws_replay_blocks"] = [*getattr(last, "gws_replay_blocks", ()), *blocks]
        item.ihook.pytest_runtest_logreport(report=last)
        if wider.failed:
            vars(wider).pop("gws_replay", None)
            item.ihook.pytest_runtest_logreport(report=wider)

    def _explored(self, item: pytest.Function, recorded: _Recorded, reports: Reports, count: int) -> str:
        """Explore a test that has passed; return a line for the summary, empty if there is nothing to say."""
        if not all(each.passed and not hasattr(each, "wasxfail") for each in reports) or len(reports) < len(_PHASES):
            return f"{item.nodeid}: not explored, as it does not pass as recorded"
        if recorded.plan is None:
            return f"{item.nodeid}: not explored, as it records"
        space = Space(recorded.indexes, self.wish.level, recorded.plan.traffic)
        if space.is_empty:
            return f"{item.nodeid}: not explored, as its recording has no notifications"
        if not any(place.kind == "n" for _, place in recorded.plan.seen):
            return f"{item.nodeid}: not explored, as its client received no notification"
        self._limit = max(_LEAST, _SLOWER * recorded.seconds)
        try:
            return self._run(item, space, recorded, count)
        except GwsReplayError as error:
            self._log_problem(item, reports[1], f"{error}. Select its test: pytest TEST --gws-explore=@v1:...")
            return ""
        finally:
            self._limit = 0.0

    def _run(self, item: pytest.Function, space: Space, recorded: _Recorded, count: int) -> str:
        end = time.monotonic() + self.wish.seconds
        exploration = Exploration(
            space,
            partial(self._variant, item, space, recorded.plan),
            count=count,
            draw=drawing(self.wish.seed),
            is_over=lambda: bool(time.monotonic() > end or item.session.shouldfail or item.session.shouldstop),
        )
        progress = _Progress(item.config)
        exploration.coverage.add(recorded.plan.seen if recorded.plan else ())
        if self.wish.variant:
            exploration.try_one(space.parse(self.wish.variant))
        for _ in () if self.wish.variant else exploration.explore():
            progress.show(f"{item.nodeid}: {exploration.ran} of {count} variants, {len(exploration.findings)} failed")
        progress.end()
        for finding in exploration.findings:
            if not finding.is_flaky:
                self._log(item, finding, space, recorded)
        return f"{item.nodeid}: {_summary(exploration)}"

    def _variant(self, item: pytest.Function, space: Space, recorded: Plan | None, variant: Variant) -> Ended[_Shown]:
        self._running = run = _Explored(space, variant, recorded)
        reports = self._once(item, run)
        self._running = None
        trace = run.plan.seen if run.plan else ()
        return Ended(any(each.failed for each in reports), trace, _Shown(reports, trace))

    def _log(self, item: pytest.Function, finding: Finding[_Shown], space: Space, recorded: _Recorded) -> None:
        """Report a variant that fails as a test case of its own."""
        reports = finding.result.reports
        failed = next(each for each in reports if each.failed)
        failed.sections.insert(0, ("gws_replay explore", _section(item, finding)))
        test = getattr(reports[-1], "gws_replay", None)
        if test and "details" in test:
            moved = finding.variant.deviations
            test["explored"] = {
                "sentence": finding.sentence,
                "again": _again(item, finding),
                "recorded": list(order_of(recorded.plan.seen if recorded.plan else (), space.orders, moved)),
                "explored": list(order_of(finding.result.trace, space.orders, moved)),
            }
        for report in reports:
            vars(report)["gws_replay_variant"] = str(finding.variant)
            item.ihook.pytest_runtest_logreport(report=report)

    def _log_problem(self, item: pytest.Function, like: pytest.TestReport, problem: str) -> None:
        report = copy.copy(like)
        report.outcome, report.longrepr, report.sections = "failed", problem, []
        vars(report)["gws_replay_variant"] = "--gws-explore"
        item.ihook.pytest_runtest_logreport(report=report)


class _Progress:
    """A line that is written over again while a test is explored, on a terminal."""

    def __init__(self, config: pytest.Config) -> None:
        reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._reporter = reporter if reporter and reporter.isatty and not hasattr(config, "workerinput") else None
        if self._reporter:
            self._reporter.ensure_newline()

    def show(self, text: str) -> None:
        """Write the line."""
        if self._reporter:
            self._reporter.rewrite(f"gws_replay explores {text}", erase=True)

    def end(self) -> None:
        """Remove the line."""
        if self._reporter:
            self._reporter.rewrite("", erase=True)


def _summary(exploration: Exploration[_Shown]) -> str:
    coverage = exploration.coverage
    end = ", then the time was over" if exploration.stopped else ", all there are" if exploration.is_complete else ""
    races = [each for each in exploration.findings if not each.is_flaky]
    flaky = [each for each in exploration.findings if each.is_flaky]
    parts = [
        f"{exploration.ran} variants{end}",
        f"{coverage.seen} of {coverage.possible} orderings seen",
        *([f"{len(races)} failed"] if races else []),
        *(f"{each.variant} {each.sentence}" for each in flaky),
    ]
    return "; ".join(parts)


def _again(item: pytest.Item, finding: Finding[_Shown]) -> str:
    return f"to run it again: pytest '{item.nodeid}' '--gws-explore={finding.variant}'"


def _section(item: pytest.Item, finding: Finding[_Shown]) -> str:
    lines = [finding.sentence, _again(item, finding)]
    if finding.same:
        lines.append(f"{len(finding.same)} more variants fail alike, such as {finding.same[0]}")
    return "\n".join(lines)


@contextmanager
def _limited(seconds: float, test: str) -> Generator[None, None, None]:
    """Fail what takes longer, where a signal can interrupt it: in the main thread, on POSIX."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        pytest.fail(f"{test} did not end within {seconds:g} s under this variant", pytrace=False)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
