"""Edge: the pytest plugin. It imports nothing but pytest and the standard library until a marked test runs."""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from gws_replay.cassette_names import cassette_path, default_name, shown
from gws_replay.pytest_stash import CASSETTES, ENDED_BADLY, PLAYBACK, RECORDED
from gws_replay.record_mode import MODES, RecordMode, chosen_mode, records, upstream_of
from gws_replay.user_traceback import shorten

if TYPE_CHECKING:
    from gws_replay.core.model import Cassette
    from gws_replay.playback import Playback
    from gws_replay.recordings import ProxyRecording, RecordingRun
    from gws_replay.server import ServedPlayback

_MARKER = "gws_cassette"


@dataclass(frozen=True, slots=True)
class _Marked:
    """The arguments of the marker, checked."""

    name: str | None = None
    allow_unplayed: bool = False
    allowed_hosts: Collection[str] = ()
    timing: str | float = field(default="instant", kw_only=True)
    record_mode: str | None = field(default=None, kw_only=True)

    def checked(self) -> "_Marked":
        """Return itself. Raises TypeError for an argument of a wrong type."""
        given: tuple[object, ...] = (self.name, self.record_mode, self.allow_unplayed, self.allowed_hosts, self.timing)
        match given:
            case (
                str() | None,
                str() | None,
                bool(),
                list() | tuple() | set() | frozenset(),
                str() | int() | float(),
            ):
                return self
        raise TypeError


_T = TypeVar("_T")
_P = TypeVar("_P", bound="Playback")
_R = TypeVar("_R", bound="RecordingRun")


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
    parser.addini("gws_record", "The record mode where neither the command line nor the marker names one.")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(name='<module>/<test>', record_mode='none', allow_unplayed=False, allowed_hosts=(), "
        "timing='instant'): replay this GWS cassette, with the network closed; the fixture `gws` shows what happened, "
        "`gws_server` replays at its .url.",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the marker alone be enough: a marked test need not name the fixture."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker(_MARKER):
            # First, so that no other fixture goes live before it; a new list, as the cases of one test share theirs.
            ours = "gws_server" if "gws_server" in item.fixturenames else "gws"
            item.fixturenames = [ours, *(name for name in item.fixturenames if name != ours)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that passed by itself though its client swallowed a miss or a stopped connection."""
    yield
    if (playback := item.stash.get(PLAYBACK, None)) and (problems := playback.problems(allow_unplayed=True)):
        pytest.fail(problems, pytrace=False)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Show our errors at the user's own lines: the frames of HTTP libraries hold live credentials."""
    if call.excinfo:
        item.stash[ENDED_BADLY] = True
        shorten(call.excinfo.value)
        call.excinfo = pytest.ExceptionInfo.from_exception(call.excinfo.value)


@pytest.fixture
def gws_cassette_dir(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the cassettes; override it to keep them elsewhere."""
    chosen = request.config.getoption("--gws-cassette-dir")
    return request.config.invocation_params.dir / chosen if chosen else request.path.parent / "cassettes"


@pytest.fixture
def gws(request: pytest.FixtureRequest, gws_cassette_dir: Path) -> "Iterator[Playback]":
    """Replay the marked cassette in this process, with the network closed.

    requests, httpx, aiohttp, urllib3 and http.client get the recorded answers, and a CometD client on them the
    notifications; see `Playback` for what it offers.
    """
    from gws_replay.vcr_adapter import intercepted, replaying

    marked, mode, path = _asked_for(request, gws_cassette_dir)
    if records(mode, path):
        from gws_replay.recordings import InProcessRecording

        old = _load(request, path) if mode == "new_episodes" and path.exists() else None
        recording = _set_up(request, lambda: InProcessRecording(path, old))
        yield from _recorded(request, recording, intercepted(recording))
        return
    from gws_replay.playback import Playback

    cassette = _load(request, path)
    playback = _set_up(request, lambda: Playback(cassette, timing=marked.timing))
    yield from _played(request, marked, playback, replaying(playback, marked.allowed_hosts))


@pytest.fixture
def gws_server(request: pytest.FixtureRequest, gws_cassette_dir: Path) -> "Iterator[ServedPlayback | ProxyRecording]":
    """Replay the marked cassette through a server at `.url`, for clients in any language and over WebSocket.

    The test process reaches this machine and nothing else. In a writing mode it is the recording proxy before
    --gws-upstream.
    """
    marked, mode, path = _asked_for(request, gws_cassette_dir)
    if records(mode, path):
        from gws_replay.recordings import ProxyRecording

        upstream = _set_up(request, lambda: upstream_of(mode, request.config.getoption("--gws-upstream")))
        recording = _set_up(request, lambda: ProxyRecording(path, upstream))
        yield from _recorded(request, recording, contextlib.nullcontext())
        return
    from gws_replay.network_guard import closed_network
    from gws_replay.server import ServedPlayback, serving

    cassette = _load(request, path)
    playback = _set_up(request, lambda: ServedPlayback(cassette, timing=marked.timing))
    with serving(playback):
        here = ("localhost", "127.0.0.1", "::1", *marked.allowed_hosts)
        yield from _played(request, marked, playback, closed_network(playback.refuse, here))


def _asked_for(request: pytest.FixtureRequest, folder: Path) -> tuple[_Marked, RecordMode, Path]:
    """Return what a test wants: the marker's arguments, whether to record, and the cassette's file."""
    node, config = request.node, request.config
    if {"gws", "gws_server"} <= set(request.fixturenames):
        pytest.fail(f"{node.nodeid}: gws and gws_server both replay the cassette: use one", pytrace=False)
    marked = _marked(node)
    mode = _set_up(
        request,
        lambda: chosen_mode(
            command_line=config.getoption("--gws-record"),
            marker=marked.record_mode,
            ini=config.getini("gws_record"),
            in_ci=os.environ.get("CI", "") not in ("", "0", "false"),
        ),
    )
    cls = getattr(node, "cls", None)
    qualified = cls.__qualname__ if cls else None
    name = marked.name or default_name(node.name, qualified, node.path, config.rootpath, folder)
    path = cassette_path(folder, name)
    node.stash[CASSETTES] = (path,)
    return marked, mode, path


def _load(request: pytest.FixtureRequest, path: Path) -> "Cassette":
    """Load a cassette; one that does not exist fails with how to record it."""
    from gws_replay.files import load_cassette

    if not path.exists():
        pytest.fail(
            f"cassette_not_found: {shown(path)} does not exist. Record it: "
            f"pytest '{request.node.nodeid}' --gws-record=once, with the client going to your GWS; or "
            f"gws-replay record --upstream https://YOUR-GWS --cassette {shown(path)} -- YOUR-CLIENT",
            pytrace=False,
        )
    return _set_up(request, lambda: load_cassette(path).named(shown(path)))


def _set_up(request: pytest.FixtureRequest, make: Callable[[], _T]) -> _T:
    """Make something for a test; what is wrong with the user's files or arguments is a failure of one sentence."""
    from gws_replay.errors import GwsReplayError

    try:
        return make()
    except GwsReplayError as error:
        pytest.fail(f"{request.node.nodeid}: {error}", pytrace=False)


def _played(
    request: pytest.FixtureRequest, marked: _Marked, playback: _P, replaying: AbstractContextManager[None]
) -> Iterator[_P]:
    """Let the test run, and fail it for what it left."""
    request.node.stash[ENDED_BADLY] = False
    request.node.stash[PLAYBACK] = playback
    with replaying:
        yield playback
    # Only now has every other fixture asked what it will; a test that failed has its own reason for what is left.
    if not request.node.stash[ENDED_BADLY] and (problems := playback.problems(allow_unplayed=marked.allow_unplayed)):
        pytest.fail(problems, pytrace=False)


def _recorded(request: pytest.FixtureRequest, recording: _R, context: AbstractContextManager[None]) -> Iterator[_R]:
    """Let the test run live, and keep what it recorded if it passes."""
    request.node.stash[ENDED_BADLY] = False
    request.node.stash[PLAYBACK] = recording
    with context:
        yield recording
    said = _set_up(request, lambda: recording.finish(passed=not request.node.stash[ENDED_BADLY]))
    request.node.stash[RECORDED] = said
    request.node.add_report_section("teardown", "gws_replay", said)


def _marked(node: pytest.Item) -> _Marked:
    marker = node.get_closest_marker(_MARKER)
    if marker is None:
        return _Marked()
    try:
        return _Marked(*marker.args, **marker.kwargs).checked()
    except TypeError:
        given = ", ".join([*map(repr, marker.args), *(f"{name}={value!r}" for name, value in marker.kwargs.items())])
        pytest.fail(
            f"{node.nodeid}: {_MARKER}({given}) is wrong: it takes name, record_mode (strings), allow_unplayed "
            "(a bool), allowed_hosts (a list), timing ('instant', 'recorded' or a factor)",
            pytrace=False,
        )
