"""Edge: Bayeux over aiohttp, for every server of ours: long-polling, callback-polling and WebSocket.

If a connection breaks, nothing is lost: what could not be written goes back to its client's queue. This module must not
know which notifications are delivered, or why.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol

from aiohttp import WSMsgType, web

from gws_replay.core.bayeux.broken import BrokenConnectionError
from gws_replay.core.bayeux.messages import Message, decoded, encoded
from gws_replay.core.bayeux.over_http import BayeuxRequest
from gws_replay.core.bayeux.server import Replies

MAX_BODY: Final = 16 * 2**20
# The limits of one batch, in bytes and in messages: no client may make the others wait.
MAX_BATCH: Final = 2 * 2**20
MAX_MESSAGES: Final = 5_000
# A longer batch is parsed in a thread.
_HEAVY: Final = 2**16
_BROWSER: Final = "BAYEUX_BROWSER"
# How many connects of one WebSocket are held at once; more wait in the socket.
_MAX_HELD: Final = 64

_CLOSING: Final = 0.5


def is_websocket(request: web.BaseRequest) -> bool:
    """Return whether a request opens a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


class Polls(Protocol):
    """What takes messages, and holds connects."""

    async def receive_async(self, messages: Sequence[Any]) -> Replies:
        """Take a batch; a connect with nothing to receive awaits."""

    def put_back(self, answer: Replies) -> None:
        """Take back the notifications of a response that could not be written."""


# What becomes of a message before a client gets it: the replay server makes recorded addresses its own.
Put = Callable[[web.BaseRequest, Message], Message]


def as_it_is(_request: web.BaseRequest, message: Message) -> Message:
    """Return a message unchanged."""
    return message


async def poll(
    request: web.BaseRequest,
    carried: BayeuxRequest,
    polls: Polls,
    *,
    headers: Mapping[str, str] | None = None,
    put: Put = as_it_is,
) -> web.Response:
    """Respond to an HTTP request with Bayeux messages; a connect is held until there is something to deliver."""
    if len(carried.messages) > MAX_MESSAGES:
        text = f"A batch has more than {MAX_MESSAGES} messages."
        return web.Response(status=413, text=text, headers=headers)
    try:
        answer = await polls.receive_async(carried.messages)
    except BrokenConnectionError as broken:
        return _broken(request, broken, *carried.encode(put(request, each) for each in broken.replies.messages))
    kind, body = carried.encode(put(request, message) for message in answer.messages)
    response = web.Response(body=body, headers={**(headers or {}), "Content-Type": kind, "Cache-Control": "no-store"})
    if _BROWSER not in request.cookies and any("version" in each for each in answer.messages):
        response.set_cookie(_BROWSER, secrets.token_hex(20), httponly=True)
    # Written here and not by aiohttp, because only here its notifications can be saved. If aiohttp meets the same error
    # again, it closes the connection.
    with suppress(OSError), _kept(polls, answer):
        await response.prepare(request)
        await response.write_eof()
    return response


def _broken(request: web.BaseRequest, broken: BrokenConnectionError, kind: str, body: bytes) -> web.Response:
    """Write the part of a response that is to arrive, and close the connection."""
    if request.transport and broken.part:
        # A client that has the whole response must know that the connection cannot be used again.
        end = "Connection: close\r\n" if broken.part == 1 else ""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{end}\r\n"
        request.transport.write(head.encode() + body[: int(len(body) * broken.part)])
        request.transport.close()
    elif request.transport:
        request.transport.abort()
    return web.Response()  # aiohttp finds the connection closed


class Conversations:
    """The open WebSockets of a server; each carries Bayeux messages until it is closed."""

    def __init__(
        self,
        polls_of: Callable[[web.BaseRequest, Sequence[Any]], Polls],
        put: Put = as_it_is,
        failed: Callable[[web.BaseRequest, Exception], object] | None = None,
    ) -> None:
        self._polls_of = polls_of
        self._put = put
        self._failed = failed
        self._open: dict[web.WebSocketResponse, web.BaseRequest] = {}

    async def hold(self, request: web.BaseRequest, headers: Mapping[str, str] | None = None) -> web.WebSocketResponse:
        """Serve one WebSocket; each of its messages is an array of Bayeux messages, or a single one."""
        socket = web.WebSocketResponse(max_msg_size=MAX_BATCH, protocols=("cometd",))
        socket.headers.update(headers or {})
        await socket.prepare(request)
        self._open[socket] = request
        answering: set[asyncio.Task[None]] = set()
        try:
            async with asyncio.TaskGroup() as tasks:
                async for messages in _batches(socket):
                    while len(answering) >= _MAX_HELD:
                        await asyncio.wait(answering, return_when=asyncio.FIRST_COMPLETED)
                    task = tasks.create_task(self._answer(request, socket, messages))
                    answering.add(task)
                    task.add_done_callback(answering.discard)
                    await asyncio.sleep(0)  # lets these messages be taken before the next batch
                for task in answering:
                    task.cancel()
        finally:
            del self._open[socket]
        return socket

    async def _answer(self, request: web.BaseRequest, socket: web.WebSocketResponse, messages: Sequence[Any]) -> None:
        try:
            polls = self._polls_of(request, messages)
            answer = await polls.receive_async(messages)
            text = encoded(self._put(request, message) for message in answer.messages)
        except BrokenConnectionError as broken:
            if broken.part == 1:
                await socket.send_str(encoded(self._put(request, message) for message in broken.replies.messages))
            await socket.close(code=1001)
            return
        except Exception as error:
            if self._failed is None:
                raise
            self._failed(request, error)
            await socket.close(code=1011, message=b"The server failed.")
            return
        with suppress(ConnectionError), _kept(polls, answer):
            await socket.send_str(text)

    async def close(self) -> None:
        """Close all of them: the server stops."""
        await asyncio.gather(*(_part(socket, request) for socket, request in self._open.items()))


async def _part(socket: web.WebSocketResponse, request: web.BaseRequest) -> None:
    """Close a socket that is no longer served; the connection of a client that does not read is aborted."""
    try:
        await asyncio.wait_for(socket.close(code=1001), _CLOSING)
    except (ConnectionError, TimeoutError):
        if request.transport:
            request.transport.abort()
    except asyncio.CancelledError:
        # What the closing waited for was cancelled, since the one that held the socket has ended; or we are.
        task = asyncio.current_task()
        if task and task.cancelling():
            raise


async def _batches(socket: web.WebSocketResponse) -> AsyncIterator[list[Any]]:
    """Yield the messages of each batch; close the socket at what is not Bayeux, or too much of it."""
    async for received in socket:
        if received.type is not WSMsgType.TEXT:
            await socket.close(code=1003, message=b"Bayeux is text")
            return
        text = received.data
        try:
            messages = await asyncio.to_thread(decoded, text) if len(text) > _HEAVY else decoded(text)
        except ValueError as error:
            await socket.close(code=1007, message=f"not Bayeux: {error}".encode()[:100])
            return
        if len(messages) > MAX_MESSAGES:
            await socket.close(code=1009, message=f"more than {MAX_MESSAGES} messages".encode())
            return
        yield messages


@contextmanager
def _kept(polls: Polls, answer: Replies) -> Iterator[None]:
    """Give the notifications of a response back if it cannot be written."""
    try:
        yield
    except (asyncio.CancelledError, OSError):
        polls.put_back(answer)
        raise
