"""The network guard: while it is on, no socket of the process reaches a network; afterwards everything is restored."""

import _socket
import asyncio
import errno
import inspect
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gws_replay.interception.network_guard import Allowed, closed_network, is_own_server
from tests.support.clients import LiveServer, live_server

NAME = "gws.example"


@pytest.fixture
def live() -> Iterator[LiveServer]:
    with live_server() as server:
        yield server


class Refusals:
    """The connections that the guard refused, as a playback stores them."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, what: str) -> str:
        self.seen.append(what)
        return f"{what} was stopped"


def tcp(use: Callable[[socket.socket], object], family: int = socket.AF_INET) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(5)
        use(sock)


def udp(use: Callable[[socket.socket], object]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        use(sock)


def wrapped_in_tls(port: int) -> None:
    context = ssl.create_default_context()
    with context.wrap_socket(socket.socket(), server_hostname=NAME) as sock:
        sock.connect(("127.0.0.1", port))


async def datagram(port: int) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=("127.0.0.1", port)
    )
    transport.close()


REACHES: dict[str, Callable[[int], object]] = {
    "connect": lambda port: tcp(lambda sock: sock.connect(("127.0.0.1", port))),
    "connect_ex": lambda port: tcp(lambda sock: sock.connect_ex(("127.0.0.1", port))),
    "create_connection": lambda port: socket.create_connection(("127.0.0.1", port), 5),
    "datagram connect": lambda port: udp(lambda sock: sock.connect(("127.0.0.1", port))),
    "sendto": lambda port: udp(lambda sock: sock.sendto(b"x", ("127.0.0.1", port))),
    "sendto with flags": lambda port: udp(lambda sock: sock.sendto(b"x", 0, ("127.0.0.1", port))),
    "sendmsg": lambda port: udp(lambda sock: sock.sendmsg([b"x"], [], 0, ("127.0.0.1", port))),
    "tls": wrapped_in_tls,
    "asyncio.open_connection": lambda port: asyncio.run(asyncio.open_connection("127.0.0.1", port)),
    "asyncio datagram": lambda port: asyncio.run(datagram(port)),
    "asyncio.sock_connect": lambda port: tcp(lambda sock: asyncio.run(sock_connect(sock, port))),
}


async def sock_connect(sock: socket.socket, port: int) -> None:
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))


@pytest.mark.parametrize("by_thread", [False, True], ids=["here", "thread"])
@pytest.mark.parametrize("reach", [pytest.param(reach, id=name) for name, reach in REACHES.items()])
def test_no_socket_can_connect(reach: Callable[[int], object], by_thread: bool, live: LiveServer) -> None:
    """Each way to reach a host raises an OSError with the text of the guard, from any thread."""
    refusals = Refusals()
    message = rf"^\[Errno \d+\] a connection to 127\.0\.0\.1:{live.port} was stopped$"
    with (
        ThreadPoolExecutor(1) as threads,
        closed_network(refusals),
        pytest.raises(ConnectionRefusedError, match=message),
    ):
        threads.submit(reach, live.port).result() if by_thread else reach(live.port)
    assert [f"a connection to 127.0.0.1:{live.port}"] == refusals.seen


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: socket.getaddrinfo(NAME, 80),
        lambda: socket.getaddrinfo(NAME.encode(), 80),
        lambda: socket.getaddrinfo(host=NAME, port=80),
        lambda: socket.create_connection((NAME, 80), 5),
        lambda: socket.gethostbyname(NAME),
        lambda: socket.gethostbyname_ex(NAME),
        lambda: socket.gethostbyaddr(NAME),
        lambda: asyncio.run(asyncio.open_connection(NAME, 80)),
    ],
    ids=["str", "bytes", "keyword", "create_connection", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "async"],
)
def test_no_name_is_looked_up(look_up: Callable[[], object]) -> None:
    """A look-up would show the name server which system is tested: it is refused before it is sent."""
    refusals = Refusals()
    with closed_network(refusals), pytest.raises(socket.gaierror, match=f"a look-up of {NAME} was stopped"):
        look_up()
    assert [f"a look-up of {NAME}"] == refusals.seen


def test_a_name_given_to_connect_is_not_looked_up_either() -> None:
    """The C level of a socket resolves names itself: the guard acts before it."""
    with closed_network(Refusals()), pytest.raises(ConnectionRefusedError, match=f"{NAME}:80 was stopped"):
        tcp(lambda sock: sock.connect((NAME, 80)))


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_is_refused_too() -> None:
    """The other address family is guarded as well."""
    with closed_network(Refusals()), pytest.raises(ConnectionRefusedError, match="a connection to ::1:9 was stopped"):
        tcp(lambda sock: sock.connect(("::1", 9)), socket.AF_INET6)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("allowed", ["127.0.0.1", "localhost"])
def test_an_allowed_host_is_reached(allowed: str, host: str, live: LiveServer) -> None:
    """Allowed by name or by address, TCP and UDP, blocking and not; another address is refused."""

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(host, live.port, family=socket.AF_INET)
        writer.write(b"GET /async HTTP/1.0\r\n\r\n")
        response = await reader.read()
        writer.close()
        await writer.wait_closed()
        return response

    refusals = Refusals()
    with closed_network(refusals, [allowed]):
        with socket.create_connection((host, live.port), 5) as sock:
            sock.sendall(b"GET /raw HTTP/1.0\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
        assert b"live" in asyncio.run(ask())
        udp(lambda sock: sock.sendto(b"x", ("127.0.0.1", live.port)))
        assert [] == refusals.seen
        with pytest.raises(ConnectionRefusedError, match=r"127\.0\.0\.2:9 was stopped"):
            tcp(lambda sock: sock.connect(("127.0.0.2", 9)))
    assert ["/raw", "/async"] == live.hits


def test_an_allowed_name_stands_for_its_addresses(monkeypatch: pytest.MonkeyPatch, live: LiveServer) -> None:
    """Names are resolved before the guard starts; one that cannot be resolved is not an error."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "unknown.example":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return real("127.0.0.1" if host == NAME else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with closed_network(Refusals(), ["unknown.example", NAME]):
        socket.create_connection((NAME, live.port), 5).close()
        socket.create_connection(("127.0.0.1", live.port), 5).close()


def test_sockets_that_need_no_network_pass(tmp_path: Path) -> None:
    """Unix sockets, socket pairs, pipes of event loops, servers that listen."""
    path = str(tmp_path / "s")
    refusals = Refusals()
    with closed_network(refusals):
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind(path)
            server.listen()
            client.connect(path)
            assert path == client.getpeername()
        one, other = socket.socketpair()
        with one, other:
            one.sendall(b"x")
            assert b"x" == other.recv(1)
        assert "done" == asyncio.run(asyncio.to_thread(lambda: "done"))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            assert listening.getsockname()[1]
        assert socket.getaddrinfo("127.0.0.1", 80)
        assert socket.getaddrinfo("localhost", 80)
        assert socket.getaddrinfo(None, 80)
    assert [] == refusals.seen


def test_a_local_server_may_start_and_buffers_may_be_a_tuple(live: LiveServer) -> None:
    """A server looks up its own name when it binds; a tuple of buffers is not an address."""
    refusals = Refusals()
    with closed_network(refusals, ["127.0.0.1"]):
        with live_server() as second, socket.create_connection(("127.0.0.1", second.port), 5) as sock:
            sock.sendmsg((b"GET /pieces", b" HTTP/1.0\r\n\r\n"))
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
        udp(lambda sock: sock.sendmsg((b"x",), (), 0, ("127.0.0.1", live.port)))
    assert (["/pieces"], []) == (second.hits, refusals.seen)


def socket_functions() -> dict[str, object]:
    """Every callable of the socket module and of its class."""
    places: list[Any] = [socket, socket.socket]
    return {f"{place}.{name}": inspect.getattr_static(place, name) for place in places for name in dir(place)}


@pytest.mark.parametrize("ending", [None, KeyError])
def test_everything_is_restored(ending: type[Exception] | None, live: LiveServer) -> None:
    """Also after an exception: the same functions, nothing added, and the network is open."""
    before, own = socket_functions(), set(vars(socket.socket))
    with suppress(KeyError), closed_network(Refusals()):
        assert [] != [name for name, what in socket_functions().items() if before[name] is not what]
        if ending:
            raise ending("x")
    after = socket_functions()
    assert before.keys() == after.keys()
    assert [] == [name for name, what in after.items() if before[name] is not what]
    assert own == set(vars(socket.socket))
    socket.create_connection(("127.0.0.1", live.port), 5).close()


def test_guards_can_be_nested(live: LiveServer) -> None:
    """The inner one ends alone, and the outer one stays in force."""
    inner, outer = Refusals(), Refusals()
    with closed_network(outer):
        with closed_network(inner), pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", live.port), 5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", live.port), 5)
    assert (1, 1) == (len(inner.seen), len(outer.seen))


def test_thread_started_before_the_guard_is_guarded(live: LiveServer) -> None:
    """The guard holds for the whole process."""
    go, errors = threading.Event(), []

    def work() -> None:
        go.wait(5)
        try:
            socket.create_connection(("127.0.0.1", live.port), 5).close()
        except OSError as error:
            errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    with closed_network(Refusals()):
        go.set()
        thread.join(5)
    assert [f"[Errno {errno.ECONNREFUSED}] a connection to 127.0.0.1:{live.port} was stopped"] == errors


def test_the_c_module_is_guarded_too(live: LiveServer) -> None:
    """A library may use `_socket` itself."""
    refusals = Refusals()
    sock = _socket.socket()
    with closed_network(refusals), pytest.raises(ConnectionRefusedError):
        sock.connect(("127.0.0.1", live.port))
    sock.close()
    assert ([], [f"a connection to 127.0.0.1:{live.port}"]) == (live.hits, refusals.seen)


def test_loopback_is_allowed_except_for_the_recorded_address(live: LiveServer) -> None:
    """By TCP and UDP; a server that this process started meanwhile is allowed."""
    refusals = Refusals()
    with closed_network(refusals, Allowed.of((), [f"localhost:{live.port}", "gws.example:443"])):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", live.port), 5)
        with live_server() as own:
            assert is_own_server("localhost", own.port)
            assert not is_own_server("localhost", live.port)
            socket.create_connection(("127.0.0.1", own.port), 5).close()
        udp(lambda sock: sock.sendto(b"x", ("127.0.0.1", 9)))
        with pytest.raises(ConnectionRefusedError):
            tcp(lambda sock: sock.connect(("192.0.2.1", 80)))
    assert [f"a connection to 127.0.0.1:{live.port}", "a connection to 192.0.2.1:80"] == refusals.seen


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_guarded_and_reported(live: LiveServer) -> None:
    """The attempt of a child is reported to its parent."""
    refusals = Refusals()
    with closed_network(refusals):
        child = os.fork()
        if child == 0:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", live.port), 5)
            os._exit(0)
        os.waitpid(child, 0)
    assert ([], [f"a connection to 127.0.0.1:{live.port} by a child process"]) == (live.hits, refusals.seen)


@pytest.mark.parametrize("name", ["192.0.2.1", "gws.example"])
def test_a_name_of_an_address_is_not_looked_up(name: str) -> None:
    """A reverse look-up would use the name server as well."""
    with closed_network(Refusals()), pytest.raises(socket.gaierror, match=f"a look-up of {name} was stopped"):
        socket.getnameinfo((name, 80), 0)
