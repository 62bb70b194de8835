"""Which run a test or a block needs, from its marker, the options and the ini file; and `gws_use_cassette`."""

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from os.path import relpath
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from gws_replay.errors import GwsReplayError
from gws_replay.pytest_plugin.marker import Marked, read_markers
from gws_replay.pytest_plugin.record_mode import chosen_mode
from gws_replay.pytest_plugin.stash import CASSETTES, RECORDED_PARTS
from gws_replay.pytest_plugin.summary import add_block, watch
from gws_replay.storage.names import cassette_path, shown

if TYPE_CHECKING:
    from gws_replay.playback.run import Run
    from gws_replay.pytest_plugin.runs import Wanted

_T = TypeVar("_T")


@pytest.fixture(scope="session")
def gws_use_cassette(request: pytest.FixtureRequest) -> "Callable[..., AbstractContextManager[Run]]":
    """Return what plays, or records, a cassette for a block: for fixtures of a module or of the whole session.

    `with gws_use_cassette("login") as run:` takes the marker's arguments, and `server=True` for a run with a `.url`.
    The cassette is in the cassette folder beside the file that says so.
    """
    session, config = request.session, request.config

    def use(name: str, *, server: bool = False, **arguments: Any) -> "AbstractContextManager[Run]":
        watch(config)
        frame = inspect.stack()[1]
        caller = frame.filename
        chosen = config.getoption("--gws-cassette-dir")
        folder = config.invocation_params.dir / chosen if chosen else Path(caller).parent / "cassettes"
        marked = failing_with(name, lambda: _read(name, arguments))
        block = f"{shown(Path(caller))}::gws_use_cassette({name!r})"
        # Fixtures that use the same cassette have a part of it each, as tests have.
        part = "" if server else f"{relpath(caller, config.rootpath)}::{frame.function}".replace(os.sep, "/")
        wanted = replace(wanted_of(config, name, (cassette_path(folder, name),), marked, part=part), test="")
        return _used(session, wanted, marked, block=block, server=server)

    return use


@contextmanager
def _used(session: pytest.Session, wanted: "Wanted", marked: Marked, *, block: str, server: bool) -> "Iterator[Run]":
    """Run a cassette for a block; a recording is kept if no test has failed meanwhile."""
    from gws_replay.pytest_plugin.runs import in_process, through_a_server

    session.stash[CASSETTES] = (*session.stash.get(CASSETTES, ()), *wanted.paths)
    failing_with(block, lambda: _take_note(session, wanted))
    before, began = session.testsfailed, perf_counter()
    way = through_a_server if server else in_process
    raised, problems = True, ""
    with ExitStack() as running:
        run = failing_with(block, lambda: running.enter_context(way(wanted)))
        try:
            yield run
            raised = False
        finally:
            running.close()
            passed = not raised and session.testsfailed == before
            problem = failing_with(block, lambda: run.finish(passed=passed))
            problems = run.left(allow_unplayed=marked.allow_unplayed) if passed else ""
            failed = raised or bool(problems)
            add_block(session, run, wanted.paths, problem, name=block, failed=failed, began=began)
    if problems:
        pytest.fail(problems, pytrace=False)


def _take_note(session: pytest.Session, wanted: "Wanted") -> None:
    """Take note of what is recorded in this session. Raises GwsReplayError where a block would record it again."""
    from gws_replay.errors import GwsReplayError

    if wanted.records:
        recorded = session.stash.setdefault(RECORDED_PARTS, set())
        (path,) = wanted.paths
        if (path, wanted.part) in recorded:
            raise GwsReplayError(
                f"{shown(path)} was already recorded here in this session, and would be lost: give each block a "
                "cassette name of its own, or record with --gws-record=once, which replays the second one"
            )
        recorded.add((path, wanted.part))


def wanted_of(
    config: pytest.Config,
    test: str,
    paths: tuple[Path, ...],
    marked: Marked,
    *,
    vcr: dict[str, Any] | None = None,
    **more: Any,
) -> "Wanted":
    """Return which run is needed: the marker's arguments, with what the command line and the ini file say, and more."""
    from gws_replay.pytest_plugin.runs import Wanted
    from gws_replay.pytest_plugin.vcr_options import PLAIN, read_vcr_config

    mode = failing_with(
        test,
        lambda: chosen_mode(
            command_line=config.getoption("--gws-record"),
            marker=marked.record_mode,
            ini=config.getini("gws_record"),
            in_ci=os.environ.get("CI", "") not in ("", "0", "false"),
        ),
    )
    return Wanted(
        test=test,
        paths=paths,
        mode=mode,
        timing=marked.timing,
        allowed_hosts=marked.allowed_hosts,
        upstream=config.getoption("--gws-upstream"),
        upstream_ca=_upstream_ca(config),
        vcr=failing_with(test, lambda: read_vcr_config(vcr)) if vcr else PLAIN,
        **more,
    )


def _upstream_ca(config: pytest.Config) -> Path | None:
    """Return the CA file of the command line (from the working directory) or of the ini file (from the root folder)."""
    if option := config.getoption("--gws-upstream-ca"):
        return Path(option)
    named = config.getini("gws_upstream_ca")
    return config.rootpath / named if named else None


def failing_with(who: str, do: Callable[[], _T]) -> _T:
    """Do something for a test; what is wrong with the user's files or arguments is a failure of one sentence."""
    try:
        return do()
    except GwsReplayError as error:
        problem = f"{who}: {error}"
    pytest.fail(problem, pytrace=False)  # out here, or pytest would show the error as well


def _read(name: str, arguments: dict[str, Any]) -> Marked:
    try:
        return read_markers([((name,), arguments)])
    except ValueError as error:
        raise GwsReplayError(str(error)) from None
