"""Edge: makes the run of a test: a replay or a recording, in the process or through a server."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.parts import recorded_tests
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.request_fields import IgnoredFields
from gws_replay.core.replay.request_key import WHOLE, Matching
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.playback.index_cache import load_index
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.playback.run import Run
from gws_replay.pytest_plugin.record_mode import RecordMode, records, upstream_of
from gws_replay.pytest_plugin.vcr_options import PLAIN, VcrConfig
from gws_replay.storage.names import shown

if TYPE_CHECKING:
    from gws_replay.core.redaction.policy import Policy
    from gws_replay.server.server import LastingServer

_Replay = TypeVar("_Replay", bound=ReplayRun)


def _made(kind: Callable[..., Any], indexes: Sequence[CassetteIndex], **options: Any) -> Any:
    """Return a run as recorded."""
    return kind(*indexes, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What run a test needs. `test` is its id (empty for all); `upstream`, where the proxy goes.

    In a cassette that may be shared with other tests, what it records and replays is the `part` of this name.
    `make` makes a replay. With `may_be_skipped`, a missing cassette is no error before the first request: the run says
    then what is `missing`.
    """

    test: str
    paths: tuple[Path, ...]
    mode: RecordMode = "none"
    timing: str | float = "instant"
    allowed_hosts: tuple[str, ...] = ()
    upstream: str | None = None
    upstream_ca: Path | None = None
    vcr: VcrConfig = PLAIN
    redaction: object = field(default_factory=dict)
    part: str = ""
    left_behind: Callable[[str], object] = print
    make: Callable[..., Any] = _made
    may_be_skipped: bool = False

    @property
    def records(self) -> bool:
        """Whether the run writes its cassette. Raises GwsReplayError where it would have to write several."""
        if len(self.paths) == 1:
            return records(self.mode, self.paths[0]) or (self.mode == "once" and self._lacks_its_part)
        if self.mode != "none" and not all(path.exists() for path in self.paths):
            raise GwsReplayError("a test of several cassettes cannot record: record each by a test of its own")
        return False

    @property
    def _lacks_its_part(self) -> bool:
        """Whether the cassette has parts of other tests, and none of this one."""
        if not self.part:
            return False
        parts = recorded_tests(_index_of(self.paths[0], self.test).cassette)
        return bool(parts) and self.part not in parts


@contextmanager
def in_process(wanted: Wanted) -> Iterator[Run]:
    """Let the requests of this process be replayed, or recorded. Raises GwsReplayError for what cannot be done."""
    run = open_run(wanted)
    with entered(run, wanted):
        yield run


def open_run(wanted: Wanted, outer: Run | None = None, *, opens_late: bool = False) -> Run:
    """Return a run of this process. A recording replays first what the replay `outer` knows, if there is one.

    One that `opens_late` writes nothing before a request was sent. Raises GwsReplayError for what cannot be done.
    """
    if not wanted.records:
        return _replay(wanted, ReplayRun)
    from gws_replay.pytest_plugin.recordings import InProcessRecording

    (path,) = wanted.paths
    appends = wanted.mode == "new_episodes"
    is_needed = path.exists() and (appends or wanted.part)
    return InProcessRecording(
        path,
        _index_of(path, wanted.test).cassette if is_needed else None,
        wanted.vcr,
        _policy(wanted),
        part="" if appends else wanted.part,
        allowed_hosts=wanted.allowed_hosts,
        outer=outer if isinstance(outer, ReplayRun) and wanted.mode == "once" else None,
        opens_late=opens_late,
    )


def entered(run: Run, wanted: Wanted) -> AbstractContextManager[None]:
    """Return the context manager in which a run of this process is in force."""
    from gws_replay.interception.interceptor import intercepted, replaying

    if run.is_recording:
        return intercepted(run, wanted.left_behind)
    assert type(run) is ReplayRun, "isinstance takes long for a class that has a Protocol above it"  # noqa: S101
    recorded = frozenset[str]().union(*(index.places for index in run.indexes))
    allowed = (*wanted.allowed_hosts, *wanted.vcr.ignored_hosts)
    return replaying(run, allowed, recorded=recorded, left_behind=wanted.left_behind)


@contextmanager
def through_a_server(wanted: Wanted, lasting: "LastingServer | None" = None) -> Iterator[Run]:
    """Let the clients of a server be answered, or those of the recording proxy recorded, at the run's `url`.

    A replay is played by the server `lasting`, if there is one, whose address is always the same. Raises
    GwsReplayError for what cannot be done.
    """
    if wanted.records:
        from gws_replay.pytest_plugin.recordings import ProxyRecording

        (path,) = wanted.paths
        if wanted.vcr != VcrConfig(match_on=wanted.vcr.match_on):
            raise GwsReplayError("the filters and hooks of gws_vcr_config are not for the proxy: record with gws")
        upstream = upstream_of(wanted.mode, wanted.upstream)
        yield ProxyRecording(path, upstream, _policy(wanted), ca=wanted.upstream_ca)
        return
    from gws_replay.interception.network_guard import Allowed, closed_network
    from gws_replay.server.server import ServedRun, serving

    playback = _replay(wanted, ServedRun)
    allowed = Allowed.of((*wanted.allowed_hosts, *wanted.vcr.ignored_hosts), ())  # and this machine
    with lasting.playing(playback) if lasting else serving(playback), closed_network(playback.refuse, allowed):
        yield playback


def _policy(wanted: Wanted) -> "Policy":
    from gws_replay.settings.redaction import policy_of_test

    return policy_of_test(wanted.redaction, wanted.paths[0].parent)


@lru_cache
def _ignored_fields(folder: Path) -> IgnoredFields:
    """Return what pyproject.toml says; it is read once, as each test would read it."""
    from gws_replay.settings.matching import ignored_fields

    return ignored_fields(start=folder)


def _replay(wanted: Wanted, kind: "type[_Replay]") -> "_Replay":
    """Return a replay; where the cassette is missing and the test may yet be skipped, one that has nothing to play."""
    try:
        indexes = _indexes(wanted)
    except CassetteError as error:
        if not wanted.may_be_skipped or wanted.paths[0].exists():
            raise
        run = kind(CassetteIndex(Cassette(interactions=(), source=shown(wanted.paths[0]))))
        run.missing = str(error)
        return run
    made: _Replay = wanted.make(kind, indexes, timing=wanted.timing)
    return made


def _indexes(wanted: Wanted) -> tuple[CassetteIndex, ...]:
    rules = WHOLE if wanted.vcr is PLAIN or wanted.vcr == PLAIN else wanted.vcr.matching
    matching = rules.ignoring(_ignored_fields(wanted.paths[0].parent))
    return tuple(_index_of(path, wanted.test, matching, wanted.part) for path in wanted.paths)


def _index_of(path: Path, test: str, matching: Matching = WHOLE, part: str = "") -> CassetteIndex:
    name = shown(path)
    try:
        return load_index(path, name, matching, part)
    except CassetteError:
        if path.exists():
            raise
    selected = f"'{test}' " if test else ""
    raise CassetteError(
        f"cassette_not_found: {name} does not exist{_did_you_mean(path)}. "
        f"Record it: pytest {selected}--gws-record=once, with the client going to your GWS; or "
        f"gws-replay record --upstream https://YOUR-GWS --cassette {name} -- YOUR-CLIENT"
    )


def _did_you_mean(path: Path) -> str:
    """Return the name of a cassette nearby that is spelled almost like this one, as a part of a sentence."""
    from difflib import get_close_matches

    names = [each.stem for each in path.parent.glob(f"*{path.suffix}")]
    near = get_close_matches(path.stem, names, n=1, cutoff=0.7)
    return f" (did you mean {near[0]!r}?)" if near else ""
