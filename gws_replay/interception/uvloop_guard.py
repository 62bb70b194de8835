"""Edge: uvloop opens its connections in C: the network guard is called before it does.

Only to be imported where uvloop is installed.
"""

import errno
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from gws_replay.interception.network_guard import allows, refused
from gws_replay.interception.patching import Swap


def swaps(uvloop: ModuleType) -> Iterator[Swap]:
    """Yield the guarded methods of its loops."""
    for name in ("create_connection", "create_datagram_endpoint"):
        yield Swap(uvloop.Loop, name, _guarded)
    yield Swap(uvloop.Loop, "sock_connect", _guarded_socket)
    yield Swap(uvloop.Loop, "getaddrinfo", _guarded_look_up)


def _check(host: Any, port: Any) -> None:
    if host is not None and not allows(str(host), int(port or 0)):
        raise ConnectionRefusedError(errno.ECONNREFUSED, refused(f"a connection to {host}:{port}"))


def _guarded(real: Callable[..., Any]) -> Callable[..., Any]:
    async def connecting(loop: Any, factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        if "remote_addr" in options:
            _check(*(options["remote_addr"] or (None, None))[:2])
            return await real(loop, factory, host, **options)
        _check(host, port)
        return await real(loop, factory, host, port, **options)

    return connecting


def _guarded_socket(real: Callable[..., Any]) -> Callable[..., Any]:
    async def sock_connect(loop: Any, sock: Any, address: Any) -> Any:
        if isinstance(address, tuple):
            _check(*address[:2])
        return await real(loop, sock, address)

    return sock_connect


def _guarded_look_up(real: Callable[..., Any]) -> Callable[..., Any]:
    async def getaddrinfo(loop: Any, host: Any, port: Any, **options: Any) -> Any:
        _check(host.decode() if isinstance(host, bytes) else host, port)
        return await real(loop, host, port, **options)

    return getaddrinfo
