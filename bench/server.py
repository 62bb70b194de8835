"""The replay server: requests a second at 1, 8 and 32 clients, and of one core; when it is ready; its memory.

Each request is a POST of its own, to one address, distinguished by its body. The floor is a server on the same HTTP
library that looks the body up in a dict. "Of one core" is by the CPU time of the server: the first pass over all stubs,
whose first request makes what they are looked up by, and another one after it. Every response is checked. Then 1,000
clients of CometD whose connects are held. Prints tables in Markdown. Run: python bench/server.py [STUBS]
"""

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from goals import Goal, Peer, met

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Headers, Request, Response
from gws_replay.storage.files import save_cassette

STUBS, CLIENTS, HELD, ROUNDS = 10_000, (1, 8, 32), 1000, 2
# Servers may lay out JSON as they like.
NUMBER = lru_cache(STUBS)(lambda number: re.compile(rb'"number": ?%d,' % number))
LENGTH = re.compile(rb"(?i)content-length: (\d+)")
# Of no resource: writes of one resource would have to keep their order.
PATH = "/api/v2/me"
JSON = Headers((("Content-Type", "application/json"),))
FLOOR = """
import sys
from aiohttp import web
from gws_replay.storage.files import load_cassette
answers = {each.request.body: each.response.body for each in load_cassette(sys.argv[1]).interactions}
async def handle(request):
    return web.Response(body=answers[await request.read()], headers={"Content-Type": "application/json"})
async def main():
    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()
import asyncio
asyncio.run(main())
"""
OURS, PEER = ("-m", "gws_replay", "serve"), ("-c", FLOOR)
# What is measured: the command, and what the cassette says of its redaction.
SERVERS: dict[str, tuple[Sequence[str], str]] = {
    "gws_replay": (OURS, "secrets"),
    "gws_replay, personal data redacted": (OURS, "all"),
    "gws_replay, a foreign cassette": (OURS, "none"),
    "floor: aiohttp and a dict": (PEER, "secrets"),
}


@dataclass(frozen=True)
class Server:
    """A server that runs: its port, how long it took to be ready, and its process."""

    port: int
    ready: float
    process: "subprocess.Popen[str]"

    @property
    def cpu(self) -> float:
        """The seconds of CPU time that it has taken."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text("utf-8").split()[0]) for task in tasks) / 1e9

    @property
    def megabytes(self) -> float:
        """The memory that it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


@contextmanager
def running(command: Sequence[str], cassette: Path) -> Iterator[Server]:
    """Run a server until it is not needed any more."""
    began = time.perf_counter()
    arguments = [sys.executable, *command, str(cassette)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            line = next(line for line in process.stdout or () if "http://" in line)
            port = int(re.findall(r":(\d+)", line)[-1])
            yield Server(port, time.perf_counter() - began, process)
        finally:
            process.kill()


def request_bytes(number: int) -> bytes:
    """Return the body of a request."""
    user_data = {"UserData1": f"value {number}", "UserData2": number}
    return json.dumps({"operationName": "UpdateUserData", "userData": user_data}, indent=2).encode()


def recorded(stubs: int, redaction: str = "secrets") -> Cassette:
    """Return a cassette of many updates of one session."""
    return Cassette(
        interactions=tuple(
            Exchange(
                request=Request(
                    method="POST", uri=f"http://gws.example{PATH}", headers=JSON, body=request_bytes(number)
                ),
                response=Response(
                    status=200,
                    reason="OK",
                    headers=JSON,
                    body=json.dumps({"statusCode": 0, "number": number, "pad": "x" * 600}, indent=2).encode(),
                ),
                began=float(number),
                ended=number + 0.1,
            )
            for number in range(stubs)
        ),
        header={
            "format": 1,
            "api": "gws-v2",
            "redaction": redaction,
            # What stands for a person's data in each request.
            "stand_ins": [f"value {number}" for number in range(stubs)] if redaction == "all" else [],
        },
    )


def message(path: str, body: bytes) -> bytes:
    """Spell a request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def exchanged(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> bytes:
    """Send a request and return the body of its response."""
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit((head + body).decode())
    return body


class Client(asyncio.Protocol):
    """Sends one number after the other on its connection, and checks each response; leaves time to others."""

    def __init__(self, numbers: Iterator[tuple[int, bytes]], over: "asyncio.Future[None]") -> None:
        self._numbers = numbers
        self._over = over
        self._got = b""
        self._number = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport  # type: ignore[assignment]
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Read a response, and send the next request when it is complete."""
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        length = LENGTH.search(self._got, 0, max(end, 0))
        is_whole = len(self._got) >= end + 4 + int(length[1]) if length else self._got.endswith(b"\r\n0\r\n\r\n")
        if end < 0 or not is_whole:
            return
        if not self._got.startswith(b"HTTP/1.1 200") or not NUMBER(self._number).search(self._got):
            self._over.set_exception(SystemExit(f"the answer to {self._number} is {self._got[:300]!r}"))
            return
        self._got = b""
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        if not self._over.done():
            self._over.set_exception(SystemExit(f"the server closed the connection: {error}"))

    def _ask(self) -> None:
        found = next(self._numbers, None)
        if self._transport and found:
            self._number = found[0]
            self._transport.write(found[1])
        elif self._transport and not self._over.done():
            self._over.set_result(None)
            self._transport.close()


async def load(port: int, clients: int, numbers: Sequence[int]) -> float:
    """Request all numbers, shared among so many clients; return the responses per second."""
    messages = [(number, message(PATH, request_bytes(number))) for number in numbers]
    rest = iter(messages)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    over = [loop.create_future() for _ in range(clients)]
    for each in over:
        await loop.create_connection(lambda each=each: Client(rest, each), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*over)
    return len(numbers) / (time.perf_counter() - began)


async def hold(port: int, count: int) -> list[asyncio.StreamWriter]:
    """Connect so many clients of CometD whose second connect is held."""

    async def client() -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def bayeux(**fields: object) -> dict[str, str]:
            body = json.dumps([{"id": "1", **fields}]).encode()
            responses = json.loads(await exchanged(reader, writer, message("/api/v2/notifications", body)))
            found: dict[str, str] = responses[0]
            return found

        shaken = await bayeux(channel="/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])
        connect = {
            "channel": "/meta/connect",
            "clientId": shaken["clientId"],
            "connectionType": "long-polling",
            "id": "2",
        }
        await bayeux(**connect)
        writer.write(message("/api/v2/notifications", json.dumps([connect]).encode()))
        return writer

    writers = [await client() for _ in range(count)]
    await asyncio.sleep(0.5)
    return writers


def passes(server: Server, clients: int, size: int) -> tuple[float, list[float]]:
    """Request all stubs twice; return the rate of the first time, and of each time per second of CPU time."""
    rates, of_a_core = [], []
    for _ in range(2):
        before = server.cpu
        rates.append(asyncio.run(load(server.port, clients, range(size))))
        of_a_core.append(size / (server.cpu - before))
        asyncio.run(rewind(server.port))
    return rates[0], of_a_core


async def rewind(port: int) -> None:
    """Let a server of ours begin again; the floor need not, and refuses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(message("/__gws_replay__/rewind", b""))
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


def held(cassette: Path) -> float:
    """Return how many megabytes held connects cost."""
    with running(OURS, cassette) as server:
        before = server.megabytes

        async def measured() -> float:
            writers = await hold(server.port, HELD)
            after = server.megabytes
            for writer in writers:
                writer.close()
            return after - before

        return asyncio.run(measured())


def main() -> None:
    """Print the tables."""
    print("Of one core, by CPU time: the first pass over all stubs, which makes the keys of all, and a later one.")
    stubs = int(sys.argv[1]) if len(sys.argv) > 1 else STUBS
    with tempfile.TemporaryDirectory() as folder:
        started = 0.0
        for size in sorted({100, 1000, stubs}):
            goals, ready = table(size, Path(folder), started)
            started = started or ready
        more = held(Path(folder, "secrets.yaml"))
        print(f"\n{HELD:,} held connects cost {more:.0f} MB more.")
        met([*goals, Goal(f"{HELD:,} held connects", more, 60, " MB")])


def table(size: int, folder: Path, started: float) -> tuple[list[Goal], float]:
    """Print the best of some runs, the servers in turn, each begun for its run.

    Return what is to be reached, and when the floor was ready; "started" is that of the smallest size.
    """
    rates: dict[tuple[str, int], float] = {}
    ready: dict[str, float] = {}
    memory: dict[str, float] = {}
    of_a_core: dict[str, list[float]] = {name: [0.0, 0.0] for name in SERVERS}
    for redaction in ("secrets", "all", "none"):
        save_cassette(recorded(size, redaction), folder / f"{redaction}.yaml")
    for clients in CLIENTS * ROUNDS:
        for name, (command, redaction) in SERVERS.items():
            with running(command, folder / f"{redaction}.yaml") as server:
                rate, of_each = passes(server, clients, size)
                of_a_core[name] = [max(each) for each in zip(of_a_core[name], of_each, strict=True)]
                rates[name, clients] = max(rate, rates.get((name, clients), 0.0))
                ready[name] = min(server.ready, ready.get(name, server.ready))
                memory[name] = max(server.megabytes, memory.get(name, 0.0))
    heads = " | ".join(f"{clients} client{'s' * (clients > 1)}" for clients in CLIENTS)
    print(f"\n| {size:,} stubs | {heads} | of one core, first | of one core, then | ready | memory |")
    print(f"|---|{'--:|' * (len(CLIENTS) + 4)}")
    for name in SERVERS:
        cells = " | ".join(f"{rates[name, clients]:,.0f}/s" for clients in CLIENTS)
        own = " | ".join(f"{each:,.0f}/s" for each in of_a_core[name])
        print(f"| {name} | {cells} | {own} | {ready[name]:.2f} s | {memory[name]:.0f} MB |", flush=True)
    floor = list(SERVERS)[-1]
    peers = [Peer("the floor", each, 15_300) for each in of_a_core[floor]]
    start = Peer("the floor at 100 stubs", started, 0.21)
    goals: list[Goal] = []
    for name in list(SERVERS)[:-1]:
        what = f"{name}, {size:,} stubs:"
        goals += [
            Goal(f"{what} requests of one core, first pass", of_a_core[name][0], 15_000, ">/s", peers[0]),
            Goal(f"{what} requests of one core, then", of_a_core[name][1], 15_000, ">/s", peers[1]),
            Goal(f"{what} ready", ready[name], 0.5, " s", start if started else None),
            Goal(f"{what} memory", memory[name], 120, " MB"),
        ]
    return goals, ready[floor]


if __name__ == "__main__":
    main()
