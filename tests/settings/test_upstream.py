"""The address of a live server, and the sources of its credentials."""

import base64
from pathlib import Path

import pytest

from gws_replay.errors import GwsReplayError
from gws_replay.settings.upstream import check_upstream, credentials_for, trusting

URL = "https://gws.example:8443"


def basic(text: str) -> str:
    """The header for a user and a password."""
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without credentials, and a netrc to be written."""
    for name in ("GWS_REPLAY_USER", "GWS_REPLAY_PASSWORD", "GWS_REPLAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return monkeypatch


def test_user_and_password(environment: pytest.MonkeyPatch) -> None:
    """As Basic credentials; they are in no repr."""
    environment.setenv("GWS_REPLAY_USER", "anna")
    environment.setenv("GWS_REPLAY_PASSWORD", "pä:ss")
    found = credentials_for(URL)
    assert found
    assert (basic("anna:pä:ss"), "GWS_REPLAY_USER") == (found.authorization, found.source)
    assert "Basic" not in repr(found)


def test_a_token(environment: pytest.MonkeyPatch) -> None:
    """As a bearer."""
    environment.setenv("GWS_REPLAY_TOKEN", "abc")
    found = credentials_for(URL)
    assert found
    assert "Bearer abc" == found.authorization


def test_netrc(tmp_path: Path) -> None:
    """The entry of the host, without its port; without an entry there are no credentials."""
    assert credentials_for(URL) is None
    (tmp_path / "netrc").write_text("machine gws.example login anna password secret\n")
    found = credentials_for(URL)
    assert found
    assert basic("anna:secret") == found.authorization
    assert credentials_for("https://other.example") is None


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"GWS_REPLAY_USER": "anna"}, "GWS_REPLAY_USER is set and GWS_REPLAY_PASSWORD is not"),
        ({"GWS_REPLAY_PASSWORD": "anna"}, "GWS_REPLAY_PASSWORD is set and GWS_REPLAY_USER is not"),
        ({"GWS_REPLAY_USER": "anna", "GWS_REPLAY_TOKEN": "x"}, "unset one of them"),
        ({"GWS_REPLAY_TOKEN": "x\ny"}, "GWS_REPLAY_TOKEN holds a line break"),
    ],
)
def test_incomplete_credentials_are_refused(
    environment: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    """Contradictions, and values that cannot be sent."""
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(GwsReplayError, match=message):
        credentials_for(URL)


def test_a_bad_netrc_is_refused_without_its_words(tmp_path: Path) -> None:
    """The line might hold a password."""
    (tmp_path / "netrc").write_text("machine gws.example login anna password secret hunter2\n")
    with pytest.raises(GwsReplayError, match=r"netrc, line \d, cannot be read as a netrc") as caught:
        credentials_for(URL)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["gws.example", "ftp://gws.example", "https://", "https://a:0", "https://a b", "https://[x"]
)
def test_wrong_address_is_refused(url: str) -> None:
    """Scheme, host and port are needed."""
    with pytest.raises(GwsReplayError, match="is not an address"):
        check_upstream(url)


@pytest.mark.parametrize(
    "url", ["https://gws.example/path", "https://gws.example?x=1", "https://anna:secret@gws.example"]
)
def test_address_with_path_or_credentials_is_refused(url: str) -> None:
    """Paths come from the recording, credentials from the environment."""
    with pytest.raises(GwsReplayError, match="scheme, host and port only"):
        check_upstream(url)


def test_invalid_ca_file_is_one_sentence(tmp_path: Path) -> None:
    """With the file."""
    with pytest.raises(GwsReplayError, match=r"--upstream-ca .*ca\.pem is not a certificate"):
        trusting(tmp_path / "ca.pem")
