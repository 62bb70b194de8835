"""What recording costs: requests a second through mitmdump with our addon, beside an addon that does nothing and `-w`.

Reverse mode, 4 clients whose connections stay; updates with answers of 6 KB. All proxies run at once and are asked in
turn, in short rounds, and each round is compared with the same round of the addon that does nothing; so is the CPU time
of the proxy for a request. Every answer is checked, and that no exchange is missing in the cassettes. Then a
notification with 90 keys, as it is redacted. Needs mitmproxy. Run: python bench/recording.py [ROUNDS]
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

from gws_replay.core.policy import LEVELS, Policy
from gws_replay.files import load_cassette
from gws_replay.redaction import redactor

CLIENTS, EACH, ROUNDS = 4, 75, 12
ANSWER = json.dumps({"statusCode": 0, "userData": {f"Key{number}": "value " * 10 for number in range(80)}}).encode()
PATH = "/api/v2/me/chats/0001"
NOTHING = "class Nothing:\n    def response(self, flow):\n        pass\naddons = [Nothing()]\n"
ADDON = Path(__file__).parents[1] / "gws_replay" / "addon.py"
MITMDUMP = "import sys; from mitmproxy.tools.main import mitmdump; mitmdump(sys.argv[1:])"
FLOOR = "an addon that does nothing"


@dataclass
class Proxy:
    """A proxy that runs: where, and what was measured: requests a second, and milliseconds of CPU for one request."""

    port: int
    pid: int
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """The seconds of CPU time that the process has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer everything alike, head and body in one piece."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\n\r\n".encode()
    try:
        while True:
            asked = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.findall(rb"(?i)content-length: (\d+)", asked)[0]))
            writer.write(head + ANSWER)
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        writer.close()


@contextmanager
def proxy(address: str, *options: str) -> Iterator[Proxy]:
    """Run mitmdump before the upstream; it is told to stop, and saves, in the end."""
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
    """Ask so often, on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in range(count):
        sent = {f"Key{key}": request * CLIENTS + number for key in range(10)}
        body = json.dumps({"operationName": "UpdateUserData", "userData": sent}).encode()
        fields = "Host: gws.example\r\nContent-Type: application/json\r\nAuthorization: Basic YTpiYmJi"
        writer.write(f"POST {PATH} HTTP/1.1\r\n{fields}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
        if await reader.readexactly(length) != ANSWER:
            raise SystemExit("a wrong answer")
    writer.close()


async def measure(proxies: dict[str, Proxy], rounds: int) -> None:
    """Ask each proxy in turn; the first round only warms them."""
    for number in range(rounds + 1):
        for each in proxies.values():
            cpu, began = each.cpu, time.perf_counter()
            await asyncio.gather(*(client(each.port, number, EACH) for number in range(CLIENTS)))
            took = time.perf_counter() - began
            if number:
                each.rates.append(CLIENTS * EACH / took)
                each.costs.append((each.cpu - cpu) / (CLIENTS * EACH) * 1000)


async def run(folder: Path, rounds: int) -> dict[str, Proxy]:
    """Run all the proxies and the upstream; leaving them saves the cassettes."""
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
        await measure(proxies, rounds)
        server.close()
    return proxies


def notification(number: int) -> bytes:
    """Spell the answer of a connect with a notification of 90 keys; two of them, and three people's, are new."""
    data: dict[str, object] = {f"Key {key}": f"value {key}" if key % 3 else key for key in range(87)}
    data |= {"Key 1": f"new {number}", "Key 3": number, "FirstName": f"Anna{number}", "LastName": f"Berg{number}"}
    data |= {"EmailAddress": f"anna{number}@customer.example.net"}
    about = {"id": "0001", "state": "Chatting", "userData": data}
    told = {"referenceId": number, "notificationType": "PropertiesUpdated", "facebooksession": about}
    return json.dumps([{"channel": "/v2/me/facebooksession", "data": told}]).encode()


def main() -> None:
    """Print the tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as root:
        proxies = asyncio.run(run(Path(root), rounds))
        for level in LEVELS:
            found = len(load_cassette(Path(root, f"{level}.yaml")).interactions)
            if found != (rounds + 1) * CLIENTS * EACH:
                raise SystemExit(f"the cassette {level} holds {found} exchanges of {(rounds + 1) * CLIENTS * EACH}")
    print("| recorded by | requests a second | of the floor's | CPU for a request | of the floor's |")
    print("|---|--:|--:|--:|--:|")
    floor = proxies[FLOOR]
    for name, each in proxies.items():
        rate = statistics.median(mine / other for mine, other in zip(each.rates, floor.rates, strict=True))
        cost = sum(each.costs) / sum(floor.costs)
        cpu = statistics.mean(each.costs)
        print(f"| {name} | {max(each.rates):,.0f} | {rate:.2f} | {cpu:.2f} ms | {cost:.2f} |", flush=True)
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
    ours = proxies["gws_replay, redacts all"]
    rate = statistics.median(mine / other for mine, other in zip(ours.rates, floor.rates, strict=True))
    met(
        [
            Goal("recording with redaction, of the rate of an addon that does nothing", rate, 0.92, ">"),
            Goal("a notification of 90 keys, redacted", statistics.median(took) * 1000, 0.3, " ms"),
        ]
    )


if __name__ == "__main__":
    main()
