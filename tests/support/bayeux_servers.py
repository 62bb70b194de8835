"""A server of Bayeux and nothing else, for several test files, and what is needed to talk to it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import requests
from aiohttp import web

from gws_replay.core.bayeux.over_http import BayeuxRequest, carried
from gws_replay.core.bayeux.server import BayeuxServer, Hold, Replies
from gws_replay.core.model import Headers, Request
from gws_replay.playback.held_polls import HeldPolls
from gws_replay.web.bayeux_aiohttp import Conversations, Put, as_it_is, is_websocket, poll
from gws_replay.web.listening import in_a_thread, listen
from tests.support.sockets import CALM

TOPIC = "/v2/me/x"


class Core(BayeuxServer):
    """A Bayeux server that delivers when the test calls it, and counts what it accepts."""

    next_at = None

    def __init__(self) -> None:
        numbers = count(1)
        super().__init__(new_id=lambda: f"c{next(numbers)}", timeout=CALM)
        self.due: list[Any] = []
        self.taken = 0
        self.abandoned = threading.Event()

    def advance(self, now: float) -> tuple[int, ...]:
        due, self.due = self.due, []
        return tuple(ticket for data in due for ticket in self.deliver(TOPIC, data))

    def receive(self, messages: Sequence[Any], now: float) -> Replies | Hold:
        self.taken += 1
        return super().receive(messages, now)

    def abandon(self, ticket: int, now: float) -> None:
        super().abandon(ticket, now)
        self.abandoned.set()


class Served:
    """A server of Bayeux and nothing else."""

    def __init__(self, put: Put) -> None:
        self.core = Core()
        self.polls = HeldPolls(self.core)
        self.put = put
        self.conversations = Conversations(lambda _request, _messages: self.polls, put)
        self.url = ""

    async def start(self) -> "Served":
        self.loop = asyncio.get_running_loop()
        self.server = web.Server(self.handle)
        self.listening = await listen(self.server, "127.0.0.1", 0)
        self.url = self.listening.url
        return self

    async def close(self) -> None:
        self.polls.close()
        self.listening.close()
        await self.conversations.close()
        self.server.pre_shutdown()
        await self.server.shutdown(1.0)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if is_websocket(request):
            return await self.conversations.hold(request, {"X-More": "1"})
        sent = Request(
            method=request.method, uri=f"http://x{request.raw_path}", headers=Headers(()), body=await request.read()
        )
        return await poll(
            request, carried(sent) or BayeuxRequest([]), self.polls, headers={"X-More": "1"}, put=self.put
        )

    def deliver(self, data: Any) -> None:
        """Send a notification to all subscribed clients."""
        with self.polls.lock:
            self.core.due.append(data)
            self.polls.changed()

    def post(self, *messages: dict[str, Any]) -> requests.Response:
        return requests.post(f"{self.url}/notifications", json=messages, timeout=CALM)


@contextmanager
def served(put: Put = as_it_is) -> Iterator[Served]:
    """Serve as long as the block lasts."""
    running = Served(put)
    with in_a_thread(running.start, "bayeux"):
        yield running


def run(conversation: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine to its end."""
    asyncio.run(asyncio.wait_for(conversation(), CALM))


def payloads(messages: list[Any]) -> list[Any]:
    """The data of the notifications among some messages."""
    return [each["data"] for each in messages if each["channel"] == TOPIC]
