"""A client works through the reverse proxy as with the server itself: secure cookies, redirects, links, TLS."""

import warnings
from pathlib import Path

import pytest
import requests

from gws_replay.recording.proxy import Recorder, Settings
from gws_replay.storage.files import load_cassette
from tests.support.authorities import Authority, make_authority
from tests.support.proxies import PATIENCE, ReceivedRequest, answered, make_mitmproxy_ca, operations, upstream

LOGIN, ME = "/auth/v3/sign-in", "/workspace/v3/current-session"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA that no client trusts by default."""
    return make_authority(tmp_path_factory.mktemp("ca"))


def staging(request: ReceivedRequest) -> bytes:
    """A server that signs in with a redirect and a cookie, and refuses requests without the cookie."""
    host = next(line for line in request.head.decode().split("\r\n") if line.lower().startswith("host:")).split()[1]
    if request.path == LOGIN:
        cookie = "Set-Cookie: WORKSPACE_SESSIONID=n0de9uvw; Path=/; Secure; HttpOnly; SameSite=None; Domain=localhost"
        return answered(b"", "302 Found", f"Location: https://{host}{ME}", cookie)
    if b"WORKSPACE_SESSIONID=n0de9uvw" not in request.head:
        return answered(b'{"status":{"code":2}}', "403 Forbidden")
    return answered(f'{{"status":{{"code":0}},"self":"https://{host}{ME}"}}'.encode())


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_a_sign_in_with_a_redirect_and_a_secure_cookie(tmp_path: Path, authority: Authority, tls: bool) -> None:
    """The client reaches the same page as without the proxy, and never sends to the server directly."""
    ca = make_mitmproxy_ca()
    with upstream(staging, tls=authority.server) as server:
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=server.url, upstream_ca=authority.ca, tls=tls)
        with Recorder(settings) as recorder, requests.Session() as agent:
            agent.trust_env = False
            agent.verify = str(ca)
            response = agent.get(recorder.url + LOGIN, timeout=PATIENCE)
            environment = recorder.environment()
    assert (200, recorder.url + ME, recorder.url + ME) == (response.status_code, response.url, response.json()["self"])
    assert recorder.url.startswith("https://localhost:" if tls else "http://localhost:")
    assert tls == (environment.get("REQUESTS_CA_BUNDLE") == str(ca))
    cassette = load_cassette(tmp_path / "c.yaml")
    assert [f"GET {LOGIN}", f"GET {ME}"] == operations(cassette)
    first, second = cassette.interactions
    assert server.url + ME == first.response.headers.get("location") == second.response_json["self"]
    assert "Secure; HttpOnly; SameSite=None; Domain=localhost" in (first.response.headers.get("set-cookie") or "")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "staging.test"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_links_lead_to_the_name_of_the_client(tmp_path: Path, authority: Authority, name: str, tls: bool) -> None:
    """Cookies and pages belong to it; the server gets its own name in Host, and in TLS."""
    hosts: list[str] = []
    own: list[str] = []

    def staging(request: ReceivedRequest) -> bytes:
        hosts.extend(line[6:] for line in request.head.decode().split("\r\n") if line.lower().startswith("host: "))
        fields = ("Content-Type: application/json", f"Location: {own[0]}{ME}")
        return answered(f'{{"self":"{own[0]}{ME}"}}'.encode(), "200 OK", *fields)

    with upstream(staging, tls=authority.server) as server:
        own.append(server.url)
        settings = Settings(cassette=tmp_path / "c.yaml", upstream=server.url, upstream_ca=authority.ca, tls=tls)
        with Recorder(settings) as recorder, requests.Session() as agent:
            agent.trust_env = agent.verify = False
            port = recorder.url.rpartition(":")[2]
            with warnings.catch_warnings(action="ignore"):  # urllib3 warns about unverified certificates
                response = agent.get(recorder.url + ME, timeout=PATIENCE, headers={"Host": f"{name}:{port}"})
    address = f"{recorder.url.partition(':')[0]}://{name}:{port}{ME}"
    assert (address, address) == (response.headers["Location"], response.json()["self"])
    assert [server.url.partition("//")[2]] == hosts
