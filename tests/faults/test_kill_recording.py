"""kill -9 of proxy, writer or both at random moments: each response that a client received is in the cassette."""

import os
import random
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import requests
import vcr

from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from tests.support.proxies import alive, answered, children, client, run, upstream, wait_until

VICTIMS = ("proxy", "writer", "both")
KILLS = int(os.environ.get("GWS_REPLAY_KILLS", "4"))
AT_ONCE = 4
SEED = 20261123


def test_kill_loses_no_response_that_a_client_received(tmp_path: Path) -> None:
    """4 fresh recordings (or GWS_REPLAY_KILLS), each killed at a random moment under load; no cassette is torn."""
    with upstream(
        lambda sent: answered(b'{"statusCode": 0, "echo": "%s"}' % sent.path.rpartition("/")[2].encode())
    ) as server:
        seeded = random.Random(SEED)
        moments = [seeded.uniform(0.0, 0.3) for _ in range(KILLS)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(
                pool.map(
                    lambda n: killed(tmp_path / f"{n}.yaml", server.url, moments[n], n % 2, VICTIMS[n % 3]),
                    range(KILLS),
                )
            )
    assert KILLS == len(outcomes)
    assert [] == [lost for _, lost in outcomes if lost], f"seed {SEED}"
    assert all(count for count, _ in outcomes[1::2])
    recovered = sorted(tmp_path.glob("*.yaml"))
    assert len(recovered) == sum(count > 0 for count, _ in outcomes)
    for cassette in recovered:
        with vcr.VCR(record_mode="none").use_cassette(str(cassette)) as plain:
            assert len(plain.requests) == len(load_cassette(cassette).interactions)


def killed(cassette: Path, url: str, moment: float, busy: int, victim: str) -> tuple[int, list[str]]:
    """Kill one recording, if `busy` after its first response; return the number of responses and the lost ones."""
    recorder = Recorder(Settings(cassette=cassette, upstream=url))
    recorder.__enter__()
    proxy = recorder.pid
    (writer,) = children(proxy)
    responses: list[str] = []
    over = threading.Event()
    clients = [
        threading.Thread(target=send_until_the_proxy_is_gone, args=(recorder.url, f"{number}", responses, over))
        for number in range(3)
    ]
    for each in clients:
        each.start()
    if busy:
        wait_until(lambda: responses, "an answer")
    over.wait(moment)  # the random moment itself: nothing is waited for
    for pid in {"proxy": (proxy,), "writer": (writer,), "both": (proxy, writer)}[victim]:
        os.kill(pid or 0, signal.SIGKILL)
    over.set()
    for each in clients:
        each.join()
    with suppress(Exception):
        recorder.__exit__(None)
    wait_until(lambda: not alive(writer), "the writer to end with its proxy")
    if not responses:
        return 0, []
    if victim != "writer":  # another goes on where that was killed, and saves
        done = run(sys.executable, "-m", "gws_replay", "recover", f"{cassette}.journal")
        assert done.returncode == 0, done.stderr
    exchanges = load_cassette(cassette).interactions
    recorded = {exchange.request.path for exchange in exchanges}
    assert recorded == {f"/api/v2/me/{exchange.response_json['echo']}" for exchange in exchanges}
    return len(responses), [path for path in responses if path not in recorded]


def send_until_the_proxy_is_gone(url: str, name: str, responses: list[str], over: threading.Event) -> None:
    """Send requests until the proxy is gone; note the path of each that got a response."""
    with client() as session:
        number = 0
        while not over.is_set():
            path = f"/api/v2/me/{name}-{number}"
            try:
                session.get(f"{url}{path}", timeout=30)
            except requests.RequestException:
                return
            responses.append(path)
            number += 1
