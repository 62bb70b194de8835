"""`Recorder` in front of HTTPS: certificates are verified, with the CA that the user names."""

import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from gws_replay.errors import GwsReplayError
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from tests.support.authorities import Authority, make_authority
from tests.support.proxies import PATIENCE, answered, client, operations, run, upstream

ME = "/api/v2/me"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA that no client trusts by default, and a certificate for localhost."""
    return make_authority(tmp_path_factory.mktemp("ca"))


def status_through(recorder: Recorder, url: str) -> str:
    """The status that `requests` gets through the recorder; it trusts mitmproxy's CA by its environment alone."""
    code = "import requests, sys; print(requests.get(sys.argv[1]).status_code)"
    with recorder:
        done = run(sys.executable, "-c", code, url + ME, env=recorder.environment())
        assert "" == done.stderr
        recorder.say(done.stdout)
    return done.stdout


def test_the_server_is_verified(tmp_path: Path, authority: Authority) -> None:
    """Nothing is sent to a server whose certificate cannot be verified: 502, and one line with the reason."""
    lines: list[str] = []
    with upstream(lambda _: answered(), tls=authority.server) as server:
        recorder = Recorder(Settings(cassette=tmp_path / "c.yaml", mode="regular"), say=lines.append)
        with pytest.raises(GwsReplayError, match="nothing was recorded") as caught:
            status_through(recorder, server.url)

    assert "502\n" in lines
    sentence = "cannot verify the certificate of localhost (unable to get local issuer certificate): use --upstream-ca"
    assert 1 == len([line for line in lines if line.startswith(f"!!! GET {ME}  no response: {sentence}")])
    assert sentence in str(caught.value)
    assert (5, []) == (caught.value.exit_code, server.requests)


@pytest.mark.parametrize("how", ["insecure", "upstream_ca"])
def test_a_private_ca(tmp_path: Path, authority: Authority, how: str) -> None:
    """--insecure does not verify, --upstream-ca verifies against the given CA."""
    option: dict[str, Any] = {"insecure": True} if how == "insecure" else {"upstream_ca": authority.ca}
    with upstream(lambda _: answered(), tls=authority.server) as server:
        recorder = Recorder(Settings(cassette=tmp_path / "c.yaml", mode="regular", **option))
        assert "200\n" == status_through(recorder, server.url)

    assert ["GET /api/v2/me"] == operations(load_cassette(tmp_path / "c.yaml"))


def test_reverse_mode(tmp_path: Path, authority: Authority) -> None:
    """The client speaks HTTP to the recorder, which speaks HTTPS to the server and records its address."""
    with upstream(lambda _: answered(), tls=authority.server) as server:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=server.url, upstream_ca=authority.ca)
        with Recorder(settings) as recorder, client() as agent:
            assert 200 == agent.get(recorder.url + ME, timeout=PATIENCE).status_code

    (exchange,) = load_cassette(tmp_path / "c.yaml").interactions
    assert exchange.request.uri.startswith("https://localhost:")


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_invalid_ca_file_is_refused_at_the_start(tmp_path: Path, content: bytes | None) -> None:
    """Instead of a failure of each request."""
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    recorder = Recorder(Settings(cassette=tmp_path / "c.yaml", upstream="https://localhost:1", upstream_ca=ca))
    with pytest.raises(GwsReplayError, match=r"ca\.pem"), recorder:
        pass
    assert not (tmp_path / "c.yaml.journal").exists()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_ca_of_the_environment_is_used(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """As the recorded client does."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, str(authority.ca))
    with (
        upstream(lambda _: answered(), tls=authority.server) as server,
        Recorder(Settings(cassette=tmp_path / "c.yaml", upstream=server.url)) as recorder,
        client() as agent,
    ):
        assert 200 == agent.get(recorder.url + ME, timeout=PATIENCE).status_code


def test_a_client_certificate_is_sent(tmp_path: Path, authority: Authority) -> None:
    """To a server that demands one."""
    context = make_authority(tmp_path).server
    context.load_verify_locations(authority.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    with upstream(lambda _: answered(), tls=context) as server:
        settings = Settings(
            cassette=tmp_path / "c.yaml", upstream=server.url, insecure=True, client_cert=authority.client_cert
        )
        with Recorder(settings) as recorder, client() as agent:
            assert 200 == agent.get(recorder.url + ME, timeout=PATIENCE).status_code


def test_a_client_certificate_without_a_key_is_refused(tmp_path: Path, authority: Authority) -> None:
    """At the start."""
    settings = Settings(cassette=tmp_path / "c.yaml", upstream="https://localhost:1", client_cert=authority.ca)
    with pytest.raises(GwsReplayError, match="must hold a certificate and its private key"), Recorder(settings):
        pass
