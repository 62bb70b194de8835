"""Edge: the last guard under a replay: while it is in force, no socket of this process connects to a network.

It is an audit hook, so it sees whatever is written in Python or uses Python's sockets, `_socket` included, from
threads, pools and event loops. It does not see Unix sockets, libraries with sockets of their own
(`libraries.UNWATCHED`), and what a socket sends that was connected before; `http.client` is stopped from using such a
connection (see `http_client`).
A forked child process is guarded too, and reports to its parent.
"""

import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakSet

from gws_replay.interception.context_scope import InForce
from gws_replay.interception.patching import Patches, Swap

Refuse = Callable[[str], str]
_THIS_MACHINE = frozenset({"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104 (nothing is bound)
_INTERNET = (socket.AF_INET, socket.AF_INET6)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The hosts (names, addresses, or HOST:PORT) that may be reached.

    `recorded_ports` are the ports of this machine that a recording came from: with a set, even an empty one, all other
    ports of this machine are allowed as well; None allows none.
    """

    hosts: frozenset[str] = frozenset()
    recorded_ports: frozenset[int] | None = None

    @classmethod
    def of(cls, hosts: Collection[str], recorded: Collection[str] | None = None) -> "Allowed":
        """Return what is allowed by names; `recorded` is each HOST:PORT of a recording, or None for strict."""
        names = frozenset({*hosts, *_addresses(hosts)})
        if recorded is None:
            return cls(names)
        places = [place.rpartition(":") for place in recorded]
        return cls(names, frozenset(int(port) for host, _, port in places if host.strip("[]") in _THIS_MACHINE))

    def __contains__(self, place: tuple[str, int]) -> bool:
        host, port = place
        if host in self.hosts or f"{host}:{port}" in self.hosts:
            return True
        return self.recorded_ports is not None and _is_here(host) and port not in self.recorded_ports


class _Guard:
    """What is allowed, and who gets reports of what was tried; forked children report through a pipe."""

    def __init__(self, refuse: Refuse, allowed: Allowed) -> None:
        self.refuse = refuse
        self.allowed = allowed
        self._pipe: tuple[int, int] | None = None
        self._is_child = False

    def refused(self, what: str) -> str:
        """Report what was tried; return the text of the error."""
        if self._is_child and self._pipe:
            os.write(self._pipe[1], f"{what}\n".encode()[:4096])
        return self.refuse(what)

    def before_fork(self) -> None:
        """Make the pipe."""
        if self._pipe is None:
            self._pipe = os.pipe()
            if sys.platform != "win32":  # which never forks
                os.set_blocking(self._pipe[0], False)

    def in_child(self) -> None:
        """Report to the parent from now on."""
        self._is_child = True

    def close(self) -> None:
        """Report what forked children have tried."""
        if self._pipe is None or self._is_child:
            return
        reported = b""
        with suppress(BlockingIOError):
            while part := os.read(self._pipe[0], 65536):
                reported += part
        for end in self._pipe:
            os.close(end)
        self._pipe = None
        for what in reported.decode(errors="replace").splitlines():
            self.refuse(f"{what} by a child process")


@contextmanager
def closed_network(refuse: Refuse, allowed: Allowed | Collection[str] = ()) -> Iterator[None]:
    """Let no socket connect or send, and resolve no name, except for allowed hosts.

    `refuse` gets what was tried, and returns the text of the OSError that is raised: libraries clean up after those.
    Where several guards are in force, that of the running thread or task decides; code that belongs to none needs all.
    """
    guard = _Guard(refuse, allowed if isinstance(allowed, Allowed) else Allowed.of(allowed))
    _watch()
    with _GUARDS.enter(guard):
        try:
            yield
        finally:
            guard.close()


def kept_ready() -> AbstractContextManager[None]:
    """Return a context manager that keeps the patches installed."""
    return _GUARDS.installed()


def has_own_servers() -> bool:
    """Whether this process has bound any socket while the network was closed."""
    return bool(_bound)


def is_own_server(host: str, port: int) -> bool:
    """Whether this process listens there, with a socket that it bound while the network was closed."""
    return _is_here(host) and any(_port_of(each) == port for each in tuple(_bound))


def allows(host: str, port: int) -> bool:
    """Whether the running code may reach a host."""
    return all((host, port) in guard.allowed for guard in _guards_here())


def refused(what: str) -> str:
    """Report what the running code tried; return the text of the error."""
    texts = [guard.refused(what) for guard in _guards_here()]
    return texts[0]


# Windows has no sendmsg.
_METHODS = tuple(name for name in ("connect", "connect_ex", "sendto", "sendmsg") if hasattr(socket.socket, name))


def _checked(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """Check before the method resolves a name by itself, which no audit hook sees."""

    def checked(sock: socket.socket, *args: Any) -> Any:
        given = args[3:] if name == "sendmsg" else args  # its buffers may be a tuple as well
        if given and _GUARDS.concerns_here and isinstance(given[-1], tuple) and not _is_address(str(given[-1][0])):
            _reaching((sock, given[-1]))
        return real(sock, *args)

    return checked


_SWAPS = tuple(Swap(socket.socket, name, partial(_checked, name)) for name in _METHODS)
_GUARDS: InForce[_Guard] = InForce("gws_replay_guard", Patches(lambda: _SWAPS))
_bound: "WeakSet[socket.socket]" = WeakSet()


def _guards_here() -> tuple[_Guard, ...]:
    """Return the guard of the running code, in force or ended; all of them where several compete."""
    current = _GUARDS.current() or _GUARDS.ended_here
    return (current,) if current else _GUARDS.all


def _reaching(args: tuple[Any, ...]) -> None:
    sock, address = args[0], args[1]
    if sock.family not in _INTERNET or not isinstance(address, tuple):
        return
    host, port = str(address[0]), address[1]
    if not allows(host, port):
        raise ConnectionRefusedError(errno.ECONNREFUSED, refused(f"a connection to {host}:{port}"))


def _resolving(args: tuple[Any, ...]) -> None:
    host = args[0].decode() if isinstance(args[0], bytes) else args[0]
    if not host or _is_here(host) or _is_address(host) or _allows_name(host) or host == socket.gethostname():
        return
    raise socket.gaierror(socket.EAI_FAIL, refused(f"a look-up of {host}"))


def _naming(args: tuple[Any, ...]) -> None:
    """Look up the name of an address: that goes to a name server too."""
    host = args[0][0] if isinstance(args[0], tuple) else args[0]
    if not _is_here(host) and not _allows_name(host):
        raise socket.gaierror(socket.EAI_FAIL, refused(f"a look-up of {host}"))


def _binding(args: tuple[Any, ...]) -> None:
    if args[0].family in _INTERNET:
        with suppress(TypeError):  # a socket of the C module
            _bound.add(args[0])


_WATCHED: dict[str, Callable[[tuple[Any, ...]], None]] = {
    "socket.connect": _reaching,
    "socket.sendto": _reaching,
    "socket.sendmsg": _reaching,
    "socket.getaddrinfo": _resolving,
    "socket.gethostbyname": _resolving,
    "socket.gethostbyaddr": _naming,
    "socket.getnameinfo": _naming,
    "socket.bind": _binding,
}


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event in _WATCHED and _GUARDS.concerns_here:
        _WATCHED[event](args)


_audit.__cantrace__ = True  # type: ignore[attr-defined]  # or no coverage is measured in what it calls
_hooks: list[Callable[[str, tuple[Any, ...]], None]] = []


def _watch() -> None:
    """Add the audit hook, which stays as long as the process lives."""
    if not _hooks:
        _hooks.append(_audit)
        sys.addaudithook(_audit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_before_fork, after_in_child=_in_child)


def _before_fork() -> None:
    for guard in _GUARDS.all:
        guard.before_fork()


def _in_child() -> None:
    for guard in _GUARDS.all:
        guard.in_child()


def _allows_name(host: str) -> bool:
    return all(
        host in guard.allowed.hosts or any(each.startswith(f"{host}:") for each in guard.allowed.hosts)
        for guard in _guards_here()
    )


def _port_of(sock: socket.socket) -> int | None:
    try:
        port: int = sock.getsockname()[1]
    except OSError:
        return None
    return port


def _addresses(hosts: Collection[str]) -> set[str]:
    found: set[str] = set()
    for host in hosts:
        name = host if ":" not in host or _is_address(host) else host.rpartition(":")[0]
        if name != host or _is_address(host):
            continue
        try:
            found |= {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
        except OSError:
            continue  # a name that does not resolve cannot be connected to either
    return found


def _is_here(host: str) -> bool:
    return host in _THIS_MACHINE or host.startswith("127.")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
