"""The server is reached through an HTTP proxy of the company, named by an option or by the environment."""

import base64
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from gws_replay.errors import GwsReplayError
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from tests.support.authorities import make_authority
from tests.support.proxies import PATIENCE, AbruptHandler, answered, client, operations, serving_sockets, upstream

ME = "/api/v2/me"


class CompanyProxy:
    """Connects every CONNECT, to whatever host, to one port of this machine; keeps the heads of requests."""

    def __init__(self, port: int) -> None:
        self.heads: list[str] = []
        proxy = self

        class Handler(AbruptHandler):
            def handle(self) -> None:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += self.rfile.readline()
                proxy.heads.append(head.decode())
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with socket.create_connection(("127.0.0.1", port), PATIENCE) as server:
                    back = threading.Thread(target=_pass_on, args=(server, self.request))
                    back.start()
                    _pass_on(self.request, server)
                    back.join()

        self.handler = Handler


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_server_behind_a_proxy(tmp_path: Path, environment: pytest.MonkeyPatch, how: str) -> None:
    """Only the proxy knows its name; the proxy's password is in no file."""
    authority = make_authority(tmp_path)
    with upstream(lambda _: answered(), tls=authority.server) as server:
        company = CompanyProxy(int(server.url.rpartition(":")[2]))
        with serving_sockets(company.handler) as port:
            url = f"http://joe:s3cr3t-of-joe@127.0.0.1:{port}"
            if how == "environment":
                environment.setenv("HTTPS_PROXY", url)
            settings = Settings(
                cassette=tmp_path / "c.yaml",
                upstream="https://gws.inside.example",
                insecure=True,
                via=url if how == "option" else None,
            )
            with Recorder(settings) as recorder, client() as agent:
                assert 200 == agent.get(recorder.url + ME, timeout=PATIENCE).status_code
    (head,) = company.heads
    assert head.startswith("CONNECT gws.inside.example:443 HTTP/1.1\r\n")
    assert base64.b64encode(b"joe:s3cr3t-of-joe").decode() in head
    cassette = load_cassette(tmp_path / "c.yaml")
    assert [f"GET {ME}"] == operations(cassette)
    assert "https://gws.inside.example/api/v2/me" == cassette.interactions[0].request.uri
    assert "s3cr3t" not in (tmp_path / "c.yaml").read_text()


def test_no_proxy_variable_is_respected(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    """As by other tools."""
    environment.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    environment.setenv("NO_PROXY", "localhost.localdomain,127.0.0.1")
    with (
        upstream(lambda _: answered()) as server,
        Recorder(Settings(cassette=tmp_path / "c.yaml", upstream=server.url)) as recorder,
        client() as agent,
    ):
        assert 200 == agent.get(recorder.url + ME, timeout=PATIENCE).status_code


@pytest.mark.parametrize("via", ["socks5://127.0.0.1:1", "http://", "proxy.example:notaport"])
def test_a_proxy_that_cannot_be_used_is_refused(tmp_path: Path, via: str) -> None:
    """At the start, without its password."""
    settings = Settings(cassette=tmp_path / "c.yaml", upstream="http://gws.example", via=via)
    with (
        pytest.raises(GwsReplayError, match=r"must be given as http://\[USER:PASSWORD@\]HOST:PORT"),
        Recorder(settings),
    ):
        pass
