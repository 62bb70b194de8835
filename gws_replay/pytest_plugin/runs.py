"""Edge: a test's run, from what it asks for: a replay or a recording, in the process or through a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gws_replay.core.redaction.policy import Policy
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.request_key import WHOLE, Matching
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.playback.index_cache import load_index
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.playback.run import Run
from gws_replay.pytest_plugin.record_mode import RecordMode, records, upstream_of
from gws_replay.pytest_plugin.vcr_options import PLAIN, VcrConfig
from gws_replay.storage.names import shown

_HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a test asks for. `test` is how pytest calls it (empty for all); `upstream`, where the proxy goes."""

    test: str
    paths: tuple[Path, ...]
    mode: RecordMode = "none"
    timing: str | float = "instant"
    allowed_hosts: tuple[str, ...] = ()
    upstream: str | None = None
    upstream_ca: Path | None = None
    vcr: VcrConfig = PLAIN
    redaction: object = field(default_factory=dict)

    @property
    def records(self) -> bool:
        """Whether the run writes its cassette. Raises GwsReplayError where it would have to write several."""
        if len(self.paths) == 1:
            return records(self.mode, self.paths[0])
        if self.mode != "none" and not all(path.exists() for path in self.paths):
            raise GwsReplayError("a test of several cassettes cannot record: record each by a test of its own")
        return False


@contextmanager
def in_process(wanted: Wanted) -> Iterator[Run]:
    """Let the requests of this process be answered, or recorded. Raises GwsReplayError for what cannot be done."""
    from gws_replay.interception.interceptor import intercepted, replaying

    if wanted.records:
        from gws_replay.pytest_plugin.recordings import InProcessRecording

        (path,) = wanted.paths
        old = _indexes(wanted)[0].cassette if wanted.mode == "new_episodes" and path.exists() else None
        recording = InProcessRecording(path, old, wanted.vcr, _policy(wanted))
        with intercepted(recording):
            yield recording
        return
    playback = ReplayRun(*_indexes(wanted), timing=wanted.timing)
    with replaying(playback, (*wanted.allowed_hosts, *wanted.vcr.ignored_hosts)):
        yield playback


@contextmanager
def through_a_server(wanted: Wanted) -> Iterator[Run]:
    """Let the clients of a server be answered, or those of the recording proxy recorded, at the run's `url`.

    Raises GwsReplayError for what cannot be done.
    """
    if wanted.records:
        from gws_replay.pytest_plugin.recordings import ProxyRecording

        (path,) = wanted.paths
        if wanted.vcr != VcrConfig(match_on=wanted.vcr.match_on):
            raise GwsReplayError("the filters and hooks of gws_vcr_config are not for the proxy: record with gws")
        upstream = upstream_of(wanted.mode, wanted.upstream)
        yield ProxyRecording(path, upstream, _policy(wanted), ca=wanted.upstream_ca)
        return
    from gws_replay.interception.network_guard import closed_network
    from gws_replay.server.server import ServedRun, serving

    playback = ServedRun(*_indexes(wanted), timing=wanted.timing)
    with serving(playback), closed_network(playback.refuse, (*_HERE, *wanted.allowed_hosts, *wanted.vcr.ignored_hosts)):
        yield playback


def _policy(wanted: Wanted) -> Policy:
    from gws_replay.settings.redaction import policy_of_test

    return policy_of_test(wanted.redaction, wanted.paths[0].parent)


def _indexes(wanted: Wanted) -> tuple[CassetteIndex, ...]:
    from gws_replay.settings.matching import ignored_fields

    rules = WHOLE if wanted.vcr is PLAIN or wanted.vcr == PLAIN else wanted.vcr.matching
    matching = rules.ignoring(ignored_fields(start=wanted.paths[0].parent))
    return tuple(_index_of(path, wanted.test, matching) for path in wanted.paths)


def _index_of(path: Path, test: str, matching: Matching) -> CassetteIndex:
    name = shown(path)
    try:
        return load_index(path, name, matching)
    except CassetteError:
        if path.exists():
            raise
    selected = f"'{test}' " if test else ""
    raise CassetteError(
        f"cassette_not_found: {name} does not exist. Record it: pytest {selected}--gws-record=once, with the client "
        f"going to your GWS; or gws-replay record --upstream https://YOUR-GWS --cassette {name} -- YOUR-CLIENT"
    )
