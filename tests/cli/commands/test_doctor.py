"""`gws-replay doctor`: each line is OK, or names the fix."""

import importlib.util
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gws_replay.sandbox.server import RunningSandbox, serving
from tests.support.commands import command_line, refused
from tests.support.proxies import answered, upstream


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without proxies, CAs and credentials, in a folder of its own."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GWS_REPLAY_USER", "GWS_REPLAY_PASSWORD", "GWS_REPLAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A correct server."""
    with serving() as running:
        yield running


def fixes(*arguments: str) -> list[str]:
    """The lines that are not OK; the exit code agrees with them."""
    ended = command_line("doctor", *arguments)
    found = [line for line in ended.out.splitlines() if line.startswith("FIX  ")]
    assert (1 if found else 0) == ended.code, ended.out + ended.err
    assert all(line.startswith(("OK   ", "FIX  ")) for line in ended.out.splitlines())
    return found


def test_all_checks_pass(environment: pytest.MonkeyPatch, sandbox: RunningSandbox) -> None:
    """Versions, the folder, certificates, proxies, the server, CometD."""
    environment.setenv("GWS_REPLAY_USER", sandbox.user)
    environment.setenv("GWS_REPLAY_PASSWORD", sandbox.password)
    ended = command_line("doctor", "--upstream", sandbox.url)
    assert 0 == ended.code, ended.out
    for part in ("Python 3.", "gws-replay ", "mitmproxy ", "cassettes can be written", "certificates are verified"):
        assert f"OK   {part}" in ended.out
    assert "no HTTP proxy is set" in ended.out
    assert f"OK   CometD shakes hands at {sandbox.url}/api/v2/notifications" in ended.out
    assert sandbox.password not in ended.out


def test_the_results_are_json_too(sandbox: RunningSandbox) -> None:
    """One document a line."""
    documents = [json.loads(line) for line in command_line("doctor", "--json").out.splitlines()]
    assert all({"ok", "text", "fix"} == document.keys() for document in documents)


def test_missing_credentials_name_the_variables(sandbox: RunningSandbox) -> None:
    """The fix names the variables."""
    (line,) = fixes("--upstream", sandbox.url)
    assert f"no CometD handshake at {sandbox.url}/api/v2/notifications (HTTP 401): set GWS_REPLAY_USER" in line


def test_cometd_at_another_path_is_reported(environment: pytest.MonkeyPatch, sandbox: RunningSandbox) -> None:
    """The fix is to give its path."""
    environment.setenv("GWS_REPLAY_USER", sandbox.user)
    environment.setenv("GWS_REPLAY_PASSWORD", sandbox.password)
    (line,) = fixes("--upstream", sandbox.url, "--cometd", "/elsewhere")
    assert "name the path of CometD with --cometd" in line


def test_unreachable_server_is_reported() -> None:
    """With the reason of the operating system, and the next step."""
    (line,) = fixes("--upstream", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1 does not respond: cannot reach http://127.0.0.1:1: " in line
    assert "; check --upstream and that the server runs" in line


def test_unreachable_proxy_is_reported(environment: pytest.MonkeyPatch) -> None:
    """The next step is about the proxy, not the server."""
    environment.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    (line,) = fixes("--upstream", "https://gws.example.invalid")
    assert "https://gws.example.invalid through the HTTP proxy of the environment: " in line
    assert (
        "; check the proxy's address, and the user and password in it, or put the server's host into NO_PROXY" in line
    )


def test_proxy_that_refuses_is_reported(environment: pytest.MonkeyPatch) -> None:
    """With its status."""
    with upstream(lambda _: answered(b"", "407 Proxy Authentication Required")) as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        (line,) = fixes("--upstream", "https://gws.example.invalid")
    assert ": the proxy refused (HTTP 407 Proxy Authentication Required); check the proxy's address" in line


def test_missing_mitmproxy_is_reported(environment: pytest.MonkeyPatch) -> None:
    """The fix is the pip line."""
    find: Any = importlib.util.find_spec
    environment.setattr(importlib.util, "find_spec", lambda name: None if name == "mitmproxy" else find(name))
    (line,) = fixes()
    assert line.endswith(
        "mitmproxy is not installed, so it cannot record through a proxy: pip install 'gws-replay[record]'"
    )


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SSL_CERT_FILE", "missing.pem", "SSL_CERT_FILE missing.pem is not a certificate"),
        ("HTTPS_PROXY", "socks5://127.0.0.1:1", "HTTPS_PROXY cannot be used"),
    ],
)
def test_unusable_variable_is_named(environment: pytest.MonkeyPatch, variable: str, value: str, message: str) -> None:
    """By name."""
    environment.setenv(variable, value)
    (line,) = fixes()
    assert message in line


def test_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """Here a file has the name of the folder."""
    (tmp_path / "file").touch()
    (line,) = fixes("--cassettes", "file")
    assert "cannot write in file" in line


def test_busy_port_is_not_an_error() -> None:
    """Another one can be chosen."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        except OSError:
            pass  # another process has the port, which serves the test as well
        assert "OK   port 8080 is taken: without a command, record needs --listen" in command_line("doctor").out


def test_wrong_address_is_refused() -> None:
    """As in every command."""
    assert "is not an address" in refused(command_line("doctor", "--upstream", "gws.example"))
