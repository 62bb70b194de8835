"""Edge: a live GWS server as people name it: its address, the CA to trust, and their credentials.

Credentials come from the environment or netrc, never from an option: those are seen by everybody on the machine.
"""

import base64
import netrc
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gws_replay.errors import GwsReplayError
from gws_replay.storage.files import reason

USER, PASSWORD, TOKEN = "GWS_REPLAY_USER", "GWS_REPLAY_PASSWORD", "GWS_REPLAY_TOKEN"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The value of the header Authorization, and where it comes from, for messages."""

    authorization: str = field(repr=False)
    source: str


def check_upstream(url: str) -> None:
    """Raise GwsReplayError for what is no address of a server: scheme, host and port, and no more."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(char.isspace() for char in url):
        raise GwsReplayError(f"--upstream {url!r} is no address: write https://HOST[:PORT]")
    if parts.path.strip("/") or parts.query or parts.username:
        raise GwsReplayError("--upstream takes scheme, host and port only: paths and credentials come from the client")


def trusting(ca: Path | None) -> ssl.SSLContext:
    """Return a context that verifies certificates, by those of the system or by a CA's file.

    Raises GwsReplayError for a file that is none.
    """
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise GwsReplayError(f"--upstream-ca {ca} is no certificate: {reason(error)}") from None


def credentials_for(url: str) -> Credentials | None:
    """Return the credentials for a server: a bearer token, user and password, or an entry of netrc; None without.

    Raises GwsReplayError for variables that contradict each other, and for a netrc that cannot be read.
    """
    user, password, token = (os.environ.get(name, "") for name in (USER, PASSWORD, TOKEN))
    if token and (user or password):
        raise GwsReplayError(f"{TOKEN} and {USER} are both set: unset one of them")
    if bool(user) != bool(password):
        given, missing = (USER, PASSWORD) if user else (PASSWORD, USER)
        raise GwsReplayError(f"{given} is set and {missing} is not: set both")
    if "\n" in token.strip():
        raise GwsReplayError(f"{TOKEN} holds a line break: it is no token")
    if token:
        return Credentials(f"Bearer {token.strip()}", TOKEN)
    if user:
        return Credentials(_basic(user, password), USER)
    return _of_netrc(urlsplit(url).hostname or "")


def _of_netrc(host: str) -> Credentials | None:
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    if not path.is_file():
        return None
    try:
        found = netrc.netrc(path).authenticators(host)
    except OSError as error:
        raise GwsReplayError(f"cannot read {path}: {reason(error)}") from None
    except netrc.NetrcParseError as error:  # its text may quote the line, and a password with it
        raise GwsReplayError(f"{path}, line {error.lineno}, is no netrc that can be read") from None
    return Credentials(_basic(found[0] or "", found[2] or ""), str(path)) if found else None


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
