"""Edge: the pytest plugin. It imports nothing but pytest and the standard library until a marked test runs."""

import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gws_replay.playback import Playback

_MARKER = "gws_cassette"
_UNSAFE = re.compile(r"[<>?%*:|\"'/\\\x00-\x1f]")
_LONGEST = 120
_PACKAGE = str(Path(__file__).parent)
_STDLIB = str(Path(contextlib.__file__).parent)


@dataclass(frozen=True, slots=True)
class _Marked:
    """The arguments of the marker, checked."""

    name: str | None = None
    allow_unplayed: bool = False
    allowed_hosts: tuple[str, ...] = ()


_PLAYBACK = pytest.StashKey["tuple[Playback, _Marked]"]()


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
        f"{_MARKER}(name='<module>/<test>', allow_unplayed=False, allowed_hosts=()): replay this GWS cassette, with "
        "the network closed; the fixture `gws` shows what happened.",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the marker alone be enough: a marked test need not name the fixture."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker(_MARKER):
            # First, so that no other fixture goes live before it; a new list, as the cases of one test share theirs.
            item.fixturenames = ["gws", *(name for name in item.fixturenames if name != "gws")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that passed by itself though its client missed, was stopped, or left something unplayed."""
    yield
    if (running := item.stash.get(_PLAYBACK, None)) is not None:
        playback, marked = running
        if problems := playback.problems(allow_unplayed=marked.allow_unplayed):
            pytest.fail(problems, pytrace=False)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:  # noqa: ARG001 (pytest's names)
    """Show our errors at the user's own lines: the frames of HTTP libraries hold live credentials."""
    error = call.excinfo.value if call.excinfo else None
    ours = False
    while error is not None:
        if type(error).__module__ == "gws_replay.errors":
            error.__traceback__, ours = _of_the_user(error.__traceback__), True
        error = error.__cause__ or error.__context__
    if call.excinfo and ours:
        call.excinfo = pytest.ExceptionInfo.from_exception(call.excinfo.value)


@pytest.fixture
def gws_cassette_dir(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the cassettes; override it to keep them elsewhere."""
    chosen = request.config.getoption("--gws-cassette-dir")
    return request.config.invocation_params.dir / chosen if chosen else request.path.parent / "cassettes"


@pytest.fixture
def gws(request: pytest.FixtureRequest, gws_cassette_dir: Path) -> "Iterator[Playback]":
    """Replay the marked cassette in this process, with the network closed.

    requests, httpx, aiohttp, urllib3 and http.client get the recorded answers; see `Playback` for what it offers.
    """
    from gws_replay.errors import CassetteError
    from gws_replay.files import load_cassette
    from gws_replay.playback import Playback
    from gws_replay.vcr_adapter import replaying

    marked = _marked(request.node)
    path = gws_cassette_dir / (marked.name or _default_name(request.node))
    if path.suffix not in (".yaml", ".yml", ".json"):
        path = path.with_name(f"{path.name}.yaml")
    if not path.exists():
        pytest.fail(
            f"{_shown(path)} does not exist. Record it: "
            f"gws-replay record --upstream https://YOUR-GWS --cassette {_shown(path)} -- YOUR-CLIENT",
            pytrace=False,
        )
    try:
        playback = Playback(load_cassette(path).named(_shown(path)))
    except CassetteError as error:
        pytest.fail(str(error), pytrace=False)
    request.node.stash[_PLAYBACK] = (playback, marked)
    with replaying(playback, marked.allowed_hosts):
        yield playback


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
        return _Marked(*marker.args, **marker.kwargs)
    except TypeError:
        given = ", ".join([*map(repr, marker.args), *(f"{name}=..." for name in marker.kwargs)])
        pytest.fail(
            f"{node.nodeid}: {_MARKER}({given}) is wrong: it takes name, allow_unplayed, allowed_hosts", pytrace=False
        )


def _shown(path: Path) -> str:
    """Name a file as a person would from where the tests were started."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _default_name(node: pytest.Item) -> str:
    """Name a test's cassette <module>/<Class.>test[param]; a name that must be altered or cut gets a hash of itself."""
    cls = getattr(node, "cls", None)
    name = f"{cls.__qualname__}.{node.name}" if cls else node.name
    safe = _UNSAFE.sub("-", name)
    if safe != name or len(safe) > _LONGEST:
        safe = f"{safe[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{node.path.stem}/{safe}"
