"""What one replayed request costs inside the test process: milliseconds of CPU, the median, beside vcrpy.

POSTs of 95 bytes to one address, distinguished by their bodies, answered with 6,000 bytes of JSON, by requests and by
httpx; each response is checked. The floor is the same library with an adapter that looks the body up in a dict. Then a
request that nothing was recorded for, and its explanation. Prints tables in Markdown. Run: python bench/request.py
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import requests
import vcr
from goals import Goal, Peer, met

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Headers, Request, Response
from gws_replay.interception.interceptor import replaying
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.storage.files import load_cassette, save_cassette

SIZES, ROUNDS = (10, 100, 1000, 10_000), 4
URL = "http://gws.example/api/v2/me/facebooksessions/S1"
FIELDS = {"Content-Type": "application/json"}
Post = Callable[[bytes], tuple[int, bytes]]


def sent(number: int) -> bytes:
    """Return the body of a request."""
    user_data = {"UserData1": f"value {number}", "UserData2": number}
    return json.dumps({"operationName": "UpdateUserData", "userData": user_data}).encode()


def reply(number: int) -> bytes:
    """Return the body of its response."""
    return json.dumps({"statusCode": 0, "number": number, "pad": "x" * 6000}).encode()


def recorded(count: int) -> Cassette:
    """Return a cassette of so many updates."""
    headers = Headers(tuple(FIELDS.items()))
    return Cassette(
        interactions=tuple(
            Exchange(
                request=Request(method="POST", uri=URL, headers=headers, body=sent(number)),
                response=Response(status=200, reason="OK", headers=headers, body=reply(number)),
                began=float(number),
                ended=number + 0.5,
            )
            for number in range(count)
        ),
        header={"format": 1, "api": "gws-v2", "redaction": "secrets"},
    )


class Floor(requests.adapters.BaseAdapter):
    """Answers from a dict."""

    def __init__(self, responses: dict[bytes, bytes]) -> None:
        super().__init__()
        self._answers = responses

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """Answer."""
        found = requests.Response()
        found.status_code, found._content, found.request = 200, self._answers[request.body], request  # noqa: SLF001
        return found

    def close(self) -> None:
        """Do nothing."""


@contextmanager
def by_requests(floor: dict[bytes, bytes] | None) -> Iterator[Post]:
    """Send by a session of requests."""
    with requests.Session() as session:
        if floor is not None:
            session.mount("http://", Floor(floor))

        def post(body: bytes) -> tuple[int, bytes]:
            got = session.post(URL, data=body, headers=FIELDS, timeout=9)
            return got.status_code, got.content

        yield post


@contextmanager
def by_httpx(floor: dict[bytes, bytes] | None) -> Iterator[Post]:
    """Send by a client of httpx."""
    transport = httpx.MockTransport(lambda got: httpx.Response(200, content=(floor or {})[got.content]))
    with httpx.Client(**({"transport": transport} if floor is not None else {})) as client:

        def post(body: bytes) -> tuple[int, bytes]:
            got = client.post(URL, content=body, headers=FIELDS)
            return got.status_code, got.content

        yield post


def median(post: Post, numbers: range) -> float:
    """Return how many milliseconds a request takes."""
    took = []
    for number in numbers:
        body = sent(number)
        began = time.process_time()
        got = post(body)
        took.append(time.process_time() - began)
        if json.loads(got[1])["number"] != number:
            raise SystemExit(f"the answer to {number} is that of another request")
    return statistics.median(took) * 1000


def missed(post: Post) -> float:
    """Return how many milliseconds a request takes that was not recorded."""
    took = []
    for number in range(5):
        began = time.process_time()
        try:
            post(json.dumps({"operationName": "UpdateUserData", "userData": {"Other": number}}).encode())
        except Exception:  # noqa: BLE001 (each has its own)
            took.append(time.process_time() - began)
        else:
            raise SystemExit("a request that was not recorded was answered")
    return statistics.median(took) * 1000


def measured(size: int, path: Path) -> dict[str, tuple[float, float, float]]:
    """Return the milliseconds by requests, by httpx, and of a miss, for each way of replay: the best of some turns."""
    floor = {sent(number): reply(number) for number in range(size)}
    most = {"vcrpy": max(5, min(size, 2000 // size))}
    found: dict[str, tuple[float, float, float]] = {}

    def ours() -> AbstractContextManager[Any]:
        return replaying(ReplayRun(load_cassette(path)))

    def theirs() -> AbstractContextManager[Any]:
        return vcr.VCR(record_mode="none", match_on=["method", "uri", "body"]).use_cassette(str(path))

    ways = {"floor": nullcontext, "gws_replay": ours, "vcrpy": theirs}
    for turn in range(ROUNDS):
        for name, begun in ways.items():
            if turn and name == "vcrpy":
                continue
            numbers = range(1, min(size, most.get(name, 1000)))
            cells = []
            for client in (by_requests, by_httpx):
                with begun(), client(floor if name == "floor" else None) as post:
                    post(sent(0))
                    cells.append(median(post, numbers))
            miss = 0.0
            if name != "floor":
                with begun(), by_requests(None) as post:
                    post(sent(0))
                    miss = missed(post)
            now = (cells[0], cells[1], miss)
            one, other, third = found.get(name, now)
            found[name] = (min(one, now[0]), min(other, now[1]), min(third, now[2]))
    return found


def main() -> None:
    """Print the tables."""
    found: dict[str, tuple[float, float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = Path(folder, f"{size}.yaml")
            save_cassette(recorded(size), path)
            found = measured(size, path)
            print(f"\n| {size:,} interactions | requests | httpx | a miss, explained |\n|---|--:|--:|--:|")
            for name, (one, other, miss) in found.items():
                shown = f"{miss:.2f} ms" if miss else ""
                print(f"| {name} | {one:.2f} ms | {other:.2f} ms | {shown} |", flush=True)
    floor, ours = found["floor"], found["gws_replay"]
    met(
        [
            Goal("a request by requests", ours[0], 0.30, " ms", Peer("the floor", floor[0], 0.20)),
            Goal("a request by httpx", ours[1], 0.14, " ms", Peer("the floor", floor[1], 0.093)),
            Goal("a miss, explained", ours[2], 20, " ms", Peer("vcrpy", found["vcrpy"][2], 889)),
        ]
    )


if __name__ == "__main__":
    main()
