"""A certificate authority that no client trusts by default, for servers on localhost."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """The file of a CA, a server context with a certificate of it, and a client certificate with its key."""

    ca: Path
    server: ssl.SSLContext
    client_cert: Path


def make_authority(folder: Path) -> Authority:
    """Make a CA and its certificates for localhost."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    authority.issue_cert("agent@example.com").private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    return Authority(folder / "ca.pem", context, folder / "client.pem")
