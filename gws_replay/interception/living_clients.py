"""Edge: CometD clients that live longer than a run: they go on in the next one, with their clientId and subscriptions.

Each run has a Bayeux server of its own. A client that shook hands in an earlier run gets a second clientId in the
current one, which it never sees: its requests are rewritten here.
"""

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

from gws_replay.core.bayeux import over_http
from gws_replay.core.bayeux.messages import encoded, subscriptions
from gws_replay.core.model import Request, Response
from gws_replay.playback.run import Run

# A suite may make a client in each of thousands of tests, and never disconnect them.
_MOST = 100


@dataclass(slots=True, kw_only=True)
class _Client:
    """A client by the id that it knows, and the id that it has in a run. `polls` counts its connects that are held."""

    known_as: str
    handshake: dict[str, Any]
    template: Request
    run: Run
    id_there: str
    subscriptions: set[str] = field(default_factory=set)
    polls: int = 0


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
        there, clients = self._sent(run, request, messages)
        try:
            response = run.respond(there)
        finally:
            self._left(run, clients)
        self._note(run, request, messages, response)
        return response

    async def respond_async(self, run: Run, request: Request) -> Response | None:
        """Return the run's response to a request of this task."""
        messages = _messages(request)
        if not messages:
            return await run.respond_async(request)
        there, clients = self._sent(run, request, messages)
        try:
            response = await run.respond_async(there)
        finally:
            self._left(run, clients)
        self._note(run, request, messages, response)
        return response

    def begin(self, run: Run) -> None:
        """Let the clients that were polling when the last run ended take part in a run from its beginning."""
        with self._lock:
            for client in self._polling:
                if client.known_as in self._clients:
                    self._join(client, run)
            self._polling = ()

    def end(self, run: Run) -> None:
        """Remember which clients are polling; call this before the run releases their polls."""
        with self._lock:
            self._polling = tuple(each for each in self._clients.values() if each.polls and each.run is run)

    def _sent(self, run: Run, request: Request, messages: list[dict[str, Any]]) -> tuple[Request, list[_Client]]:
        """Return a request with the clientIds of the run, and the clients that poll with it."""
        with self._lock:
            ids: dict[str, str] = {}
            polling = []
            for message in messages:
                client = self._clients.get(message.get("clientId", ""))
                if client is None:
                    continue
                if client.run is not run:
                    self._join(client, run)
                ids[client.known_as] = client.id_there
                client.template = request
                if message.get("channel") == "/meta/connect":
                    client.polls += 1
                    polling.append(client)
        if all(known == there for known, there in ids.items()):
            return request, polling
        renamed = [
            {**each, "clientId": ids[each["clientId"]]} if each.get("clientId") in ids else each for each in messages
        ]
        return replace(request, body=encoded(renamed).encode()), polling

    def _left(self, run: Run, clients: list[_Client]) -> None:
        with self._lock:
            for client in clients:
                if client.run is run:
                    client.polls -= 1

    def _note(self, run: Run, request: Request, sent: list[dict[str, Any]], response: Response | None) -> None:
        """Take note of the clients and subscriptions that a response confirms."""
        if response is None or response.status != 200 or all(each.get("channel") == "/meta/connect" for each in sent):
            return
        with self._lock:
            for message in json.loads(response.body):
                if message.get("successful"):
                    original = next((each for each in sent if each.get("id") == message.get("id")), {})
                    self._confirmed(run, request, original, message)

    def _confirmed(self, run: Run, request: Request, sent: dict[str, Any], received: dict[str, Any]) -> None:
        channel = received.get("channel")
        if channel == "/meta/handshake":
            name = received["clientId"]
            while len(self._clients) >= _MOST:
                self._clients.popitem(last=False)
            self._clients[name] = _Client(known_as=name, handshake=sent, template=request, run=run, id_there=name)
        client = self._clients.get(sent.get("clientId", ""))
        if client is None:
            return
        if channel == "/meta/subscribe":
            client.subscriptions.update(subscriptions(sent))
        elif channel == "/meta/unsubscribe":
            client.subscriptions.difference_update(subscriptions(sent))
        elif channel == "/meta/disconnect":
            del self._clients[client.known_as]

    def _join(self, client: _Client, run: Run) -> None:
        """Let a client shake hands with another run, and subscribe there."""
        client.run, client.polls = run, 0
        answer = self._send(run, client.template, client.handshake)
        client.id_there = answer.get("clientId", client.known_as)
        for pattern in sorted(client.subscriptions):
            subscribe = {"channel": "/meta/subscribe", "clientId": client.id_there, "subscription": pattern}
            self._send(run, client.template, subscribe)

    @staticmethod
    def _send(run: Run, template: Request, message: dict[str, Any]) -> dict[str, Any]:
        response = run.respond(replace(template, body=encoded([message]).encode()))
        answers = json.loads(response.body) if response and response.status == 200 else []
        return next((each for each in answers if each.get("channel") == message["channel"]), {})


def _messages(request: Request) -> list[dict[str, Any]]:
    """Return the Bayeux messages of a JSON request; none for any other."""
    if request.method != "POST" or b"/meta/" not in request.body or request.body.startswith(b"message="):
        return []
    try:
        carried = over_http.carried(request)
    except ValueError:
        return []
    if carried is None or carried.callback is not None:
        return []
    return [each for each in carried.messages if isinstance(each, dict)]
