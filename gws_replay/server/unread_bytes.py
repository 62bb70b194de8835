"""Edge: whether a client has read what it was sent, where the system knows.

Two connections have no common order. A client that was busy for a moment finds data on both and may read the later one
first, however long the server waited in between: on a busy machine 1 of 1,000 notifications overtook a response that
had been sent 20 ms earlier. Linux knows what is unread on a connection within one machine. For any other client nothing
is known, and the server does not wait.
"""

import asyncio
import socket
import struct
import sys
from typing import Any, Final

_SOCK_DIAG: Final = 4
_BY_FAMILY: Final = 20
_HEADER: Final = struct.Struct("=IHHII")
# Family, protocol, extensions, states; the two ports; interface and cookie, which may be any.
_QUERY: Final = struct.Struct("=BBBxI")
_PORTS: Final = struct.Struct("!HH")
_ANY: Final = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
# In the reply: the header, 4 bytes of state, the connection's ends as in the query, when a timer expires.
_UNREAD_AT: Final = _HEADER.size + 4 + 48 + 4
# How long to wait between two looks: at first, and at the most. Many clients may be waited for at once.
_FIRST_LOOK, _LAST_LOOK = 0.001, 0.05


async def until_read(transport: asyncio.BaseTransport | None, patience: float) -> None:
    """Wait until a client has read everything that it was sent, for `patience` seconds at the most."""
    loop = asyncio.get_running_loop()
    until, pause = loop.time() + patience, _FIRST_LOOK
    while transport and not transport.is_closing() and unread(transport) and loop.time() < until:
        await asyncio.sleep(pause)  # the system sends no event for it
        pause = min(1.5 * pause, _LAST_LOOK)


def unread(transport: asyncio.BaseTransport) -> int:
    """Return how many bytes the other end of a connection has not read; 0 if that is not known."""
    own, peer = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    if not isinstance(own, tuple) or not isinstance(peer, tuple):  # closed, or no connection of the internet
        return 0
    try:
        return _unread(own, peer)
    except (OSError, AttributeError):  # no Linux
        return 0


def _unread(own: tuple[Any, ...], peer: tuple[Any, ...]) -> int:
    if sys.platform != "linux":
        return 0
    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
    ends = b"".join(socket.inet_pton(family, end[0]).ljust(16, b"\0") for end in (peer, own))
    query = _QUERY.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + _PORTS.pack(peer[1], own[1]) + ends + _ANY
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as asking:
        asking.setblocking(False)
        asking.send(_HEADER.pack(_HEADER.size + len(query), _BY_FAMILY, 1, 1, 0) + query)
        answer = asking.recv(4096)
    found = _HEADER.unpack_from(answer)[1] == _BY_FAMILY
    return int.from_bytes(answer[_UNREAD_AT : _UNREAD_AT + 4], "little") if found else 0
