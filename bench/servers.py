"""The replay server beside others: WireMock, talkback and mitmproxy's server replay, with the same 10,000 stubs.

Requests a second of 32 clients (500 requests, each response checked), when each is ready, and its memory. WireMock
needs Java, talkback Node; both come from npm into a temporary folder, and what cannot be had is reported.
Run: python bench/servers.py [STUBS]
"""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from server import OURS, PATH, Server, load, recorded

from gws_replay.core.cassette import Cassette
from gws_replay.storage.files import save_cassette

STUBS, CLIENTS, REQUESTS = 10_000, 32, 500
PACKAGES = ("wiremock@3", "talkback@4")
TALKBACK = """
const talkback = require("talkback");
const [port, path] = process.argv.slice(2);
talkback({
  host: "http://127.0.0.1:9", port: Number(port), path, silent: true, allowHeaders: [],
  record: talkback.Options.RecordMode.DISABLED, fallbackMode: talkback.Options.FallbackMode.NOT_FOUND,
}).start();
"""
# Writes the flows that mitmproxy replays.
FLOWS = """
import sys
from mitmproxy.http import Request, Response
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow
from gws_replay.storage.files import load_cassette
with open(sys.argv[2], "wb") as file:
    writer = FlowWriter(file)
    for each in load_cassette(sys.argv[1]).interactions:
        fields = {"Content-Type": "application/json"}
        request = Request.make(each.request.method, "http://127.0.0.1:9" + each.request.path, each.request.body, fields)
        writer.add(tflow.tflow(req=request, resp=Response.make(200, each.response.body, fields)))
"""
MITMDUMP = "import sys; from mitmproxy.tools.main import mitmdump; mitmdump(sys.argv[1:])"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wiremock(folder: Path, cassette: Cassette, port: int) -> Sequence[str]:
    """Write the stubs; return the command."""
    stubs = [
        {
            "request": {
                "method": "POST",
                "urlPath": PATH,
                "bodyPatterns": [{"equalToJson": each.request.body.decode()}],
            },
            "response": {
                "status": 200,
                "body": each.response.body.decode(),
                "headers": {"Content-Type": "application/json"},
            },
        }
        for each in cassette.interactions
    ]
    (folder / "mappings").mkdir()
    (folder / "mappings" / "all.json").write_text(json.dumps({"mappings": stubs}), "utf-8")
    jar = next(Path(folder, "node_modules", "wiremock").rglob("*.jar"))
    options = ("--root-dir", str(folder), "--port", str(port), "--no-request-journal", "--disable-banner")
    return ("java", "-jar", str(jar), *options)


def talkback(folder: Path, cassette: Cassette, port: int) -> Sequence[str]:
    """Write the tapes; return the command."""
    tapes = folder / "tapes"
    tapes.mkdir()
    meta = {"createdAt": "2026-01-01", "host": "x", "reqHumanReadable": True, "resHumanReadable": True}
    for number, each in enumerate(cassette.interactions):
        requested = {"url": PATH, "method": "POST", "headers": {"content-type": "application/json"}}
        answered = {"status": 200, "headers": {"content-type": ["application/json"]}}
        tape = {
            "meta": meta,
            "req": {**requested, "body": json.loads(each.request.body)},
            "res": {**answered, "body": json.loads(each.response.body)},
        }
        (tapes / f"{number}.json5").write_text(json.dumps(tape), "utf-8")
    (folder / "talkback.js").write_text(TALKBACK, "utf-8")
    return ("node", str(folder / "talkback.js"), str(port), str(tapes))


def mitmproxy(folder: Path, _cassette: Cassette, port: int) -> Sequence[str]:
    """Write the flows; return the command."""
    flows = folder / "flows"
    subprocess.run([sys.executable, "-c", FLOWS, str(folder / "secrets.yaml"), str(flows)], check=True)
    options = ("-q", "--mode", "reverse:http://127.0.0.1:9", "-p", str(port), "--server-replay", str(flows))
    return (sys.executable, "-c", MITMDUMP, *options, "--set", "connection_strategy=lazy")


def ours(folder: Path, _cassette: Cassette, port: int) -> Sequence[str]:
    """Return the command."""
    return (sys.executable, *OURS, str(folder / "secrets.yaml"), "--port", str(port))


@contextmanager
def running(command: Sequence[str], folder: Path, port: int, sent: bytes) -> Iterator[Server]:
    """Run a server, which is ready when it answers a request."""
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet, text=True) as process:
        try:
            while not asyncio.run(_answers(port, sent)):
                if process.poll() is not None or time.perf_counter() - began > 120:
                    raise SystemExit(f"{command[0]} does not answer")
                time.sleep(0.02)
            yield Server(port, time.perf_counter() - began, process)
        finally:
            process.kill()


async def _answers(port: int, sent: bytes) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        status = await reader.readline()
        writer.close()
    except OSError:
        return False
    return bool(re.match(rb"HTTP/1.1 \d", status))


def main() -> None:
    """Print the table."""
    stubs = int(sys.argv[1]) if len(sys.argv) > 1 else STUBS
    cassette = recorded(stubs)
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        save_cassette(cassette, folder / "secrets.yaml")
        ways = {"gws_replay": ours}
        if shutil.which("npm") and shutil.which("java"):
            npm = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", root, *PACKAGES]
            done = subprocess.run(npm, check=False, capture_output=True, text=True)
            if not done.returncode:
                ways |= {"WireMock": wiremock, "talkback": talkback}
        if find_spec("mitmproxy"):
            ways["mitmproxy's server replay"] = mitmproxy
        print(f"| {stubs:,} stubs, {CLIENTS} clients | requests a second | ready | memory |\n|---|--:|--:|--:|")
        step = max(1, stubs // REQUESTS)
        for name, prepare in ways.items():
            port = free_port()
            with running(prepare(folder, cassette, port), folder, port, NOTHING) as server:
                rate = asyncio.run(load(port, CLIENTS, range(0, stubs, step)))
                print(f"| {name} | {rate:,.0f} | {server.ready:.2f} s | {server.megabytes:,.0f} MB |", flush=True)
        for name in ("WireMock", "talkback", "mitmproxy's server replay"):
            if name not in ways:
                print(f"| {name} | not run: it cannot be had here | | |")


NOTHING = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"


if __name__ == "__main__":
    main()
