"""What recording costs: requests a second through mitmdump with our addon, beside an addon that does nothing and `-w`.

Reverse mode, 4 clients and then 32, whose connections stay; updates with responses of 6 KB. All proxies run at once and
are sent in turn, in short rounds, and each round is compared with the same round of the addon that does nothing; so is
the CPU time of the proxy for a request. Its writer takes CPU time of its own, and needs a processor beside the proxy's.
Every response is checked, and that no exchange is missing in the cassettes. Then a notification with 90 keys, as it is
redacted. Needs mitmproxy. Run: python bench/recording.py [ROUNDS]
"""

import asyncio
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from goals import Goal, met

from gws_replay.core.redaction.policy import LEVELS, Policy
from gws_replay.settings.redaction import redactor
from gws_replay.storage.files import load_cassette

CLIENTS, EACH, ROUNDS = (4, 32), 300, 8
ANSWER = json.dumps({"statusCode": 0, "userData": {f"Key{number}": "value " * 10 for number in range(80)}}).encode()
PATH = "/api/v2/me/chats/0001"
NOTHING = "class Nothing:\n    def response(self, flow):\n        pass\naddons = [Nothing()]\n"
ADDON = Path(__file__).parents[1] / "gws_replay" / "addon.py"
MITMDUMP = "import sys; from mitmproxy.tools.main import mitmdump; mitmdump(sys.argv[1:])"
FLOOR = "an addon that does nothing"


@dataclass
class Proxy:
    """A proxy that runs: where, and what was measured: requests a second, and milliseconds of CPU for one request.

    That of its writer is apart.
    """

    port: int
    pid: int
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """The seconds of CPU time that the process has taken."""
        return cpu(self.pid)

    @property
    def cpu_beside(self) -> float:
        """The seconds of CPU time that its writer has taken."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("utf-8").split()
        return sum(cpu(int(each)) for each in found)


def cpu(pid: int) -> float:
    """Return the seconds of CPU time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer everything alike, head and body in one piece."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\n\r\n".encode()
    try:
        while True:
            request_count = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.findall(rb"(?i)content-length: (\d+)", request_count)[0]))
            writer.write(head + ANSWER)
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        writer.close()


@contextmanager
def proxy(address: str, *options: str) -> Iterator[Proxy]:
    """Run mitmdump in front of the upstream; at the end it is stopped, and saves."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    given = ["--mode", f"reverse:{address}", "--listen-host", "127.0.0.1", "-p", str(port), *options]
    with subprocess.Popen([sys.executable, "-c", MITMDUMP, "-q", *given]) as process:
        try:
            while process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield Proxy(port, process.pid)
        finally:
            process.terminate()
            process.wait(120)


async def client(port: int, number: int, count: int) -> None:
    """Send so many requests on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in range(count):
        sent = {f"Key{key}": request * 100 + number for key in range(10)}
        body = json.dumps({"operationName": "UpdateUserData", "userData": sent}).encode()
        fields = "Host: gws.example\r\nContent-Type: application/json\r\nAuthorization: Basic YTpiYmJi"
        writer.write(f"POST {PATH} HTTP/1.1\r\n{fields}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
        if await reader.readexactly(length) != ANSWER:
            raise SystemExit("a wrong answer")
    writer.close()


async def measure(proxies: dict[str, Proxy], clients: int, rounds: int) -> None:
    """Send to each proxy in turn; the first round only warms them."""
    count = EACH // clients
    for each in proxies.values():
        each.rates, each.costs, each.beside = [], [], []
    for turn in range(rounds + 1):
        for each in proxies.values():
            before, beside, began = each.cpu, each.cpu_beside, time.perf_counter()
            await asyncio.gather(*(client(each.port, number, count) for number in range(clients)))
            took = time.perf_counter() - began
            if turn:
                each.rates.append(clients * count / took)
                each.costs.append((each.cpu - before) / (clients * count) * 1000)
                each.beside.append((each.cpu_beside - beside) / (clients * count) * 1000)


async def run(folder: Path, rounds: int) -> list[Goal]:
    """Run all the proxies and the upstream, and print what was measured; leaving them saves the cassettes."""
    server = await asyncio.start_server(upstream, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    (folder / "nothing.py").write_text(NOTHING, "utf-8")
    ours = {
        f"gws_replay, redacts {level}": (
            "-s", str(ADDON), "--set", f"gws_cassette={folder / level}.yaml", "--set", f"gws_redact={level}",
        )
        for level in sorted(LEVELS)
    }  # fmt: skip
    floor = {FLOOR: ("-s", str(folder / "nothing.py")), "mitmdump -w": ("-w", str(folder / "flows"))}
    with ExitStack() as stack:
        proxies = {name: stack.enter_context(proxy(address, *options)) for name, options in {**floor, **ours}.items()}
        goals = []
        for clients in CLIENTS:
            await measure(proxies, clients, rounds)
            goals.append(
                Goal(
                    f"recording with redaction, {clients} clients, of the rate of an addon that does nothing",
                    table(proxies, clients),
                    0.92,
                    ">",
                )
            )
        server.close()
    return goals


def table(proxies: dict[str, Proxy], clients: int) -> float:
    """Print what was measured with so many clients; return the rate with redaction, as a share of the floor's."""
    head = "requests a second | of the floor's | CPU for a request | of the floor's | CPU of the writer"
    print(f"\n| {clients} clients, recorded by | {head} |")
    print("|---|--:|--:|--:|--:|--:|")
    floor = proxies[FLOOR]
    shares = {}
    for name, each in proxies.items():
        shares[name] = statistics.median(mine / other for mine, other in zip(each.rates, floor.rates, strict=True))
        cost = sum(each.costs) / sum(floor.costs)
        beside = f"{statistics.mean(each.beside):.2f} ms" if any(each.beside) else ""
        spent = f"{statistics.mean(each.costs):.2f} ms | {cost:.2f} | {beside}"
        print(f"| {name} | {max(each.rates):,.0f} | {shares[name]:.2f} | {spent} |", flush=True)
    return shares["gws_replay, redacts all"]


def notification(number: int) -> bytes:
    """Spell the response of a connect with a notification of 90 keys; two of them, and three people's, are new."""
    data: dict[str, object] = {f"Key {key}": f"value {key}" if key % 3 else key for key in range(87)}
    data |= {"Key 1": f"new {number}", "Key 3": number, "FirstName": f"Anna{number}", "LastName": f"Berg{number}"}
    data |= {"EmailAddress": f"anna{number}@customer.example.net"}
    about = {"id": "0001", "state": "Chatting", "userData": data}
    pushed = {"referenceId": number, "notificationType": "PropertiesUpdated", "facebooksession": about}
    return json.dumps([{"channel": "/v2/me/facebooksession", "data": pushed}]).encode()


def main() -> None:
    """Print the tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as root:
        goals = asyncio.run(run(Path(root), rounds))
        request_count = (rounds + 1) * sum(EACH // clients * clients for clients in CLIENTS)
        for level in LEVELS:
            found = len(load_cassette(Path(root, f"{level}.yaml")).interactions)
            if found != request_count:
                raise SystemExit(f"the cassette {level} holds {found} exchanges of {request_count}")
    print("\n| a notification of 90 keys | redacted in |\n|---|--:|")
    took: list[float] = []
    for level in ("secrets", "all"):
        using = redactor(Policy(level))
        took.clear()
        for number in range(1000):
            body = notification(number)
            began = time.process_time()
            using.body(body)
            took.append(time.process_time() - began)
        print(f"| {level} | {statistics.median(took) * 1000:.2f} ms |")
    met([*goals, Goal("a notification of 90 keys, redacted", statistics.median(took) * 1000, 0.3, " ms")])


if __name__ == "__main__":
    main()
