"""Edge: listen on an address, over TLS if wanted, in this event loop or in a thread of its own."""

import asyncio
import errno
import signal
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from gws_replay.errors import GwsReplayError

# Clients drop the cookies of hosts that are bare addresses, so the loopback is handed out by its name. That of IPv6 has
# none that is the same everywhere.
_NAMES = {"127.0.0.1": "localhost", "0.0.0.0": "localhost", "::": "::1"}  # noqa: S104 (to be reached at, not bound)
# Hosts that listen at every address of the machine.
ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 (names of addresses, not bound here)
_LAST_PORT = 65535
# How many connections wait to be accepted.
_BACKLOG = 128


class Running(Protocol):
    """A server that runs."""

    async def close(self) -> None:
        """Stop it."""


_Running = TypeVar("_Running", bound=Running)


class Listening(NamedTuple):
    """An address that is listened on, until it is closed; connections stay then."""

    url: str
    server: asyncio.Server

    def close(self) -> None:
        """Free the port."""
        self.server.close()


async def listen(
    protocol: Callable[[], asyncio.BaseProtocol], host: str, port: int, tls: ssl.SSLContext | None = None
) -> Listening:
    """Listen in the running event loop, with a protocol for each connection. Port 0 takes any free one.

    Raises GwsReplayError when the address cannot be had.
    """
    try:
        if port > _LAST_PORT:  # with the name of a host it would be taken modulo 65536
            raise OverflowError(f"the last port is {_LAST_PORT}")  # noqa: TRY301 (one sentence for all that is wrong)
        server = await asyncio.get_running_loop().create_server(protocol, host, port, ssl=tls, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        busy = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is in use" if busy else f"cannot be used ({error})"
        raise GwsReplayError(f"Port {port} on {host} {reason}: choose another port, or 0 for any free one.") from error
    name = _NAMES.get(host, host)
    port = server.sockets[0].getsockname()[1]
    return Listening(f"{'https' if tls else 'http'}://{f'[{name}]' if ':' in name else name}:{port}", server)


@contextmanager
def in_a_thread(start: Callable[[], Awaitable[_Running]], name: str) -> Iterator[_Running]:
    """Run a server in a thread with an event loop of its own, as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=name, daemon=True)
    thread.start()

    async def started() -> _Running:
        return await start()

    try:
        running = asyncio.run_coroutine_threadsafe(started(), loop).result()
        try:
            yield running
        finally:
            asyncio.run_coroutine_threadsafe(running.close(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def serve_until_stopped(start: Callable[[], Awaitable[_Running]], announce: Callable[[_Running], None]) -> int:
    """Start a server, announce it, and close it at SIGINT or SIGTERM; return which of the two it was."""
    return asyncio.run(_serve(start, announce))


async def _serve(start: Callable[[], Awaitable[_Running]], announce: Callable[[_Running], None]) -> int:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def settle(number: int) -> None:
        if not stopped.done():
            stopped.set_result(number)

    def stop(number: int, _frame: Any) -> None:
        loop.call_soon_threadsafe(settle, number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        running = await start()
        try:
            announce(running)
            return await stopped
        finally:
            await running.close()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def certificate_for(host: str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for this machine and the host; return the server's context, and the file of the CA to trust.

    Raises GwsReplayError when the library for it is not installed.
    """
    try:
        import trustme  # noqa: PLC0415 (an extra: it brings cryptography)
    except ModuleNotFoundError:
        raise GwsReplayError("TLS needs trustme, which is not installed: pip install 'gws-replay[tls]'") from None
    authority = trustme.CA(organization_name="gws-replay, for one run")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = dict.fromkeys(("localhost", "127.0.0.1", "::1", host))
    authority.issue_cert(*(name for name in names if name not in ("0.0.0.0", "::"))).configure_cert(context)  # noqa: S104
    ca = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    return context, ca
