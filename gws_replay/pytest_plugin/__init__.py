"""Edge: the pytest plugin. It imports nothing but pytest and the standard library until a marked test runs."""

import gc
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gws_replay.pytest_plugin.explore_option import wish_of
from gws_replay.pytest_plugin.marker import Marked, read_markers
from gws_replay.pytest_plugin.record_mode import MODES
from gws_replay.pytest_plugin.stash import (
    CASSETTES,
    ENDED_BADLY,
    IS_READY,
    LEFT_BEHIND,
    MAKING,
    MARKED_RUN,
    PLAYBACK,
    READY,
    RECORDED,
    SERVER,
    MarkedRun,
)
from gws_replay.pytest_plugin.summary import watch
from gws_replay.pytest_plugin.use_cassette import failing_with, gws_use_cassette, wanted_of
from gws_replay.storage.names import cassette_path, default_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gws_replay.playback.run import Run
    from gws_replay.server.server import LastingServer

__all__ = ["gws_use_cassette"]  # a fixture of ours that stands elsewhere

pytest_plugins = (
    "gws_replay.pytest_plugin.summary",
    "gws_replay.pytest_plugin.unused_option",
    "gws_replay.pytest_plugin.explore_option",
)

_MARKER = "gws_cassette"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("gws_replay")
    group.addoption(
        "--gws-cassette-dir",
        metavar="DIR",
        help="Folder of the cassettes. Default: the folder `cassettes` beside each test file.",
    )
    group.addoption(
        "--gws-record",
        metavar="MODE",
        help=f"Record cassettes: {', '.join(MODES)}. Default: none. With CI set nothing is written without it.",
    )
    group.addoption("--gws-upstream", metavar="URL", help="The server that gws_server records from.")
    group.addoption(
        "--gws-upstream-ca",
        metavar="FILE",
        help="Trust this CA certificate (PEM) of it. Default: SSL_CERT_FILE, REQUESTS_CA_BUNDLE, the usual ones.",
    )
    parser.addini("gws_upstream_ca", "The CA certificate, from the root folder, where the command line names none.")
    parser.addini("gws_record", "The record mode where neither the command line nor the marker names one.")
    parser.addini("gws_required_headers", "Header fields that requests must carry, such as X-CSRF-TOKEN.", type="args")
    parser.addini(
        "gws_allow_undelivered", "False fails tests whose notifications reached nobody.", type="bool", default=True
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker. When all else has ended, remove the patches and end what is still held."""
    config.stash[READY] = ready = ExitStack()
    config.add_cleanup(ready.close)
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(name='<module>/<test>', record_mode='none', allow_unplayed=False, allow_undelivered=True, "
        "allowed_hosts=(), required_headers=(), timing='instant', explore=None): "
        "replay this GWS cassette, with the network closed; "
        "the fixture `gws` shows what happened, `gws_server` replays at its .url.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the marker alone be enough: a marked test need not name the fixture. Watch the fixtures that they use."""
    names: dict[Path, set[str]] = {}
    is_explored = False
    for item in items:
        if isinstance(item, pytest.Function) and (marker := item.get_closest_marker(_MARKER)):
            is_explored |= "explore" in marker.kwargs
            # First, so that no other fixture goes live before it; a new list, as the cases of one test share theirs.
            ours = "gws_server" if "gws_server" in item.fixturenames else "gws"
            item.fixturenames = [ours, *(name for name in item.fixturenames if name != ours)]
            names.setdefault(item.path, set()).update(item.fixturenames)
    if names and not config.option.collectonly:
        from gws_replay.pytest_plugin.fixture_runs import FixtureRuns

        config.pluginmanager.register(FixtureRuns(names), "gws_replay_fixture_runs")
        watch(config)
        if wish := wish_of(config, is_marked=is_explored):
            from gws_replay.pytest_plugin.explore import Explorer

            config.pluginmanager.register(Explorer(wish), "gws_replay_explorer")


@pytest.fixture(scope="module")
def gws_cassette_dir(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the cassettes; override it to keep them elsewhere."""
    chosen = request.config.getoption("--gws-cassette-dir")
    return request.config.invocation_params.dir / chosen if chosen else request.path.parent / "cassettes"


@pytest.fixture(scope="session")
def gws_vcr_config() -> dict[str, Any]:
    """Return vcrpy's configuration; override it to match on less, to filter, or to ignore hosts."""
    return {}


@pytest.fixture(scope="session")
def gws_redaction() -> dict[str, Any]:
    """Return what recordings redact; override it with level ("all", "secrets", "none"), keep, secret, personal (lists).

    The rules are those of `[tool.gws_replay.redact]` in pyproject.toml, to which they are added.
    """
    return {}


@pytest.fixture
def gws(
    request: pytest.FixtureRequest,
    gws_cassette_dir: Path,
    gws_vcr_config: dict[str, Any],
) -> "Iterator[Run]":
    """Replay the marked cassette in this process, with the network closed.

    requests, httpx, aiohttp, urllib3 and http.client get the recorded responses, and a CometD client on them the
    notifications; see `Run` for what it offers.
    """
    yield from _run(request, gws_cassette_dir, gws_vcr_config)


@pytest.fixture
def gws_server(
    request: pytest.FixtureRequest,
    gws_cassette_dir: Path,
    gws_vcr_config: dict[str, Any],
) -> "Iterator[Run]":
    """Replay the marked cassette through a server at `.url`, for clients in any language and over WebSocket.

    The test process reaches this machine and nothing else. In a writing mode it is the recording proxy before
    --gws-upstream.
    """
    yield from _run(request, gws_cassette_dir, gws_vcr_config, served=True)


def _run(request: pytest.FixtureRequest, folder: Path, vcr: dict[str, Any], *, served: bool = False) -> "Iterator[Run]":
    """Run the cassettes of a marked test while it runs; then save what it recorded, or fail it for what it left."""
    node = request.node
    watch(request.config)
    if {"gws", "gws_server"} <= set(request.fixturenames):
        pytest.fail(f"{node.nodeid}: gws and gws_server both replay the cassette: use one", pytrace=False)
    if node.get_closest_marker("vcr"):
        problem = (
            "has both @pytest.mark.vcr and @pytest.mark.gws_cassette: both would respond to its requests, so use one"
        )
        pytest.fail(f"{node.nodeid} {problem}", pytrace=False)
    _get_ready(request.session)
    from gws_replay.pytest_plugin.runs import in_process, through_a_server

    marked = _marked(node)
    names = marked.names or (_own_name(node, folder),)
    paths = node.stash[CASSETTES] = tuple(cassette_path(folder, name) for name in names)
    left_behind = partial(_left_behind, request.session, node.nodeid)
    wanted = wanted_of(
        request.config,
        node.nodeid,
        paths,
        marked,
        vcr=vcr,
        part=node.nodeid if marked.names else "",
        left_behind=left_behind,
        may_be_skipped=len(paths) == 1 and node.get_closest_marker(_MARKER) is not None,
    )
    if (making := node.stash.get(MAKING, None)) is not None:
        wanted = replace(wanted, make=making.make)
        if making.is_variant:  # what a variant leaves unplayed has its reason in the variant
            marked = replace(marked, allow_unplayed=True, allow_undelivered=True)
    if failing_with(node.nodeid, lambda: wanted.records):  # a replay redacts nothing
        wanted = replace(wanted, redaction=request.getfixturevalue("gws_redaction"))
    node.stash[ENDED_BADLY] = False
    way = partial(through_a_server, lasting=_server_of(request.session)) if served else in_process
    with ExitStack() as running:
        run = failing_with(node.nodeid, lambda: running.enter_context(way(wanted)))
        node.stash[PLAYBACK] = run
        request.session.stash[MARKED_RUN] = MarkedRun(run, marked)
        running.callback(request.session.stash.__setitem__, MARKED_RUN, None)
        yield run
    # All other fixtures have been torn down by now. What a failed test has left unplayed has its own reason.
    passed = not node.stash[ENDED_BADLY]
    if problem := failing_with(node.nodeid, lambda: run.finish(passed=passed)):
        node.stash[RECORDED] = problem
        node.add_report_section("teardown", "gws_replay", problem)
    if passed and (problems := _problems(request.config, run, marked)):
        pytest.fail(problems, pytrace=False)


def _server_of(session: pytest.Session) -> "LastingServer":
    """Return the server of all tests with gws_server: clients that live longer than a test find it where it was."""
    if SERVER not in session.stash:
        from gws_replay.server.server import LastingServer

        session.stash[SERVER] = LastingServer()
        session.config.stash[READY].callback(session.stash[SERVER].close)
    return session.stash[SERVER]


def _problems(config: pytest.Config, run: "Run", marked: Marked) -> str:
    """Return what must fail a test that has passed so far."""
    found = [run.left(allow_unplayed=marked.allow_unplayed)]
    allowed = config.getini("gws_allow_undelivered") if marked.allow_undelivered is None else marked.allow_undelivered
    found.extend(() if allowed else run.undelivered)
    if headers := (*marked.required_headers, *config.getini("gws_required_headers")):
        from gws_replay.pytest_plugin.required_headers import missing_headers

        found.append(missing_headers(run, headers))
    return "\n".join(filter(None, found))


def _get_ready(session: pytest.Session) -> None:
    """Import what a run needs, and install the patches once, until the session ends."""
    if IS_READY in session.stash:
        return
    session.stash[IS_READY] = True
    was_enabled = gc.isenabled()
    gc.disable()  # nothing that is imported is garbage, and looking for some takes a tenth of the time
    try:
        from gws_replay.interception.interceptor import kept_ready
        from gws_replay.pytest_plugin import runs  # noqa: F401
        from gws_replay.reports import run_data  # noqa: F401

        session.config.stash[READY].enter_context(kept_ready())
    finally:
        if was_enabled:
            gc.enable()


def _left_behind(session: pytest.Session, test: str, what: str) -> None:
    """Remember a test whose client goes on sending after it."""
    session.stash.setdefault(LEFT_BEHIND, {}).setdefault(test, what)


def _own_name(node: pytest.Item, folder: Path) -> str:
    cls = getattr(node, "cls", None)
    return default_name(node.name, cls.__qualname__ if cls else None, node.path, node.config.rootpath, folder)


def _marked(node: pytest.Item) -> Marked:
    """Read the markers of a test: its own, from top to bottom, or else those of its class or module."""
    marks = list(node.iter_markers_with_node(_MARKER))
    markers = [mark for of, mark in marks if of is marks[0][0]]
    try:
        # Decorators are applied from the bottom up.
        return read_markers([(mark.args, mark.kwargs) for mark in reversed(markers)])
    except ValueError as error:
        problem = f"{node.nodeid}: {error}"
    pytest.fail(problem, pytrace=False)
