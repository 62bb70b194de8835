"""Edge: CometD clients that live longer than a run: they go on in the next one, with their clientId and subscriptions.

Each run has a Bayeux server of its own. A client that shook hands in an earlier run gets another clientId in the
current one, which it never sees: its requests are rewritten here.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from gws_replay.core.bayeux import over_http
from gws_replay.core.bayeux.messages import encoded, subscriptions
from gws_replay.core.model import Request, Response
from gws_replay.playback.run import Run

# A suite may make a client in each of thousands of tests, and never disconnect them.
_MOST = 100


@dataclass(slots=True)
class _Place:
    """A client in one run: its clientId there, and how many of its connects are held."""

    client_id: str
    polls: int = 0


@dataclass(slots=True)
class _Client:
    """A client by the clientId that it knows; `template` is a request of it, whose header fields say who it is."""

    client_id: str
    handshake: dict[str, Any]
    template: Request
    subscriptions: set[str] = field(default_factory=set)
    places: "WeakKeyDictionary[Run, _Place]" = field(default_factory=WeakKeyDictionary)


class LivingClients:
    """All CometD clients of the process that have shaken hands with a replay, and have not disconnected."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._polling: tuple[_Client, ...] = ()
        self._lock = threading.RLock()

    def respond(self, run: Run, request: Request) -> Response | None:
        """Return the run's response to a request of this thread."""
        messages = _messages(request)
        if not messages:
            return run.respond(request)
        with self.taking_part(run, request, messages) as renamed:
            response = run.respond(_with(request, messages, renamed))
        self._note(run, request, messages, response)
        return response

    async def respond_async(self, run: Run, request: Request) -> Response | None:
        """Return the run's response to a request of this task."""
        messages = _messages(request)
        if not messages:
            return await run.respond_async(request)
        with self.taking_part(run, request, messages) as renamed:
            response = await run.respond_async(_with(request, messages, renamed))
        self._note(run, request, messages, response)
        return response

    def begin(self, run: Run) -> None:
        """Let the clients that were polling when the last run ended take part in a run from its beginning."""
        with self._lock:
            polling, self._polling = self._polling, ()
            for client in polling:
                if client.client_id in self._clients:
                    self._place(client, run)

    def end(self, run: Run) -> None:
        """Remember which clients are polling; call this before the run releases their polls."""
        with self._lock:
            places = [(client, client.places.get(run)) for client in self._clients.values()]
            self._polling = tuple(client for client, place in places if place and place.polls)

    @contextmanager
    def taking_part(self, run: Run, request: Request, messages: Sequence[Any]) -> Iterator[list[Any]]:
        """Give the messages of a request with the clientIds of the run, in which their clients take part from now on.

        While the block lasts, the clients that poll with them are polling.
        """
        polled: list[_Place] = []
        renamed: list[Any] = []
        with self._lock:
            for message in messages:
                client = self._clients.get(_client_id(message))
                if client is None:
                    renamed.append(message)
                    continue
                client.template = replace(request, method="POST")
                place = self._place(client, run)
                if message.get("channel") == "/meta/connect":
                    place.polls += 1
                    polled.append(place)
                renamed.append({**message, "clientId": place.client_id})
        try:
            yield renamed
        finally:
            with self._lock:
                for place in polled:
                    place.polls -= 1

    def note(self, run: Run, request: Request, sent: Sequence[Any], received: Iterable[Mapping[str, Any]]) -> None:
        """Take note of the clients and subscriptions that the replies to some messages confirm."""
        with self._lock:
            for message in received:
                if message.get("successful"):
                    of_it = (each for each in sent if isinstance(each, dict) and each.get("id") == message.get("id"))
                    self._confirmed(run, request, next(of_it, {}), message)

    def _note(self, run: Run, request: Request, sent: list[dict[str, Any]], response: Response | None) -> None:
        if response is None or response.status != 200 or all(each.get("channel") == "/meta/connect" for each in sent):
            return
        self.note(run, request, sent, json.loads(response.body))

    def _confirmed(self, run: Run, request: Request, sent: dict[str, Any], received: Mapping[str, Any]) -> None:
        channel = received.get("channel")
        if channel == "/meta/handshake":
            while len(self._clients) >= _MOST:
                self._clients.popitem(last=False)
            client = self._clients[received["clientId"]] = _Client(
                received["clientId"], sent, replace(request, method="POST")
            )
            client.places[run] = _Place(client.client_id)
            return
        client_known = self._clients.get(sent.get("clientId", ""))
        if client_known is None:
            return
        if channel == "/meta/subscribe":
            client_known.subscriptions.update(subscriptions(sent))
        elif channel == "/meta/unsubscribe":
            client_known.subscriptions.difference_update(subscriptions(sent))
        elif channel == "/meta/disconnect":
            del self._clients[client_known.client_id]

    def _place(self, client: _Client, run: Run) -> _Place:
        """Return a client's place in a run; in a new run it shakes hands and subscribes."""
        place = client.places.get(run)
        if place is None:
            answer = _send(run, client.template, client.handshake)
            place = client.places[run] = _Place(answer.get("clientId", client.client_id))
            for pattern in sorted(client.subscriptions):
                subscribe = {"channel": "/meta/subscribe", "clientId": place.client_id, "subscription": pattern}
                _send(run, client.template, subscribe)
        return place


def _send(run: Run, template: Request, message: dict[str, Any]) -> dict[str, Any]:
    response = run.respond(replace(template, body=encoded([message]).encode()))
    received = json.loads(response.body) if response and response.status == 200 else []
    return next((each for each in received if each.get("channel") == message["channel"]), {})


def _client_id(message: Any) -> str:
    client_id = message.get("clientId") if isinstance(message, dict) else None
    return client_id if isinstance(client_id, str) else ""


def _with(request: Request, messages: list[dict[str, Any]], renamed: list[Any]) -> Request:
    return request if renamed == messages else replace(request, body=encoded(renamed).encode())


def _messages(request: Request) -> list[dict[str, Any]]:
    """Return the Bayeux messages of a JSON request; none for any other."""
    if request.method != "POST" or b"/meta/" not in request.body or request.body.startswith(b"message="):
        return []
    try:
        carried = over_http.carried(request)
    except ValueError:
        return []
    return [] if carried is None else [each for each in carried.messages if isinstance(each, dict)]
