"""Disks that are full or read-only, too few file descriptors: one sentence each, and no response is lost."""

import json
import select
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gws_replay.storage.files import load_cassette
from tests.support.proxies import GWS, PATIENCE, Running, answered, children, environment, run, upstream, wait_until

ROOT = Path(__file__).parent.parent.parent
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


@cache
def may_mount() -> bool:
    """Whether this system lets users mount a disk in memory, in their own namespace."""
    try_it = [*NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(try_it, check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The errors and the saved exchanges on a real disk that becomes full, read-only, and larger."""
    if not may_mount():
        pytest.skip("no disk may be mounted here")
    command = (*NAMESPACE, sys.executable, "-m", "tests.faults.small_disk", str(tmp_path_factory.mktemp("disk")))
    done = run(*command, cwd=ROOT)
    assert 0 == done.returncode, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_full_disk_loses_nothing_that_was_written(outcomes: dict[str, Any]) -> None:
    """The journal has only whole lines, and becomes the cassette when there is room."""
    assert outcomes["written"].startswith("4 cannot write")
    assert "c.yaml.journal: No space left on device; recording stopped, the traffic goes on" in outcomes["written"]
    assert outcomes["finished"].startswith("4 cannot write")
    assert "c.yaml: No space left on device. The recording is safe in" in outcomes["finished"]
    assert (outcomes["count"], [], 0) == (outcomes["found"], outcomes["damaged"], outcomes["cut"])
    assert outcomes["count"] > 20


def test_full_or_read_only_disk_keeps_the_old_cassette(outcomes: dict[str, Any]) -> None:
    """No half of a new one, and no temporary file."""
    assert "old.yaml: No space left on device; nothing there was changed" in outcomes["saved"]
    assert "old.yaml: Read-only file system; nothing there was changed" in outcomes["read-only save"]
    assert outcomes["read-only"].startswith("2 cannot write")
    assert outcomes["read-only"].endswith("d.yaml.journal: Read-only file system")
    assert (True, ["c.yaml", "c.yaml.journal", "old.yaml"]) == (outcomes["kept"], outcomes["names"])


LIMIT = 48
LIMITED = (
    f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT}));"
    "from gws_replay.cli import main; main()"
)


def test_used_up_file_descriptors_lose_nothing(tmp_path: Path) -> None:
    """The error says that the recording is in the journal, and names the next step."""
    record = ["record", "--cassette", "c.yaml", "--listen", "127.0.0.1:0", "--upstream"]
    plain = {name: value for name, value in environment().items() if not name.startswith("COVERAGE")}
    with (
        upstream(lambda _: answered()) as server,
        Running([sys.executable, "-c", LIMITED, *record, server.url], cwd=tmp_path, env=plain) as recorder,
        ExitStack() as open_,
    ):
        address = urlsplit(recorder.line("Recording").split()[1])
        (proxy,) = children(recorder.process.pid)

        def used() -> int:
            return len(list(Path(f"/proc/{proxy}/fd").iterdir()))

        def ask(number: int) -> socket.socket:
            client = open_.enter_context(socket.create_connection((address.hostname, address.port), PATIENCE))
            client.sendall(f"GET /api/v2/{number} HTTP/1.1\r\nHost: gws.example\r\n\r\n".encode())
            return client

        answers = 0
        while used() <= LIMIT - 2:  # a response takes one on either side
            assert ask(answers).recv(65536).startswith(b"HTTP/1.1 200")
            answers += 1
        last = ask(answers)
        wait_until(lambda: used() == LIMIT or select.select([last], [], [], 0)[0], "the last descriptor")
        recorder.process.terminate()
        ended = recorder.finish()
    assert "Traceback" not in recorder.text
    if ended == 4:
        assert "Error: cannot read c.yaml.journal: Too many open files; nothing in it is lost" in recorder.text
        assert 0 == run(*GWS, "recover", "c.yaml.journal", cwd=tmp_path).returncode
    found = {each.request.path for each in load_cassette(tmp_path / "c.yaml").interactions}
    assert {f"/api/v2/{number}" for number in range(answers)} <= found
    assert answers > 5
