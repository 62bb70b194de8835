"""Edge: the last wall under replay. While it stands, no socket of this process connects to a network.

It is process-wide, as sockets are: threads, thread pools and event loops are behind it. Unix sockets pass. What a
socket that was connected before sends is not seen. Of the libraries that keep one, those that vcrpy replaces do not get
to use it, and `http.client`, which it replaces by name only, is held back here.
"""

import errno
import ipaddress
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from typing import Any

from gws_replay.interception.context_scope import InForce
from gws_replay.interception.patching import Swap

Refuse = Callable[[str], str]
# Windows has no sendmsg.
_REACHING = tuple(name for name in ("connect", "connect_ex", "sendto", "sendmsg") if hasattr(socket.socket, name))
_LOOKING_UP = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr")
# A server that binds to this machine asks for its own name.
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, eq=False, slots=True)
class _Wall:
    """Who is told of what was tried, and what may be reached all the same."""

    refuse: Refuse
    allowed: frozenset[str]


@contextmanager
def closed_network(refuse: Refuse, allowed_hosts: Collection[str] = ()) -> Iterator[None]:
    """Let no socket connect or send, and look up no name, but to the allowed hosts (names or addresses).

    `refuse` gets what was tried, and returns the text of the OSError that is raised: libraries clean up after those.
    Where several walls stand, that of the running thread or task counts; one that belongs to none is behind all.
    """
    with _WALLS.enter(_Wall(refuse, frozenset({"", *allowed_hosts, *_addresses(allowed_hosts)}))):
        yield


_WALLS: InForce[_Wall] = InForce("gws_replay_wall", lambda: _SWAPS)


def _allows(host: str) -> bool:
    wall = _WALLS.current()
    return host in wall.allowed if wall else all(host in each.allowed for each in _WALLS.all)


def _refused(what: str) -> str:
    """Tell the wall that counts here, or all of them; return the text of the first."""
    wall = _WALLS.current()
    texts = [each.refuse(what) for each in ([wall] if wall else _WALLS.all)]
    return texts[0]


def _guarded(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def guard(sock: socket.socket, *args: Any) -> Any:
        given = args[3:] if name == "sendmsg" else args  # its buffers may be a tuple as well
        address = given[-1] if given else None
        if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            host, port = str(address[0]), address[1]
            if not _allows(host):
                raise ConnectionRefusedError(errno.ECONNREFUSED, _refused(f"a connection to {host}:{port}"))
        return real(sock, *args)

    return guard


def _kept(real: Callable[..., Any]) -> Callable[..., Any]:
    def send(connection: HTTPConnection, data: Any) -> Any:
        family = getattr(connection.sock, "family", None)  # None: it is about to connect, which is seen
        if family in (socket.AF_INET, socket.AF_INET6) and not _allows(connection.host):
            where = f"{connection.host}:{connection.port}, which was open before replay began"
            raise ConnectionRefusedError(errno.ECONNREFUSED, _refused(f"a request over the connection to {where}"))
        return real(connection, data)

    return send


def _known(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked = host.decode() if isinstance(host, bytes) else host
        # An address is its own name, but asking for the name of an address goes to a name server too.
        free = not asked or asked in _HERE or (name == "getaddrinfo" and _is_address(asked)) or _allows(asked)
        if not free:
            raise socket.gaierror(socket.EAI_FAIL, _refused(f"a look-up of {asked}"))
        return real(host, *args, **kwargs)

    return look_up


_SWAPS: tuple[Swap, ...] = (
    *(Swap(socket.socket, name, partial(_guarded, name)) for name in _REACHING),
    *(Swap(socket, name, partial(_known, name)) for name in _LOOKING_UP),
    Swap(HTTPConnection, "send", _kept),
)


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
