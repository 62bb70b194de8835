"""Edge: the pytest plugin. It imports nothing but pytest and the standard library until a marked test runs."""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from gws_replay.core.model import Cassette
    from gws_replay.playback import Playback
    from gws_replay.server import ServedPlayback

_MARKER = "gws_cassette"
_UNSAFE = re.compile(r"[<>?%*:|\"'/\\\x00-\x1f]")
_LONGEST = 120
_PACKAGE = f"{Path(__file__).parent}{os.sep}"
_STDLIB = f"{Path(contextlib.__file__).parent}{os.sep}"


@dataclass(frozen=True, slots=True)
class _Marked:
    """The arguments of the marker, checked."""

    name: str | None = None
    allow_unplayed: bool = False
    allowed_hosts: Collection[str] = ()
    timing: str | float = field(default="instant", kw_only=True)

    def checked(self) -> "_Marked":
        """Return itself. Raises TypeError for an argument of a wrong type."""
        given: tuple[object, ...] = (self.name, self.allow_unplayed, self.allowed_hosts, self.timing)
        match given:
            case (str() | None, bool(), list() | tuple() | set() | frozenset(), str() | int() | float()):
                return self
        raise TypeError


_T = TypeVar("_T")
_P = TypeVar("_P", bound="Playback")
_PLAYBACK = pytest.StashKey["Playback"]()
_ENDED_BADLY = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("gws_replay")
    group.addoption(
        "--gws-cassette-dir",
        metavar="DIR",
        help="Folder of the cassettes. Default: the folder `cassettes` beside each test file.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(name='<module>/<test>', allow_unplayed=False, allowed_hosts=(), timing='instant'): replay this GWS "
        "cassette, with the network closed; the fixture `gws` shows what happened, `gws_server` replays at its .url.",
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
    if (playback := item.stash.get(_PLAYBACK, None)) and (problems := playback.problems(allow_unplayed=True)):
        pytest.fail(problems, pytrace=False)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Show our errors at the user's own lines: the frames of HTTP libraries hold live credentials."""
    if call.excinfo:
        item.stash[_ENDED_BADLY] = True
        for error in _all_of(call.excinfo.value):
            if type(error).__module__ == "gws_replay.errors":
                error.__traceback__ = _of_the_user(error.__traceback__)
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
    from gws_replay.playback import Playback
    from gws_replay.vcr_adapter import replaying

    marked, cassette = _asked_for(request, gws_cassette_dir)
    playback = _set_up(request, lambda: Playback(cassette, timing=marked.timing))
    yield from _played(request, marked, playback, replaying(playback, marked.allowed_hosts))


@pytest.fixture
def gws_server(request: pytest.FixtureRequest, gws_cassette_dir: Path) -> "Iterator[ServedPlayback]":
    """Replay the marked cassette through a server at `.url`, for clients in any language and over WebSocket.

    The test process reaches this machine and nothing else.
    """
    from gws_replay.network_guard import closed_network
    from gws_replay.server import ServedPlayback, serving

    marked, cassette = _asked_for(request, gws_cassette_dir)
    playback = _set_up(request, lambda: ServedPlayback(cassette, timing=marked.timing))
    with serving(playback):
        here = ("localhost", "127.0.0.1", "::1", *marked.allowed_hosts)
        yield from _played(request, marked, playback, closed_network(playback.refuse, here))


def _asked_for(request: pytest.FixtureRequest, folder: Path) -> "tuple[_Marked, Cassette]":
    """Load the cassette of a marked test."""
    from gws_replay.files import load_cassette

    if {"gws", "gws_server"} <= set(request.fixturenames):
        pytest.fail(f"{request.node.nodeid}: gws and gws_server both replay the cassette: use one", pytrace=False)
    marked = _marked(request.node)
    path = folder / (marked.name or _default_name(request.node, folder))
    if path.suffix not in (".yaml", ".yml", ".json"):
        path = path.with_name(f"{path.name}.yaml")
    if not path.exists():
        pytest.fail(
            f"{_shown(path)} does not exist. Record it: "
            f"gws-replay record --upstream https://YOUR-GWS --cassette {_shown(path)} -- YOUR-CLIENT",
            pytrace=False,
        )
    return marked, _set_up(request, lambda: load_cassette(path).named(_shown(path)))


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
    request.node.stash[_ENDED_BADLY] = False
    request.node.stash[_PLAYBACK] = playback
    with replaying:
        yield playback
    # Only now has every other fixture asked what it will; a test that failed has its own reason for what is left.
    if not request.node.stash[_ENDED_BADLY] and (problems := playback.problems(allow_unplayed=marked.allow_unplayed)):
        pytest.fail(problems, pytrace=False)


def _all_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, what led to it, and what it groups (several fixtures may fail at teardown)."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _all_of(each)
        error = error.__cause__ or error.__context__


def _of_the_user(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback of the frames that are no library's; all of it where there are none."""
    frames, rest = [], traceback
    while rest:
        if not _is_library(rest.tb_frame.f_code.co_filename):
            frames.append(rest)
        rest = rest.tb_next
    cut: TracebackType | None = None
    for frame in reversed(frames):
        cut = TracebackType(cut, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return cut or traceback


def _is_library(filename: str) -> bool:
    return filename.startswith((_PACKAGE, _STDLIB)) or "site-packages" in filename or "dist-packages" in filename


def _marked(node: pytest.Item) -> _Marked:
    marker = node.get_closest_marker(_MARKER)
    if marker is None:
        return _Marked()
    try:
        return _Marked(*marker.args, **marker.kwargs).checked()
    except TypeError:
        given = ", ".join([*map(repr, marker.args), *(f"{name}={value!r}" for name, value in marker.kwargs.items())])
        pytest.fail(
            f"{node.nodeid}: {_MARKER}({given}) is wrong: it takes name (a string), allow_unplayed (a bool), "
            "allowed_hosts (a list), timing ('instant', 'recorded' or a factor)",
            pytrace=False,
        )


def _shown(path: Path) -> str:
    """Name a file as a person would from where the tests were started."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _default_name(node: pytest.Item, folder: Path) -> str:
    """Name a test's cassette <module>/<Class.>test[param]; a name that must be altered or cut gets a hash of itself.

    In a folder that is not the test's own, modules of one name are told apart by their path from the root.
    """
    cls = getattr(node, "cls", None)
    name = f"{cls.__qualname__}.{node.name}" if cls else node.name
    safe = _UNSAFE.sub("-", name)
    if safe != name or len(safe) > _LONGEST:
        safe = f"{safe[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    module, root = node.path.with_suffix(""), node.config.rootpath
    shared = folder.parent != module.parent and module.is_relative_to(root)
    return f"{module.relative_to(root).as_posix() if shared else module.name}/{safe}"
