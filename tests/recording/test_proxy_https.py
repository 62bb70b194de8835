"""`Recorder` in front of HTTPS: certificates are verified, with the CA that a person names."""

import ipaddress
import ssl
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gws_replay.errors import GwsReplayError
from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from tests.support.proxies import PATIENCE, answered, client, operations, run, upstream

ME = "/api/v2/me"


@dataclass(frozen=True)
class Authority:
    """A CA of the tests, and a server certificate that it signed."""

    ca: Path
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA that nobody trusts, and a certificate for localhost."""
    folder = tmp_path_factory.mktemp("ca")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    ca = _certificate(issuer, ca_key.public_key(), issuer, ca_key, x509.BasicConstraints(ca=True, path_length=None))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = _certificate(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), key.public_key(), issuer, ca_key, names
    )
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(
        server.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return Authority(folder / "ca.pem", context)


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    day = timedelta(days=1)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), now - day, now + day)
    return builder.add_extension(extension, critical=False).sign(signer, hashes.SHA256())


def status_through(recorder: Recorder, url: str) -> str:
    """What `requests` gets through the recorder; it trusts mitmproxy's CA by its environment alone."""
    code = "import requests, sys; print(requests.get(sys.argv[1]).status_code)"
    with recorder:
        done = run(sys.executable, "-c", code, url + ME, env=recorder.environment())
        assert "" == done.stderr
        recorder.say(done.stdout)
    return done.stdout


def test_the_server_is_verified(tmp_path: Path, authority: Authority) -> None:
    """A server whose certificate nobody vouches for is not talked to: 502, and one line that says why."""
    lines: list[str] = []
    with upstream(lambda _: answered(), tls=authority.server) as server:
        recorder = Recorder(Settings(cassette=tmp_path / "c.yaml", mode="regular"), say=lines.append)
        with pytest.raises(GwsReplayError, match="nothing was recorded") as caught:
            status_through(recorder, server.url)

    assert "502\n" in lines
    sentence = "cannot verify the certificate of localhost (unable to get local issuer certificate): use --upstream-ca"
    assert 1 == len([line for line in lines if line.startswith(f"!!! GET {ME}  no answer: {sentence}")])
    assert sentence in str(caught.value)
    assert (5, []) == (caught.value.exit_code, server.asked)


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
def test_a_ca_file_that_is_none_is_named_at_the_start(tmp_path: Path, content: bytes | None) -> None:
    """Rather than a failure of each request."""
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    recorder = Recorder(Settings(cassette=tmp_path / "c.yaml", upstream="https://localhost:1", upstream_ca=ca))
    with pytest.raises(GwsReplayError, match=r"ca\.pem"), recorder:
        pass
    assert not (tmp_path / "c.yaml.journal").exists()
