"""Edge: runs mitmdump with our addon in front of a GWS server, and a command behind it.

The proxy is a child process. It stops, and saves, at the end of its standard input: so it saves even when this process
is killed. It sends events as lines that begin with a prefix; all other lines are mitmproxy's own log.
"""

import importlib.util
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from gws_replay.errors import GwsReplayError
from gws_replay.recording.split import Split
from gws_replay.settings.redaction import KEY_VARIABLE
from gws_replay.settings.upstream import ca_of, check_proxy, check_upstream, trusting
from gws_replay.storage.files import check_new, reason

_EVENT_PREFIX = "gws-replay-event "
_START_TIMEOUT = 60.0
_NAMES = {"127.0.0.1": "localhost", "0.0.0.0": "localhost", "::": "[::1]"}  # noqa: S104 (to be reached at, not bound)
_MITMDUMP = "from mitmproxy.tools.main import mitmdump; mitmdump()"
ADDON = Path(__file__).parent.parent / "addon.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to record and how. In reverse mode `upstream` is required; in regular mode it limits what is recorded."""

    cassette: Path
    upstream: str | None = None
    mode: Literal["reverse", "regular"] = "reverse"
    host: str = "127.0.0.1"
    port: int = 0
    filter: str | None = None
    redact: str = "all"
    rules: Mapping[str, Sequence[str]] = field(default_factory=dict)  # keep, secret, personal
    key: str = field(default="", repr=False)  # of the stand-ins; the proxy's own choice where there is none
    split: str = ""  # 100MB, 1h: when to go on in the next part
    force: bool = False
    insecure: bool = False
    upstream_ca: Path | None = None
    client_cert: Path | None = None
    tls: bool = False  # reverse mode: the proxy itself speaks HTTPS, with a certificate of mitmproxy's own CA
    via: str | None = None  # an HTTP proxy to reach the server through; None: as the environment says


@dataclass(slots=True)
class Recorder:
    """A running recording proxy, as a context manager; leaving it saves the cassette.

    `say` gets each live line; `log` each line of mitmproxy's own log.
    Raises GwsReplayError when the proxy cannot start (with the reason) or save.
    """

    settings: Settings
    say: Callable[[str], None] = lambda _line: None
    log: Callable[[str], None] = lambda _line: None
    url: str = ""
    saved: list[dict[str, Any]] = field(default_factory=list)  # what was saved: several parts where it is split
    failed: GwsReplayError | None = None
    _process: "subprocess.Popen[str] | None" = None
    _reader: threading.Thread | None = None
    _ready: "queue.Queue[dict[str, Any] | None]" = field(default_factory=queue.Queue)
    _last_line: str = ""
    _stopping: bool = False

    def __enter__(self) -> Self:
        _check(self.settings)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _MITMDUMP, *_arguments(self.settings)],
            env=_proxy_environment(self.settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is for this process, which then closes the proxy's input
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        )
        self._reader = threading.Thread(target=self._read, name="gws-replay recorder", daemon=True)
        self._reader.start()
        try:
            ready = self._ready.get(timeout=_START_TIMEOUT)
        except queue.Empty:
            self._process.kill()
            raise GwsReplayError(f"mitmproxy did not start within {_START_TIMEOUT:.0f} seconds") from None
        except BaseException:
            self._stop()
            raise
        if ready is None:
            self._stop()
            raise self.failed or GwsReplayError(f"mitmproxy did not start: {self._last_line or 'it gave no reason'}")
        host, port = ready["address"]
        name = _NAMES.get(host) or (f"[{host}]" if ":" in host else host)
        self.url = f"{'https' if self.settings.tls else 'http'}://{name}:{port}"
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop()
        if kind is not None and issubclass(kind, Exception):
            return  # the caller's own error says more
        if self.failed:
            raise self.failed
        if not self.saved:
            raise GwsReplayError(
                "the proxy ended before it could save; save what it recorded with: gws-replay recover "
                f"{self.settings.cassette}.journal",
                exit_code=4,
            )

    @property
    def pid(self) -> int | None:
        """The process id of the proxy."""
        return self._process.pid if self._process else None

    def environment(self) -> dict[str, str]:
        """Return the environment for a client: this one, and where the proxy is.

        Reverse mode: `GWS_REPLAY_URL`. Regular mode: the proxy variables in lower and upper case. With TLS on this
        side: mitmproxy's CA for Python, curl and Node.
        """
        environment = dict(os.environ)
        if self.settings.mode == "reverse":
            environment |= {"GWS_REPLAY_URL": self.url}
        else:
            for name in ("http_proxy", "https_proxy", "all_proxy"):
                environment |= {name: self.url, name.upper(): self.url}
            environment |= {"no_proxy": "", "NO_PROXY": ""}
        if self.settings.mode == "reverse" and not self.settings.tls:
            return environment
        ca = Path("~/.mitmproxy/mitmproxy-ca-cert.pem").expanduser()
        certificates = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        return environment | dict.fromkeys(certificates, str(ca))

    def wait(self) -> None:
        """Wait until the proxy ends by itself."""
        if self._process:
            self._process.wait()

    def _stop(self) -> None:
        self._stopping = True
        if self._process and self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()
        if self._reader:
            self._reader.join()
        if self._process and self._process.stdout:
            self._process.stdout.close()

    def _read(self) -> None:
        """Sort the proxy's lines, in a thread of its own."""
        for line in (self._process and self._process.stdout) or ():
            if line.startswith(_EVENT_PREFIX):
                self._take(json.loads(line.removeprefix(_EVENT_PREFIX)))
            elif line.strip():
                self._last_line = line.strip()
                self.log(line.rstrip())
        self._ready.put(None)

    def _take(self, event: Mapping[str, Any]) -> None:
        kind = event["kind"]
        for line in event.get("lines", ()):
            self.say(line)
        if kind == "ready":
            self._ready.put(dict(event))
        elif kind == "saved":
            self.saved.append(dict(event))
            if not self._stopping:
                self.say(event["text"])
        elif kind == "failed":
            self.failed = GwsReplayError(event["text"], exit_code=event["exit_code"])
            if self.url and not self._stopping:
                self.say(event["text"])


def _check(settings: Settings) -> None:
    if importlib.util.find_spec("mitmproxy") is None:
        raise GwsReplayError("recording needs mitmproxy, which is not installed: pip install 'gws-replay[record]'")
    if settings.mode == "reverse" and not settings.upstream:
        raise GwsReplayError("reverse mode needs the server's address: --upstream https://gws.example.com")
    if settings.upstream:
        check_upstream(settings.upstream)
    if settings.via:
        check_proxy(settings.via)
    if not settings.insecure:
        trusting(settings.upstream_ca, settings.client_cert)
    # The writer checks these, too; but mitmproxy takes seconds to start.
    Split.parse(settings.split)
    check_new(settings.cassette, force=settings.force)
    _check_free(settings.host, settings.port)


def _check_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise GwsReplayError(
                f"cannot listen on {host}:{port}: {reason(error)}; choose another address with --listen {host}:0"
            ) from None


def _proxy_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the proxy process: what has no place among its arguments, which everybody can see."""
    environment = dict(os.environ)
    if settings.key:
        environment[KEY_VARIABLE] = settings.key
    if settings.via is not None:
        for name in ("http_proxy", "https_proxy"):
            environment |= {name: settings.via, name.upper(): settings.via}
        environment |= {"no_proxy": "", "NO_PROXY": ""}
    return environment


def _arguments(settings: Settings) -> list[str]:
    upstream = (settings.upstream or "").rstrip("/")
    options = {
        "listen_host": settings.host,
        "listen_port": settings.port,
        "termlog_verbosity": "warn",
        "flow_detail": 0,
        "ssl_insecure": str(settings.insecure).lower(),
        "gws_cassette": settings.cassette,
        "gws_redact": settings.redact,
        "gws_split": settings.split,
        "gws_force": str(settings.force).lower(),
        "gws_via_environment": "true",
        "gws_events": "true",
    }
    if settings.mode == "reverse":
        # Read the request before the server is reached, so that a client gets a 502 when it is down, and we a record.
        options["connection_strategy"] = "lazy"
    if ca := ca_of(settings.upstream_ca):
        options["ssl_verify_upstream_trusted_ca"] = ca
    if settings.client_cert:
        options["client_certs"] = settings.client_cert
    if settings.filter:
        options["gws_filter"] = settings.filter
    if settings.mode == "regular" and upstream:
        options["gws_upstream"] = upstream
    mode = f"reverse:{upstream}" if settings.mode == "reverse" else "regular"
    given = [*options.items(), *((f"gws_{name}", rule) for name, rules in settings.rules.items() for rule in rules)]
    sets = [part for name, value in given for part in ("--set", f"{name}={value}")]
    return ["--mode", mode, "-s", str(ADDON), *sets]
