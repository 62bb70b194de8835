"""--dask: the same work on a real Dask cluster of this machine, and what is reported where there is none."""

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import KilledWorker, LocalCluster

from gws_replay.batch.dask import on_cluster
from gws_replay.errors import GwsReplayError
from tests.support.builders import cassette, get, push, update
from tests.support.commands import BEFORE, command_line, refused, saved, small

WRONG = cassette(get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push({"A": 2, "B": "c"}, seen=2.0))


def cluster_of(workers: int) -> Any:
    """A cluster in this process, with a real scheduler behind a socket, and workers of two threads each."""
    options = {"dashboard_address": "127.0.0.1:0", "host": "127.0.0.1", "protocol": "tcp"}
    return LocalCluster(n_workers=workers, threads_per_worker=2, processes=False, **options)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The scheduler of a cluster with one worker."""
    with cluster_of(1) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A baseline and a candidate folder: one cassette differs, one is broken, one was renamed, one is alone."""
    for side in ("old", "new"):
        for number in range(4):
            saved(WRONG if (side, number) == ("new", 2) else small(), tmp_path / side / f"{number}.yaml")
        saved(cassette(get(BEFORE, began=0.0)), tmp_path / side / f"{side}.yaml")
        (tmp_path / side / "broken.yaml").write_text("version: 1\n")
    saved(small(), tmp_path / "old" / "gone.yaml")
    return tmp_path / "old", tmp_path / "new"


def test_cluster_returns_the_same_results(address: str, folders: tuple[Path, Path]) -> None:
    """diff and verify: text, order, errors and exit code are the same as in this process."""
    for command in (("diff", *folders), ("verify", folders[0], folders[1])):
        assert command_line(*command) == command_line(*command, "--dask", address)


def test_workers_find_relative_paths(address: str, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """They run in other folders, so they are given whole paths, and print them."""
    monkeypatch.chdir(folders[0])
    assert f"{folders[0]}/1.yaml" == command_line("verify", "--dask", address, "1.yaml").out.splitlines()[0]


def _half(number: int) -> float:
    if number == 1:
        raise KilledWorker("half-1", SimpleNamespace(address="tcp://127.0.0.1:1"), 3)  # type: ignore[arg-type]
    return number / 2


def test_item_that_kills_its_workers_does_not_stop_the_others(address: str) -> None:
    """Dask reports it, and goes on with the others."""
    assert [0.0, -1.0, 1.0] == list(on_cluster(_half, range(3), lambda number: float(-number), address))


def test_missing_library_is_named(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what to install."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    sentence = "--dask needs dask.distributed: pip install 'gws-replay[cluster]'"
    assert sentence == refused(command_line("verify", "--dask", "tcp://127.0.0.1:8786", folders[0]))


def test_unreachable_scheduler_is_named(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence names the address; a text that is not an address may hold a password, and is not repeated."""
    monkeypatch.setattr("gws_replay.batch.dask._CONNECT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    nobody = refused(command_line("diff", "--dask", f"127.0.0.1:{port}", *folders))
    assert f"cannot reach a Dask scheduler at 127.0.0.1:{port}: Timed out" in nobody
    for wrong in ("somewhere", "tcp://me:secret@host:1", "http://host:80/x"):
        sentence = "--dask needs the address of a scheduler, such as tcp://HOST:8786"
        assert sentence == refused(command_line("diff", "--dask", wrong, *folders))
    both = refused(command_line("verify", "--jobs", "2", "--dask", "host:1", folders[0]))
    assert "--jobs and --dask are two ways to spread the work: give one" == both


def test_cluster_without_workers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout."""
    monkeypatch.setattr("gws_replay.batch.dask._START", 0.2)
    with cluster_of(0) as empty, pytest.raises(GwsReplayError, match="has no worker: start one"):
        list(on_cluster(_half, [2], float, empty.scheduler_address))


def _another_version() -> str:
    return f"0.{time.perf_counter_ns()}"


def test_workers_with_another_version_are_an_error(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their verdicts may differ: nothing is done, and both versions are named."""
    monkeypatch.setattr("gws_replay.batch.dask._version", _another_version)
    with pytest.raises(GwsReplayError, match=r"have another gws-replay \(0\.\d+, 0\.\d+\): install 0\.\d+ there"):
        list(on_cluster(_half, [2], float, address))
