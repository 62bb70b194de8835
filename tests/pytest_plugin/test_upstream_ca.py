"""gws_server records from a server with a private CA: by an option, the ini file or the environment."""

import pytest

from tests.support.authorities import make_authority
from tests.support.proxies import answered, upstream

TEST = """
import pytest, requests

@pytest.mark.gws_cassette("staging")
def test_staging(gws_server):
    assert requests.get(gws_server.url + "/api/v2/me", timeout=60).status_code == 200
"""


@pytest.mark.parametrize("how", ["option", "ini", "environment"])
def test_a_private_ca_is_trusted(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """The cassette replays without any server."""
    authority = make_authority(pytester.path)
    pytester.makepyfile(TEST)
    options = []
    if how == "option":
        options = ["--gws-upstream-ca=ca.pem"]
    elif how == "ini":
        pytester.makeini("[pytest]\ngws_upstream_ca = ca.pem")
    else:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    with upstream(lambda _: answered(), tls=authority.server) as server:
        recorded = pytester.runpytest("--gws-record=once", f"--gws-upstream={server.url}", *options)
    recorded.assert_outcomes(passed=1)
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_certificate_that_cannot_be_verified_is_named(pytester: pytest.Pytester) -> None:
    """With the host and the reason."""
    authority = make_authority(pytester.path)
    pytester.makepyfile(TEST)
    with upstream(lambda _: answered(), tls=authority.server) as server:
        ran = pytester.runpytest("--gws-record=once", f"--gws-upstream={server.url}")
    assert 0 != ran.ret
    ran.stdout.fnmatch_lines(["*cannot verify the certificate of localhost (*): use --upstream-ca FILE*"])
