"""Fixtures of a class, module, package or session record what they send into cassettes of their own.

Nobody has to say so: while such a fixture (or setUpClass, setUpModule, setup_class, setup_module) is set up or torn
down for a marked test, a run of `cassettes/<module>/fixture-<name>.yaml` is in force. So each test can be replayed
alone, in any order, whichever test came first when it was recorded.
"""

import inspect
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from gws_replay.pytest_plugin.marker import Marked
from gws_replay.pytest_plugin.stash import CASSETTES, MARKED_RUN, OUTCOME
from gws_replay.pytest_plugin.summary import add_block
from gws_replay.pytest_plugin.use_cassette import failing_with, wanted_of
from gws_replay.storage.names import cassette_path, default_name

if TYPE_CHECKING:
    from gws_replay.playback.run import Run
    from gws_replay.pytest_plugin.runs import Wanted

# Fixtures that send nothing of the client under test.
_NOT_THEIRS = ("_pytest.", "gws_replay.", "pytest_asyncio", "anyio", "xdist", "pytest_randomly")
_CLASSIC = {
    "_unittest_setUpClass_fixture_": "setUpClass",
    "_xunit_setup_class_fixture_": "setup_class",
    "_xunit_setup_module_fixture_": "setUpModule",
}


class FixtureRuns:
    """The hooks; registered only if the session has marked tests. `names` are the fixtures that these use, by file."""

    def __init__(self, names: Mapping[Path, Collection[str]]) -> None:
        self._names = names

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Put the fixture's run in force while it is set up, and again while it is torn down."""
        if fixturedef.scope == "function" or not self._is_covered(fixturedef, request):
            return (yield)
        run = _FixtureRun(fixturedef, request)
        fixturedef.addfinalizer(run.end)  # finalizers run in reverse order: this is the last
        with run.in_force():
            value = yield
        run.check_setup()
        fixturedef.addfinalizer(run.begin_teardown)
        return value

    def _is_covered(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> bool:
        name = fixturedef.argname
        module = getattr(fixturedef.func, "__module__", None) or ""
        if module.startswith(_NOT_THEIRS) and not name.startswith(tuple(_CLASSIC)):
            return False
        if request.session.stash.get(MARKED_RUN, None) is not None:
            return True
        if fixturedef.scope in ("class", "module"):
            return name in self._names.get(request.path, ())
        return any(name in names for names in self._names.values())


class _FixtureRun:
    """The run of one fixture, from its setup to its teardown."""

    def __init__(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
        self._session = request.session
        self._item: pytest.Item = request._pyfuncitem  # noqa: SLF001 (pytest has no other name for the test)
        self._outer = request.session.stash.get(MARKED_RUN, None)
        self._marked = self._outer.marked if self._outer else Marked()
        self._began = perf_counter()
        self._run: Run | None = None
        self._in_force = ExitStack()
        self._failed = True
        path = _path(fixturedef, request)
        self._name = f"fixture {_called(fixturedef, request)} of {request.node.nodeid or 'the session'}"
        self._wanted = self._wanted_at(path, request)
        if path.exists() or self._wanted.records:
            request.node.stash[CASSETTES] = (*request.node.stash.get(CASSETTES, ()), path)

    def _wanted_at(self, path: Path, request: pytest.FixtureRequest) -> "Wanted":
        vcr = request.getfixturevalue("gws_vcr_config")
        wanted = wanted_of(request.config, self._name, (path,), self._marked, vcr=vcr)
        if wanted.records:
            wanted = replace(wanted, redaction=request.getfixturevalue("gws_redaction"))
        return replace(wanted, test="", left_behind=_expected)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Put the run in force while the fixture is set up."""
        with self._entered():
            yield
            self._failed = False

    def _entered(self) -> AbstractContextManager[object]:
        if not self._wanted.paths[0].exists() and not self._wanted.records:
            # Recorded before fixtures had cassettes: what it sends is in the cassette of the test.
            return _shared(self._outer.run) if self._outer else nullcontext()
        return self._of_its_own()

    @contextmanager
    def _of_its_own(self) -> Iterator[None]:
        from gws_replay.pytest_plugin.runs import entered, open_run

        if self._run is None:
            outer = self._outer.run if self._outer else None
            self._run = failing_with(self._name, lambda: open_run(self._wanted, outer, opens_late=True))
        with entered(self._run, self._wanted):
            yield

    def check_setup(self) -> None:
        """Fail for what went wrong in the setup, though the fixture may have swallowed it."""
        if self._run and (problems := self._run.problems(allow_unplayed=True)):
            self._failed = True
            pytest.fail(f"{self._name}: {problems}", pytrace=False)

    def begin_teardown(self) -> None:
        """Put the run in force again."""
        self._in_force.enter_context(self._entered())

    def end(self) -> None:
        """Save what was recorded, or fail for what the fixture has left."""
        self._in_force.close()
        run = self._run
        if run is None:
            return
        # One that skips its tests, or whose failure they expect, is no failure.
        passed = not self._failed or self._item.stash.get(OUTCOME, "failed") not in ("failed", "error")
        problem = failing_with(self._name, lambda: run.finish(passed=passed))
        nothing = run.is_recording and not run.live
        # Not `left`: a factory whose client another test started has nothing to stop in this one.
        problems = run.problems(allow_unplayed=self._marked.allow_unplayed) if not self._failed and not nothing else ""
        if not nothing:
            failed = not passed or bool(problems)
            paths = self._wanted.paths
            add_block(self._session, run, paths, problem, name=self._name, failed=failed, began=self._began)
        if problems:
            pytest.fail(f"{self._name}: {problems}", pytrace=False)


def _expected(_: str) -> None:
    """Say nothing: a client of such a fixture is expected to go on between tests."""


def _shared(run: "Run") -> AbstractContextManager[object]:
    """Return what puts the run of a test in force for a fixture, whose client may go on after the test."""
    from gws_replay.interception.interceptor import intercepted

    return nullcontext() if run.url else intercepted(run, _expected)


def _called(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> str:
    """Return the fixture's name, with its class and the id of its parameter."""
    name = next((short for long, short in _CLASSIC.items() if fixturedef.argname.startswith(long)), fixturedef.argname)
    if fixturedef.scope == "class" and request.cls is not None:
        name = f"{request.cls.__qualname__}.{name}"
    if hasattr(request, "param"):
        name = f"{name}[{_id(fixturedef, request)}]"
    return name


def _id(fixturedef: pytest.FixtureDef[Any], request: Any) -> str:
    index, value = request.param_index, request.param
    ids = fixturedef.ids(value) if callable(fixturedef.ids) else fixturedef.ids and fixturedef.ids[index]
    if ids is not None:
        return str(ids)
    return str(value) if isinstance(value, str | int | float | bool | None) else f"{fixturedef.argname}{index}"


def _path(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Path:
    """Return the cassette: beside the test file, or, for a package or session, beside the file that has the fixture."""
    root = request.config.rootpath
    if fixturedef.scope in ("class", "module"):
        folder: Path = request.getfixturevalue("gws_cassette_dir")
        module = request.path
    else:
        module = Path(inspect.unwrap(fixturedef.func).__code__.co_filename)
        if not module.is_relative_to(root):
            module = root / module.name
        chosen = request.config.getoption("--gws-cassette-dir")
        folder = request.config.invocation_params.dir / chosen if chosen else module.parent / "cassettes"
    name = default_name(f"fixture-{_called(fixturedef, request)}", None, module, root, folder)
    return cassette_path(folder, name)
