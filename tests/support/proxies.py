"""Real proxies, upstream servers and child processes on 127.0.0.1, for several test files."""

import os
import re
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange

PATIENCE = 60.0
SESSION = "0002DaAVKJ0V0095"
UPDATE = {"operationName": "UpdateUserData", "userData": {"UserData1": 987654321, "UserData2": "DATAUPDATE-@123"}}
GWS = (sys.executable, "-m", "gws_replay")
MITMDUMP = (sys.executable, "-c", "from mitmproxy.tools.main import mitmdump; mitmdump()")
_CLIENT_VARIABLES = re.compile(
    r"(http|https|all|no)_proxy|\w+_ca_bundle|ssl_cert_file|node_extra_ca_certs|gws_replay_url"
)


def environment(**more: str) -> dict[str, str]:
    """Return this environment without the variables that lead a client to a proxy."""
    clean = {key: value for key, value in os.environ.items() if not _CLIENT_VARIABLES.fullmatch(key.lower())}
    return {**clean, "PYTHONUNBUFFERED": "1", **more}


def wait_until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition to hold; fail when it takes too long."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int | None) -> list[int]:
    """Return the process ids of what a process has started: of a recording proxy, its writer."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Running:
    """A child process whose lines can be waited for; leaving it kills it if it still runs."""

    def __init__(self, command: Sequence[str], *, cwd: Path | None = None, **more: Any) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"env": environment(), **more},
        )
        pipes = ((self.process.stdout, self.out), (self.process.stderr, self.err))
        self._readers = [threading.Thread(target=_collect, args=pair) for pair in pipes]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.finish()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    @property
    def text(self) -> str:
        """All that was printed so far."""
        return "".join(self.out) + "".join(self.err)

    def line(self, part: str) -> str:
        """Wait for a line that contains the part, and return it."""

        def found() -> str | None:
            return next((line for line in (*self.out, *self.err) if part in line), None)

        wait_until(lambda: found() or self.process.poll() is not None, f"{part!r} in {self.text!r}")
        for reader in self._readers if self.process.poll() is not None else ():
            reader.join(PATIENCE)
        line = found()
        assert line is not None, f"no {part!r} in {self.text!r}"
        return line.rstrip("\n")

    def finish(self) -> int:
        """Wait for the end, and return the exit code."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code


def _collect(pipe: Any, lines: list[str]) -> None:
    lines.extend(pipe)  # line by line, as they come


def run(*command: str, cwd: Path | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and return what it printed."""
    options = {"env": environment(), "stdin": subprocess.DEVNULL, **more}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False, **options)


@contextmanager
def mitmdump(*arguments: str, cwd: Path | None = None) -> Iterator[tuple[Running, str]]:
    """Run mitmdump by hand on a free port; give the process and its URL."""
    listen = ("--listen-host", "127.0.0.1", "--listen-port", "0")
    with Running([*MITMDUMP, *listen, *arguments], cwd=cwd) as process:
        port = process.line("listening at").rstrip(".").rpartition(":")[2]
        yield process, f"http://localhost:{port}"


def client(url: str | None = None, *, auth: tuple[str, str] | None = ("agent1", "sandbox")) -> requests.Session:
    """Return an HTTP client that ignores the environment, logged in to a sandbox if a URL is given."""
    session = requests.Session()
    session.trust_env = False
    session.auth = auth
    if url:
        session.headers["X-CSRF-TOKEN"] = session.get(f"{url}/api/v2/me", timeout=PATIENCE).headers["X-CSRF-TOKEN"]
    return session


def operations(cassette: Cassette) -> list[str]:
    """Name the exchanges of a cassette: the operation where there is one, else method and path."""
    return [_named(exchange) for exchange in cassette.interactions]


def _named(exchange: Exchange) -> str:
    name = exchange.request_json.get("operationName") if isinstance(exchange.request_json, dict) else None
    return name or f"{exchange.request.method} {exchange.request.path}"


class Torn(bytes):
    """A response after which the upstream server resets the connection."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as it arrived at an upstream server: its head as it was spelled, and its body without chunks."""

    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        """The path that was requested."""
        return self.head.split(b" ", 2)[1].decode()


@dataclass(slots=True)
class Upstream:
    """A running upstream server and the requests it saw."""

    url: str
    requests: list[ReceivedRequest] = field(default_factory=list)


class AbruptHandler(socketserver.StreamRequestHandler):
    """Reads and writes one connection; the handler that sends the response decides how it ends."""

    def reset(self) -> None:
        """Let the connection end with a reset."""
        linger = (1).to_bytes(4, sys.byteorder) + bytes(4)
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def finish(self) -> None:
        """Close, whatever the client has done meanwhile."""
        with suppress(OSError):
            super().finish()
        self.request.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def shutdown_request(self, request: Any) -> None:
        request.close()  # and no orderly shutdown, which would turn a reset into an end


@contextmanager
def serving_sockets(handler: type[AbruptHandler]) -> Iterator[int]:
    """Serve connections in threads; give the port."""
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def upstream(reply: Callable[[ReceivedRequest], bytes], *, tls: ssl.SSLContext | None = None) -> Iterator[Upstream]:
    """Serve raw responses, each built by the function; connections are kept open."""

    class Handler(AbruptHandler):
        def handle(self) -> None:
            with suppress(OSError):
                if tls:
                    self.rfile.close()
                    self.wfile.close()
                    self.request.settimeout(PATIENCE)
                    self.request = self.connection = tls.wrap_socket(self.request, server_side=True)
                    self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
                while sent := _read(self.rfile):
                    running.requests.append(sent)
                    response = reply(sent)
                    self.wfile.write(response)
                    if isinstance(response, Torn):
                        self.reset()
                        return

    with serving_sockets(Handler) as port:
        running = Upstream(f"{'https' if tls else 'http'}://localhost:{port}")
        yield running


def _read(stream: Any) -> ReceivedRequest | None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    if re.search(rb"(?i)\ntransfer-encoding: *chunked", head):
        body = b""
        while size := int(stream.readline(), 16):
            body += stream.read(size + 2)[:-2]
        stream.readline()
        return ReceivedRequest(head, body)
    length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
    return ReceivedRequest(head, stream.read(int(length[1])) if length else b"")


def answered(body: bytes = b'{"statusCode": 0}', status: str = "200 OK", *headers: str) -> bytes:
    """Return a raw response with its length."""
    lines = [f"HTTP/1.1 {status}", *(headers or ("Content-Type: application/json",)), f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def raw_exchange(url: str, request: bytes) -> bytes:
    """Send a request that wants the connection closed afterwards; return everything that was received."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0), PATIENCE) as connection:
        connection.sendall(request)
        received = bytearray()
        with suppress(ConnectionResetError):
            while piece := connection.recv(1 << 16):
                received += piece
        return bytes(received)


@cache
def make_mitmproxy_ca() -> Path:
    """Make mitmproxy's own CA, as its first start would: several first starts at once would disturb each other."""
    from mitmproxy.certs import CertStore

    folder = Path("~/.mitmproxy").expanduser()
    CertStore.from_store(folder, "mitmproxy", 2048)
    return folder / "mitmproxy-ca-cert.pem"
