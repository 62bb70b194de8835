"""Edge: `--gws-unused`, the cassettes that no collected test uses. Off, it costs the reading of one option.

Which cassettes a test uses is known once it has run. For the others the default rule decides: --gws-cassette-dir or the
folder `cassettes` beside the test file: a fixture gws_cassette_dir of the user's own cannot be evaluated for a test
that does not run. So their names count as used in any folder: rather an orphan too few than a cassette lost.
"""

import glob
import os
import time
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gws_replay.pytest_plugin.stash import CASSETTES
from gws_replay.storage.names import cassette_path, default_name

if TYPE_CHECKING:
    from gws_replay.pytest_plugin.unused import Run, Seen
    from gws_replay.pytest_plugin.unused_files import Layout, UnusedReport

_MARKER = "gws_cassette"
_FIXTURES = frozenset({"gws", "gws_server"})
# Of pytest-recording and pytest-vcr, whose cassettes lie in the same folders.
_FOREIGN_MARKERS = frozenset({"vcr", "default_cassette"})
_OPTION = "--gws-unused"
_MODES = ("off", "report", "fail", "delete")
_OUTPUT = "gws_unused"
_GOOD = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.getgroup("gws_replay").addoption(
        _OPTION,
        choices=_MODES,
        help="Cassettes that no collected test uses: name them (report), fail for them (fail), remove them (delete).",
    )
    parser.addini("gws_unused", f"What {_OPTION} says where it is not given.")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the session if the option is given."""
    mode = config.getoption(_OPTION) or config.getini("gws_unused") or "off"
    if mode not in _MODES:
        raise pytest.UsageError(f"gws_unused is one of {', '.join(_MODES)}, not {mode!r}")
    if mode != "off":
        config.pluginmanager.register(_Watch(config, mode), "gws_replay_unused_watch")


class _Watch:
    """Takes down what is collected and run, here or in the workers of xdist, and has it judged once."""

    def __init__(self, config: pytest.Config, mode: str) -> None:
        self._config = config
        self._mode = mode
        self._started = time.time()
        self._items: list[pytest.Item] = []
        self._called: set[pytest.Item] = set()
        self._whole: set[Path] = set()
        self._cut: dict[Path, str] = {}
        self._complete = False
        self._runs: list[Run] = []
        self._found: UnusedReport | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Note each test file, and what of it could not be collected."""
        report = yield
        if module := collector.getparent(pytest.Module):
            self._whole.add(module.path)
            if report.outcome != "passed":
                what = "could not be collected" if report.failed else "was skipped while it was collected"
                self._cut[module.path] = what
        return report

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note each test, before any is deselected."""
        self._items.append(item)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self) -> None:
        """Note that the collection came to its end."""
        self._complete = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Note that a test is set up: the cassettes that it uses are known now."""
        self._called.add(item)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker collected."""
        self._runs.extend(map(_unpacked, getattr(node, "workeroutput", {}).get(_OUTPUT, ())))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send what was collected to where the session is, or have it judged there."""
        from gws_replay.pytest_plugin.unused_files import findings

        if self._complete:
            self._runs.append(self._run())
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[_OUTPUT] = [_packed(run) for run in self._runs]
            return
        self._found = findings(self._runs, _layout(self._config, self._started))
        if self._mode == "fail" and self._found.orphans and session.exitstatus in _GOOD:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _run(self) -> "Run":
        from gws_replay.pytest_plugin.unused import Run

        tests = [_seen(item, _chosen_folder(self._config), ran=item in self._called) for item in self._items]
        wider: set[Any] = {node for item in self._items for node in item.listchain()[:-1]}
        cut = {**_chosen_singly(self._config, self._whole), **self._cut}
        return Run((*tests, *map(_scope, wider)), frozenset(self._whole - cut.keys()), cut)

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Report what is unused; remove it here, and only here, so that nothing is removed without a report."""
        if not self._found:
            return
        lines = self._found.lines
        if self._mode == "delete":
            from gws_replay.pytest_plugin.unused_files import removed

            given = any(str(each).startswith(_OPTION) for each in self._config.invocation_params.args)
            if os.environ.get("CI", "") in ("", "0", "false") or given:
                lines += [removed(path) for path in self._found.removable]
            elif self._found.removable:
                lines.append(f"nothing was removed: with CI set, {_OPTION}=delete has to stand on the command line")
        terminalreporter.section("gws_replay: unused cassettes")
        for line in lines:
            short = line.replace(f"{self._config.invocation_params.dir}{os.sep}", "")
            terminalreporter.line("".join(letter if letter.isprintable() else "?" for letter in short))


def _packed(run: "Run") -> dict[str, Any]:
    """Return a run as what xdist can send."""
    cut = {str(path): why for path, why in run.cut.items()}
    return {"tests": [tuple(test) for test in run.tests], "whole": [str(path) for path in run.whole], "cut": cut}


def _unpacked(sent: dict[str, Any]) -> "Run":
    from gws_replay.pytest_plugin.unused import Run, Seen

    cut = {Path(path): why for path, why in sent["cut"].items()}
    return Run(tuple(Seen(*each) for each in sent["tests"]), frozenset(map(Path, sent["whole"])), cut)


def _layout(config: pytest.Config, started: float) -> "Layout":
    from gws_replay.pytest_plugin.unused_files import Layout

    root = config.rootpath
    return Layout(
        root=root,
        chosen=_chosen_folder(config),
        collected=tuple(config.invocation_params.dir / argument for argument in config.args),
        testpaths=tuple(_found(root, config.getini("testpaths"))),
        patterns=tuple(config.getini("python_files")),
        left_out=tuple(config.getini("norecursedirs")),
        started=started,
    )


def _found(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from map(Path, glob.glob(str(root / pattern), recursive=True))  # noqa: PTH207 (as pytest does)


def _chosen_folder(config: pytest.Config) -> Path | None:
    chosen = config.getoption("--gws-cassette-dir")
    return _normal(config.invocation_params.dir / chosen) if chosen else None


def _seen(item: pytest.Item, chosen: Path | None, *, ran: bool) -> "Seen":
    """Return the cassettes that a test has used, or will use by the default rule."""
    from gws_replay.pytest_plugin.unused import Seen

    beside = item.path.parent / "cassettes"
    folder = chosen or beside
    cls = getattr(item, "cls", None)
    qualified, root = cls.__qualname__ if cls else None, item.config.rootpath
    marks = list(item.iter_markers(_MARKER))
    fixtures = set(getattr(item, "fixturenames", ()))
    given = [each for mark in marks for each in (*mark.args[:1], mark.kwargs.get("name")) if isinstance(each, str)]
    wants = bool(marks) or not _FIXTURES.isdisjoint(fixtures)
    used = item.stash.get(CASSETTES, None)
    certain = used is not None or (ran and not wants)
    expected = given or [default_name(item.name, qualified, item.path, root, folder)]
    paths = used or ([cassette_path(folder, name) for name in expected] if wants else [])
    names = [] if certain else given or [default_name(item.name, qualified, item.path, root, beside)]
    foreign = [mark for mark in item.iter_markers() if mark.name in _FOREIGN_MARKERS]
    if foreign or "vcr" in fixtures or hasattr(cls, "_get_cassette_name"):  # the last, of vcrpy's own test case
        test = default_name(item.name, cls.__name__ if cls else None, item.path, root, beside)
        names += [Path(test).name, *(each for mark in foreign for each in mark.args if isinstance(each, str))]
    return Seen(
        item.nodeid,
        certain,
        tuple(str(_normal(path)) for path in paths) + tuple(os.path.realpath(path) for path in paths),
        tuple(cassette_path(Path(), name).as_posix() for name in names),
    )


def _scope(node: pytest.Item | pytest.Collector) -> "Seen":
    """Return the cassettes that fixtures of a wider scope have used."""
    from gws_replay.pytest_plugin.unused import Seen

    paths = tuple(str(_normal(path)) for path in node.stash.get(CASSETTES, ()))
    return Seen(f"a fixture of {node.nodeid or 'the session'}", certain=True, paths=paths)


def _chosen_singly(config: pytest.Config, modules: set[Path]) -> dict[Path, str]:
    """Return the test files of which only single tests were chosen."""
    if config.getoption("lf", default=False):
        return dict.fromkeys(modules, "was collected in part, for --lf")
    single: set[Path] = set()
    whole: set[Path] = set()
    for argument in config.args:
        path, _, node = argument.partition("[")[0].partition("::")
        (single if node else whole).add(_normal(config.invocation_params.dir / path))
    if single and config.getoption("pyargs"):
        single = modules
    chosen = {module for module in single & modules if whole.isdisjoint((module, *module.parents))}
    return dict.fromkeys(chosen, "was collected in part: single tests were named")


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))
