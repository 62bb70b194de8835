"""Edge: what pytest shows of marked tests: a section for a failed one, a summary line, JUnit properties, a page.

A test's process puts what it knows on the report of the teardown, as plain JSON data; the process that pytest was
started in adds it up, with xdist too. Nothing heavy is imported until a marked test runs.
"""

import sys
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from gws_replay.pytest_plugin.stash import BLOCKS, CASSETTES, ENDED_BADLY, LEFT_BEHIND, OUTCOME, PLAYBACK, RECORDED
from gws_replay.pytest_plugin.tracebacks import shorten
from gws_replay.storage.names import shown

if TYPE_CHECKING:
    from gws_replay.core.cassette import Cassette
    from gws_replay.core.oracle.judge import Update
    from gws_replay.playback.run import Run
    from gws_replay.reports.run_data import RanTest

_SECONDS: "pytest.StashKey[float]" = pytest.StashKey()
_SECTION: "pytest.StashKey[str]" = pytest.StashKey()
_JUDGE: "pytest.StashKey[_Judge]" = pytest.StashKey()
_SESSION: "pytest.StashKey[_Session]" = pytest.StashKey()
_WATCH, _REPORTS = "gws_replay_watch", "gws_replay_reports"
_MOST_CASSETTES = 16


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.getgroup("gws_replay").addoption(
        "--gws-report",
        metavar="FILE.html",
        help="Write a page of what the marked tests played, missed and changed.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Add up where the session is, not in the processes of xdist."""
    config.stash[_JUDGE] = _Judge()
    if not hasattr(config, "workerinput"):
        config.stash[_SESSION] = session = _Session(config)
        config.pluginmanager.register(session, "gws_replay_session")
        if config.getoption("dist", "no") != "no":  # the marked tests are collected elsewhere
            config.pluginmanager.register(_Reports(session), _REPORTS)


def watch(config: pytest.Config) -> None:
    """Watch the tests from now on: a session that has no marked tests pays for none of these hooks."""
    plugins = config.pluginmanager
    if not plugins.has_plugin(_WATCH):
        plugins.register(_Watch(), _WATCH)
    if _SESSION in config.stash and not plugins.has_plugin(_REPORTS):
        plugins.register(_Reports(config.stash[_SESSION]), _REPORTS)


class _Watch:
    """What each phase of a test came to, in the process that runs it."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """Fail a test whose cassette is missing, once no fixture has skipped it."""
        yield
        if (playback := item.stash.get(PLAYBACK, None)) and playback.missing:
            del item.stash[PLAYBACK]  # there is nothing to show of it
            pytest.fail(f"{item.nodeid}: {playback.missing}", pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        """Fail a test that passed by itself though its client swallowed a miss or a stopped connection."""
        yield
        if (playback := item.stash.get(PLAYBACK, None)) and (problems := playback.problems(allow_unplayed=True)):
            pytest.fail(problems, pytrace=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell what a marked test's run came to: where it fails, and at its end."""
        report = yield
        if CASSETTES in item.stash:
            _add_to_report(item, call, report)
        stash = item.session.stash
        if call.when == "teardown" and (BLOCKS in stash or LEFT_BEHIND in stash):
            # As the others of a report, they cross to the process that xdist reports to.
            vars(report)["gws_replay_blocks"] = stash.get(BLOCKS, [])
            vars(report)["gws_replay_left_behind"] = _left_behind(item.session)
            stash[BLOCKS] = []
        return report

    @pytest.hookimpl(specname="pytest_runtest_makereport")
    def pytest_shorter_report(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Show our errors at the user's own lines: the frames of HTTP libraries hold live credentials."""
        if call.excinfo:
            item.stash[ENDED_BADLY] = True
            shorten(call.excinfo.value)
            call.excinfo = pytest.ExceptionInfo.from_exception(call.excinfo.value)


def _add_to_report(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    stash, playback = item.stash, item.stash.get(PLAYBACK, None)
    first = call.when == "setup"
    stash[OUTCOME] = _outcome(report, "" if first else stash.get(OUTCOME, ""))
    stash[_SECONDS] = call.duration + (0.0 if first else stash.get(_SECONDS, 0.0))
    if report.failed and playback is not None:
        from gws_replay.reports.run_data import section

        text = section(playback, report.longreprtext)
        if first or text != stash.get(_SECTION, None):
            report.sections.append(("gws_replay", text))
        stash[_SECTION] = text
    if call.when == "teardown":
        test = _test(item, playback)
        counts = test["counts"]
        report.user_properties.append(("gws_cassette", test["cassette"]))
        report.user_properties += [(f"gws_{name}", counts[name]) for name in ("played", "missed", "unplayed")]
        vars(report)["gws_replay"] = test
        if playback is not None:
            del stash[PLAYBACK]  # the runs of all tests would keep the garbage collector busy to the end


def _test(item: pytest.Item, playback: "Run | None") -> "RanTest":
    test = _ran(item.config, playback, item.stash[CASSETTES], item.stash.get(RECORDED, ""))
    test |= {"nodeid": item.nodeid, "outcome": item.stash[OUTCOME], "seconds": item.stash[_SECONDS]}
    test["allows_hosts"] = _allows_hosts(item)
    if test["outcome"] == "skipped":
        test["counts"]["unplayed"] = 0  # it need not play
    return test


def add_block(
    session: pytest.Session,
    run: "Run",
    paths: Sequence[Path],
    problem: str,
    *,
    name: str,
    failed: bool,
    began: float,
) -> None:
    """Keep what a block of gws_use_cassette came to for the summary. `began` is of `time.perf_counter`."""
    block = _ran(session.config, run, paths, problem)
    block |= {"nodeid": name, "block": True, "outcome": "failed" if failed else "passed"}
    block |= {"seconds": perf_counter() - began, "allows_hosts": bool(run.allowed_hosts)}
    session.stash.setdefault(BLOCKS, []).append(block)


def _ran(config: pytest.Config, playback: "Run | None", paths: Sequence[Path], recorded: str) -> "RanTest":
    from gws_replay.core.json_compare import printable
    from gws_replay.interception.libraries import unwatched
    from gws_replay.reports.run_data import Counts, counts_of, details_of

    nothing = Counts(played=0, missed=0, unplayed=0, undelivered=0, stopped=0, live=0)
    counts = nothing if playback is None else counts_of(playback)
    ran: RanTest = {
        "nodeid": "",
        "block": False,
        "outcome": "",
        "seconds": 0.0,
        "cassette": printable(", ".join(map(shown, paths)) if playback is None or recorded else playback.name),
        "counts": counts,
        "recorded": printable(recorded),
        "allows_hosts": False,
        "unwatched": list(unwatched()),
        "undelivered": printable(playback.undelivered[0]) if playback and counts["undelivered"] else "",
        "not_replayed": [] if playback is None else list(_not_replayed(playback)),
    }
    if playback is not None and config.getoption("--gws-report"):
        from gws_replay.reports.pages.run import timeline_of

        judge = config.stash[_JUDGE]
        judged = [judge.updates(each) for each in playback.cassettes]
        ran |= {"details": details_of(playback, judged), "timeline": timeline_of(playback, judged)}
    return ran


def _not_replayed(run: "Run") -> Iterator[str]:
    from gws_replay.core.json_compare import printable

    for cassette in run.cassettes:
        yield from (printable(f"{cassette.source}: {sentence}") for sentence in cassette.not_replayed)


def _outcome(report: pytest.TestReport, before: str) -> str:
    """Name the outcome of a test so far, as pytest's own summary does; what has failed stays so."""
    if report.failed:
        return before if before in ("failed", "error") else "failed" if report.when == "call" else "error"
    if report.when == "teardown" or before in ("failed", "error"):
        return before
    if hasattr(report, "wasxfail"):
        return "xpassed" if report.passed else "xfailed"
    return "skipped" if report.skipped else "passed"


def _allows_hosts(item: pytest.Item) -> bool:
    return any(mark.kwargs.get("allowed_hosts") or any(mark.args[2:3]) for mark in item.iter_markers("gws_cassette"))


def _left_behind(session: pytest.Session) -> dict[str, str]:
    left: dict[str, str] | None = session.stash.get(LEFT_BEHIND, None)
    return {**left} if left else {}


class _Judge:
    """Judges the operations of a cassette, once for the tests that play it."""

    def __init__(self) -> None:
        # With the cassette, so that another one never gets its id.
        self._updates_of: dict[int, tuple[Cassette, Sequence[Update]]] = {}

    def updates(self, cassette: "Cassette") -> "Sequence[Update]":
        if id(cassette) not in self._updates_of:
            if len(self._updates_of) == _MOST_CASSETTES:
                self._updates_of.clear()
            self._updates_of[id(cassette)] = (cassette, cassette.updates())
        return self._updates_of[id(cassette)][1]


class _Session:
    """The marked tests of the session, in the process that pytest was started in."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = datetime.now(UTC)
        # By test, and the process of xdist that ran it; a test that is run again counts once.
        self._tests: dict[tuple[str, str], RanTest] = {}
        self._left_behind: dict[str, str] = {}
        self._explored: list[str] = []
        self._problem = ""
        self._written = ""

    def add(self, report: pytest.TestReport) -> None:
        """Take what a report says of a marked test and of blocks."""
        if (test := getattr(report, "gws_replay", None)) is not None:
            self._tests[report.nodeid, getattr(report, "worker_id", "")] = test
        if line := getattr(report, "gws_replay_explored", ""):
            self._explored.append(line)
        for block in getattr(report, "gws_replay_blocks", ()):
            self._tests[f"{block['nodeid']} {len(self._tests)}", ""] = block
        self._left_behind |= getattr(report, "gws_replay_left_behind", {})

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page; that it cannot be written is a sentence, and no reason to fail what passed."""
        self._left_behind |= _left_behind(session)
        for block in session.stash.get(BLOCKS, ()):
            self._tests[f"{block['nodeid']} {len(self._tests)}", ""] = block
        file = self._config.getoption("--gws-report")
        if file is None or self._config.getoption("collectonly"):
            return
        from gws_replay.errors import GwsReplayError
        from gws_replay.reports.pages.session import page
        from gws_replay.storage.files import write_whole

        path = self._config.invocation_params.dir / Path(file)
        try:
            write_whole(path, page(list(self._tests.values()), self._began))
        except GwsReplayError as error:
            self._problem = f"--gws-report: {error}"
            if not self._config.pluginmanager.has_plugin("terminalreporter"):
                sys.stderr.write(f"{self._problem}\n")
        else:
            self._written = f"gws_replay: {shown(path)} shows each test"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._problem:
            terminalreporter.write_line(_printable(self._problem), red=True)
        if terminalreporter.verbosity < -1:
            return
        if self._tests:
            self._sum_up(terminalreporter)
        if self._written:
            terminalreporter.write_line(_printable(self._written))

    def _sum_up(self, terminalreporter: pytest.TerminalReporter) -> None:
        from gws_replay.reports.terminal.session import colour, summary

        tests = list(self._tests.values())
        terminalreporter.write_line(summary(tests), **{colour(tests): True})
        for test in tests:
            if test["recorded"]:
                terminalreporter.write_line(f"gws_replay: {test['recorded']}")
        for line in self._explored:
            terminalreporter.write_line(_printable(f"gws_replay explored {line}"))
        if lost := next((test for test in tests if test["undelivered"]), None):
            text = f"gws_replay: the first that was not delivered, in {lost['nodeid']}: {lost['undelivered']}"
            terminalreporter.write_line(_printable(text))
        for name, request in self._left_behind.items():
            text = f"a client of {name} went on after the test: its {request} was held, and never sent"
            terminalreporter.write_line(_printable(f"gws_replay: {text}"), yellow=True)


def _printable(text: str) -> str:
    from gws_replay.core.json_compare import printable

    return printable(text)


class _Reports:
    """The reports of tests, as the session receives them."""

    def __init__(self, session: _Session) -> None:
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if variant := getattr(report, "gws_replay_variant", ""):
            _rename(report, variant)
        self._session.add(report)


def _rename(report: pytest.TestReport, variant: str) -> None:
    """Let the report of a variant be of a test case of its own; xdist sends none but those of collected tests."""
    path, line, domain = report.location
    name, end = (report.nodeid[:-1], "-") if report.nodeid.endswith("]") else (report.nodeid, "[")
    report.location = (path, line, f"{domain}[{variant}]")
    report.nodeid = f"{name}{end}{variant}]"
    if test := getattr(report, "gws_replay", None):
        test["nodeid"] = report.nodeid
