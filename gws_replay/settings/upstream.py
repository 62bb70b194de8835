"""Edge: how a live GWS server is reached: its address, the CA to trust, the company's proxy, and credentials.

Credentials come from the environment or netrc, never from an option: options are visible to everybody on the machine.
"""

import base64
import netrc
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from gws_replay.errors import GwsReplayError
from gws_replay.storage.files import reason

_DEFAULT_PORTS = {"http": 80, "https": 443}
_VERIFY_FAILED = re.compile(
    r"(?i)certificate[ _]verify[ _]failed(?:\]?[ :]*(?:certificate verify failed)?[ :]*)([^(]*)"
)
USER, PASSWORD, TOKEN = "GWS_REPLAY_USER", "GWS_REPLAY_PASSWORD", "GWS_REPLAY_TOKEN"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The value of the header Authorization, and where it comes from, for messages."""

    authorization: str = field(repr=False)
    source: str


def check_upstream(url: str) -> None:
    """Raise GwsReplayError for what is not the address of a server: scheme, host and port, and no more."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(char.isspace() for char in url):
        raise GwsReplayError(f"--upstream {url!r} is not an address: write https://HOST[:PORT]")
    if parts.path.strip("/") or parts.query or parts.username:
        raise GwsReplayError("--upstream takes scheme, host and port only: paths and credentials come from the client")


def server_of(url: str) -> str:
    """Return scheme, host and port of a URL in one spelling: lower case, no default port, no credentials."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = f":{parts.port}" if parts.port not in (None, _DEFAULT_PORTS.get(parts.scheme)) else ""
    return f"{parts.scheme}://{host}{port}"


def proxy_for(url: str) -> str | None:
    """Return the HTTP proxy that the environment names for a server (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY).

    None for a server on this machine.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    proxies = getproxies_environment()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or proxy_bypass_environment(f"{host}:{parts.port or _DEFAULT_PORTS.get(parts.scheme)}", proxies):
        return None
    if proxy_bypass_environment(host, proxies):
        return None
    return found if "://" in found else f"http://{found}"


def check_proxy(url: str) -> None:
    """Raise GwsReplayError for a proxy that cannot be used."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise GwsReplayError("the HTTP proxy must be given as http://[USER:PASSWORD@]HOST:PORT (--via, HTTPS_PROXY)")


def ca_of(option: Path | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the CA file to trust: the option, or SSL_CERT_FILE, or REQUESTS_CA_BUNDLE; None for the usual ones."""
    named = option or environment.get("SSL_CERT_FILE") or environment.get("REQUESTS_CA_BUNDLE")
    return Path(named) if named else None


def trusting(ca: Path | None, client_cert: Path | None = None) -> ssl.SSLContext:
    """Return a context that verifies certificates, by the CA file of `ca_of` or the system's own.

    Raises GwsReplayError for a file that is not a certificate, or a client certificate without its key.
    """
    file = ca_of(ca)
    source = "--upstream-ca" if ca else "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "REQUESTS_CA_BUNDLE"
    try:
        context = ssl.create_default_context(cafile=file)
    except OSError as error:
        raise GwsReplayError(f"{source} {file} is not a certificate: {reason(error)}") from None
    if client_cert:
        try:
            context.load_cert_chain(client_cert)
        except OSError as error:
            raise GwsReplayError(
                f"--client-cert {client_cert} must hold a certificate and its private key (PEM): {reason(error)}"
            ) from None
    return context


def tls_problem(message: str, host: str) -> str | None:
    """Return a sentence for an error message about a certificate that cannot be verified; None for another error."""
    found = _VERIFY_FAILED.search(message)
    if not found:
        return None
    why = found[1].strip().rstrip(".") or "no reason given"
    return f"cannot verify the certificate of {host} ({why}): use --upstream-ca FILE, or --insecure"


def credentials_for(url: str, user: int = 0) -> Credentials | None:
    """Return the credentials for a server: a bearer token, user and password, or an entry of netrc; None without.

    A recording of several users has those of `user` 1, 2 ... in variables with that number (GWS_REPLAY_USER_2), or in
    an entry of netrc for `user2@HOST`; user 1 may also use those without a number. Raises GwsReplayError for variables
    that contradict each other, and for a netrc that cannot be read.
    """
    host = urlsplit(url).hostname or ""
    if user and (found := _of_environment(f"_{user}") or _of_netrc(f"user{user}@{host}")):
        return found
    return _of_environment("") or _of_netrc(host) if user <= 1 else None


def how_to_log_in(host: str, user: int = 0) -> str:
    """Return the sentence that says where credentials for a user can be given."""
    number, entry = (f"_{user}", f"user{user}@{host}") if user > 1 else ("", host)
    return f"set {USER}{number} and {PASSWORD}{number}, or {TOKEN}{number}, or add an entry for {entry} to ~/.netrc"


def _of_environment(number: str) -> Credentials | None:
    names = [f"{name}{number}" for name in (USER, PASSWORD, TOKEN)]
    user, password, token = (os.environ.get(name, "") for name in names)
    if token and (user or password):
        raise GwsReplayError(f"{names[2]} and {names[0]} are both set: unset one of them")
    if bool(user) != bool(password):
        given, missing = names[:2] if user else (names[1], names[0])
        raise GwsReplayError(f"{given} is set and {missing} is not: set both")
    if "\n" in token.strip():
        raise GwsReplayError(f"{names[2]} holds a line break, so it cannot be a token")
    if token:
        return Credentials(f"Bearer {token.strip()}", names[2])
    return Credentials(_basic(user, password), names[0]) if user else None


def _of_netrc(machine: str) -> Credentials | None:
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    if not path.is_file():
        return None
    try:
        entries = netrc.netrc(path)
        # The entry `default` is for any host, and for no user in particular.
        found = None if "@" in machine and machine not in entries.hosts else entries.authenticators(machine)
    except OSError as error:
        raise GwsReplayError(f"cannot read {path}: {reason(error)}") from None
    except netrc.NetrcParseError as error:  # its text may quote the line, and a password with it
        raise GwsReplayError(f"{path}, line {error.lineno}, cannot be read as a netrc file") from None
    return Credentials(_basic(found[0] or "", found[2] or ""), str(path)) if found else None


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
