"""50,000 exchanges in one recording: all are in the cassette, and neither proxy nor writer grows with them."""

import os
import re
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from tests.support.proxies import PATIENCE, answered, children, upstream

EXCHANGES = int(os.environ.get("GWS_REPLAY_LONG", "0"))
CLIENTS = 4
BODY = b'{"operationName": "UpdateUserData", "userData": {"UserData1": "%d", "UserData2": "DATAUPDATE-@123"}}'


def memory(pid: int, what: str) -> float:
    """Return what a process uses, or has used at most, in MB."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


@pytest.mark.skipif(not EXCHANGES, reason="takes minutes: GWS_REPLAY_LONG=50000 or make faults")
def test_long_recording_is_complete_and_needs_no_more_memory(tmp_path: Path) -> None:
    """Every exchange, each with its own body, in the order of the requests."""
    path = tmp_path / "c.yaml"
    requested, began = [0] * CLIENTS, time.monotonic()
    early = threading.Event()

    def ask(client: int, url: str) -> None:
        address = urlsplit(url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
        for number in range(client, EXCHANGES, CLIENTS):
            connection.request("POST", f"/api/v2/me/facebooksessions/{number}", BODY % number, {"Accept": "*/*"})
            assert b'{"statusCode": 0}' == connection.getresponse().read()
            requested[client] += 1
            if sum(requested) >= EXCHANGES // 5:
                early.set()
        connection.close()

    with upstream(lambda _: answered()) as server, Recorder(Settings(cassette=path, upstream=server.url)) as recorder:
        clients = [threading.Thread(target=ask, args=(number, recorder.url)) for number in range(CLIENTS)]
        for each in clients:
            each.start()
        assert recorder.pid
        pids = (recorder.pid, *children(recorder.pid))
        assert early.wait(1800)
        before = [round(memory(pid, "VmRSS")) for pid in pids]
        for each in clients:
            each.join()
        after = [round(memory(pid, "VmRSS")) for pid in pids]
        recorded = time.monotonic() - began
    saved = time.monotonic() - began - recorded
    began = time.monotonic()
    found = load_cassette(path).interactions
    loaded = time.monotonic() - began
    print(
        f"{EXCHANGES} exchanges: recorded in {recorded:.0f} s, proxy and writer from {before} to {after} MB, "
        f"saved in {saved:.1f} s, {path.stat().st_size / 2**20:.0f} MB, loaded in {loaded:.1f} s"
    )
    assert {f"/api/v2/me/facebooksessions/{number}" for number in range(EXCHANGES)} == {e.request.path for e in found}
    assert EXCHANGES == len(found)
    assert all(each.request_json["userData"]["UserData1"] == each.request.path.rpartition("/")[2] for each in found)
    assert all(late - early_on < 100 for late, early_on in zip(after, before, strict=True))
