"""`Recorder` in front of real servers: both modes, HTTPS, and everything that can be wrong with a server or a start."""

import os
import signal
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gws_replay.errors import GwsReplayError
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.sandbox.server import serving
from gws_replay.storage.files import load_cassette
from tests.support.proxies import (
    GWS,
    PATIENCE,
    SESSION,
    UPDATE,
    Torn,
    alive,
    answered,
    client,
    environment,
    operations,
    run,
    upstream,
)

ME = "/api/v2/me"


def test_reverse_mode(tmp_path: Path) -> None:
    """The client sends to the recorder's address; live lines and cassette name the operations."""
    lines: list[str] = []
    with serving(push_delay=0) as sandbox:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=sandbox.url)
        with Recorder(settings, say=lines.append) as recorder, client(recorder.url) as agent:
            reply = agent.post(f"{recorder.url}{ME}/facebooksessions/{SESSION}", json=UPDATE, timeout=PATIENCE)
            assert recorder.url == recorder.environment()["GWS_REPLAY_URL"]

    assert {"statusCode": 0} == reply.json()
    assert ["GET /api/v2/me", "UpdateUserData"] == operations(load_cassette(tmp_path / "c.yaml"))
    assert lines[1].startswith(f"--> UpdateUserData {SESSION}  statusCode 0  ")
    (saved,) = recorder.saved
    assert (2, str(tmp_path / "c.yaml")) == (saved["interactions"], saved["path"])


def test_regular_mode_with_the_usual_variables(tmp_path: Path) -> None:
    """`requests` finds the proxy in the environment; only what goes to the upstream and matches is recorded."""
    code = "import requests, sys; print([requests.get(url).status_code for url in sys.argv[1:]])"
    with serving() as sandbox, upstream(lambda _: answered()) as other:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=sandbox.url, mode="regular")
        with Recorder(settings) as recorder:
            request = [f"{sandbox.url}/api/v2/diagnostics/version", f"{sandbox.url}/other", f"{other.url}{ME}"]
            done = run(sys.executable, "-c", code, *request, env=recorder.environment())

    assert "[200, 404, 200]\n" == done.stdout, done.stderr
    assert ["GET /api/v2/diagnostics/version"] == operations(load_cassette(tmp_path / "c.yaml"))


def test_environment_of_regular_mode(tmp_path: Path) -> None:
    """Both cases of the proxy names, no exceptions from the proxy, and mitmproxy's CA for Python, curl and Node."""
    recorder = Recorder(Settings(cassette=tmp_path / "c.yaml", mode="regular"))
    recorder.url = "http://localhost:4711"
    found = recorder.environment()
    proxies = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    certificates = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")

    assert {"http://localhost:4711"} == {found[name] for name in proxies}
    assert {""} == {found[name] for name in ("no_proxy", "NO_PROXY")}
    assert {str(Path.home() / ".mitmproxy" / "mitmproxy-ca-cert.pem")} == {found[name] for name in certificates}
    assert "GWS_REPLAY_URL" not in found.keys() - os.environ.keys()
    assert found["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("responses", "reported"),
    [
        ({ME: Torn()}, f"!!! GET {ME}  no response: "),
        ({ME: Torn(answered(b"x" * 1000)[:-500])}, f"!!! GET {ME}  no response: "),
        ({ME: answered(b"<html>Bad gateway", "502 Bad Gateway")}, f"!!! GET {ME}  HTTP 502"),
        ({ME: b"no HTTP at all\r\n\r\n"}, f"!!! GET {ME}  no response: "),
    ],
    ids=["reset", "reset in mid-body", "502", "no HTTP"],
)
def test_failing_server_is_reported(tmp_path: Path, responses: dict[str, bytes], reported: str) -> None:
    """The client gets a 502, the user sees a line, and the recording goes on."""
    lines: list[str] = []
    with upstream(lambda request: responses.get(request.path, answered())) as server:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=server.url)
        with Recorder(settings, say=lines.append) as recorder, client() as agent:
            statuses = [agent.get(recorder.url + path, timeout=PATIENCE).status_code for path in (ME, "/api/v2/after")]

    assert [502, 200] == statuses
    assert lines[0].startswith(reported)
    cassette = load_cassette(tmp_path / "c.yaml")
    assert [f"GET {ME}", "GET /api/v2/after"] == operations(cassette)
    assert ["broken" if "no response" in reported else "response", "response"] == [
        each.outcome for each in cassette.interactions
    ]


@pytest.mark.parametrize(
    "wrong", ["http://[::1", "http://localhost:99999", "http://localhost:abc", "http://a b", "gws"]
)
def test_a_wrong_upstream_is_refused(tmp_path: Path, wrong: str) -> None:
    """With the option's name and the value, before anything starts."""
    recorder = Recorder(Settings(cassette=tmp_path / "c.yaml", upstream=wrong))
    with pytest.raises(GwsReplayError, match="--upstream") as caught, recorder:
        pass
    assert wrong in str(caught.value)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_address_of_another_machine_is_refused(tmp_path: Path, host: str) -> None:
    """The error names it, and no journal is left that would block the next start."""
    recorder = Recorder(Settings(cassette=tmp_path / "c.yaml", upstream="http://localhost:1", host=host))
    with pytest.raises(GwsReplayError, match=host), recorder:
        pass
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "::1", "::", "localhost"])
def test_the_url_can_be_used_as_it_is(tmp_path: Path, host: str) -> None:
    """It names localhost if it can: clients drop the cookies of bare addresses."""
    try:
        socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with upstream(lambda _: answered()) as server:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=server.url, host=host)
        with Recorder(settings) as recorder, client() as agent:
            assert 200 == agent.get(f"{recorder.url}{ME}", timeout=PATIENCE).status_code
    assert "localhost" == urlsplit(recorder.url).hostname or ":" in host


def test_killed_proxy_is_reported_with_the_recover_command(tmp_path: Path) -> None:
    """Exit code 4; the journal has all responses that were returned."""

    def killed(recorder: Recorder) -> None:
        with recorder:
            with client() as agent:
                agent.get(recorder.url + ME, timeout=PATIENCE)
            os.kill(recorder.pid or 0, signal.SIGKILL)
            recorder.wait()

    with upstream(lambda _: answered()) as server:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=server.url)
        with pytest.raises(GwsReplayError, match=r"gws-replay recover .*c\.yaml\.journal") as caught:
            killed(Recorder(settings))

    assert 4 == caught.value.exit_code
    assert 0 == run(*GWS, "recover", str(tmp_path / "c.yaml.journal")).returncode
    assert ["GET /api/v2/me"] == operations(load_cassette(tmp_path / "c.yaml"))


def test_an_error_of_the_caller_is_not_hidden(tmp_path: Path) -> None:
    """An error inside the `with` block is raised, not "nothing was recorded"."""
    with (
        pytest.raises(ZeroDivisionError),
        Recorder(Settings(cassette=tmp_path / "c.yaml", upstream="http://x.invalid")),
    ):
        raise ZeroDivisionError


def test_second_recorder_on_one_cassette_is_refused(tmp_path: Path) -> None:
    """With force too, and without harm to the first."""
    with upstream(lambda _: answered()) as server:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=server.url, force=True)
        with Recorder(settings) as recorder, client() as agent:
            with pytest.raises(GwsReplayError, match="is being written by another recorder"):
                Recorder(settings).__enter__()
            agent.get(recorder.url + ME, timeout=PATIENCE)

    assert ["GET /api/v2/me"] == operations(load_cassette(tmp_path / "c.yaml"))


def test_an_existing_cassette_is_replaced_only_by_force_and_only_at_the_end(tmp_path: Path) -> None:
    """The old one stays until the new one is complete, and if nothing was recorded."""
    cassette = tmp_path / "c.yaml"
    cassette.write_text("precious")
    with upstream(lambda _: answered()) as server:
        with pytest.raises(GwsReplayError, match=r"c\.yaml exists"):
            Recorder(Settings(cassette=cassette, upstream=server.url)).__enter__()
        forced = Settings(cassette=cassette, upstream=server.url, force=True)
        with pytest.raises(GwsReplayError, match="nothing was recorded"), Recorder(forced):
            pass
        assert "precious" == cassette.read_text()
        with Recorder(forced) as recorder, client() as agent:
            agent.get(recorder.url + ME, timeout=PATIENCE)
            assert "precious" == cassette.read_text()

    assert ["GET /api/v2/me"] == operations(load_cassette(cassette))


def test_existing_journal_is_not_overwritten(tmp_path: Path) -> None:
    """The sentence names both next steps, and the journal does not change."""
    left = tmp_path / "c.yaml.journal"
    left.write_bytes(b"precious")
    with pytest.raises(GwsReplayError, match=r"was left .*gws-replay recover .*c\.yaml\.journal.*, or remove it"):
        Recorder(Settings(cassette=tmp_path / "c.yaml", upstream="http://localhost:1", force=True)).__enter__()
    assert b"precious" == left.read_bytes()


def test_a_busy_port(tmp_path: Path) -> None:
    """Refused with the address and the next step, before anything is written."""
    with upstream(lambda _: answered()) as server:
        port = urlsplit(server.url).port or 0
        with pytest.raises(GwsReplayError, match=f"cannot listen on 127.0.0.1:{port}: .*; choose another address"):
            Recorder(Settings(cassette=tmp_path / "c.yaml", upstream=server.url, port=port)).__enter__()
    assert [] == list(tmp_path.iterdir())


def test_end_of_the_block_ends_the_proxy(tmp_path: Path) -> None:
    """No process is left."""
    settings = Settings(cassette=tmp_path / "c.yaml", upstream="http://localhost:1")
    with pytest.raises(GwsReplayError, match="nothing was recorded"), Recorder(settings) as recorder:
        pass
    assert recorder.pid
    assert not alive(recorder.pid)


@pytest.fixture
def without_mitmproxy(tmp_path: Path) -> dict[str, str]:
    """An environment in which Python finds no mitmproxy."""
    hiding = (
        "import sys\n"
        "class Hiding:\n"
        "    def __init__(self, finder): self.finder = finder\n"
        "    def __getattr__(self, name): return getattr(self.finder, name)\n"
        "    def find_spec(self, name, *rest):\n"
        "        return None if name.partition('.')[0] == 'mitmproxy' else self.finder.find_spec(name, *rest)\n"
        "sys.meta_path[:] = map(Hiding, sys.meta_path)\n"
    )
    (tmp_path / "hiding").mkdir()
    (tmp_path / "hiding" / "sitecustomize.py").write_text(hiding)
    return environment(PYTHONPATH=str(tmp_path / "hiding"))


def test_recorder_without_mitmproxy_is_one_sentence(tmp_path: Path, without_mitmproxy: dict[str, str]) -> None:
    """The pip line, and no traceback; commands that need no mitmproxy work."""
    record = (*GWS, "record", "--upstream", "http://localhost:1", "--cassette", "c.yaml")
    done = run(*record, cwd=tmp_path, env=without_mitmproxy)

    assert (2, "") == (done.returncode, done.stdout)
    sentence = "Error: recording needs mitmproxy, which is not installed: pip install 'gws-replay[record]'\n"
    assert sentence == done.stderr
    assert 0 == run(*GWS, "addon", cwd=tmp_path, env=without_mitmproxy).returncode
    assert 0 == run(*GWS, "recover", "--help", cwd=tmp_path, env=without_mitmproxy).returncode
