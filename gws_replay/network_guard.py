"""Edge: the last wall under replay. While it stands, no socket of this process connects to a network.

It is process-wide, as sockets are: threads, thread pools and event loops are behind it. Unix sockets pass.
"""

import errno
import ipaddress
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

Refuse = Callable[[str], str]
# Windows has no sendmsg.
_REACHING = tuple(name for name in ("connect", "connect_ex", "sendto", "sendmsg") if hasattr(socket.socket, name))
# A server that binds to this machine asks for its own name.
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


@contextmanager
def closed_network(refuse: Refuse, allowed_hosts: Collection[str] = ()) -> Iterator[None]:
    """Let no socket connect or send, and look up no name, but to the allowed hosts (names or addresses).

    `refuse` gets what was tried, and returns the text of the OSError that is raised: libraries clean up after those.
    """
    allowed = {"", *allowed_hosts, *_addresses(allowed_hosts)}

    def guarded(name: str) -> Callable[..., Any]:
        real = getattr(socket.socket, name)

        def guard(sock: socket.socket, *args: Any) -> Any:
            given = args[3:] if name == "sendmsg" else args  # its buffers may be a tuple as well
            address = given[-1] if given else None
            if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
                host, port = str(address[0]), address[1]
                if host not in allowed:
                    raise ConnectionRefusedError(errno.ECONNREFUSED, refuse(f"a connection to {host}:{port}"))
            return real(sock, *args)

        return guard

    def known(name: str) -> Callable[..., Any]:
        real = getattr(socket, name)

        def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
            asked = host.decode() if isinstance(host, bytes) else host
            # An address is its own name, but asking for the name of an address goes to a name server too.
            if asked and asked not in allowed | _HERE and not (name == "getaddrinfo" and _is_address(asked)):
                raise socket.gaierror(socket.EAI_FAIL, refuse(f"a look-up of {asked}"))
            return real(host, *args, **kwargs)

        return look_up

    with ExitStack() as stack:
        for name in _REACHING:
            stack.enter_context(mock.patch.object(socket.socket, name, guarded(name)))
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
            stack.enter_context(mock.patch.object(socket, name, known(name)))
        yield


def _addresses(hosts: Collection[str]) -> set[str]:
    found: set[str] = set()
    for host in hosts:
        try:
            found |= {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
        except OSError:
            continue  # a name that does not resolve cannot be connected to either
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
