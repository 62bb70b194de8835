"""A Bayeux server without its wire: decoded messages in, replies out (the protocol: Bayeux 1.0).

Everything that decides when a notification may leave and which client it leaves for is in this file. It must never
know of a socket, a URL, a clock, a source of randomness, or of Genesys: the caller passes the time in seconds and an
id factory, and messages are routed by the channel they name. One server has one audience: a caller with several users
keeps a server for each.

A connect for which nothing waits is held: `receive` returns `Hold`, and the caller keeps that connection open until
its ticket turns up in the `ready` of a later result, its time is over, or the caller shuts down. It then calls
`release` for the replies. Holds have tickets of their own because one client can have two connects open at once: after
a lost connection it comes back before the loss is noticed.

Notifications leave only with the reply to a connect, over WebSocket too. Replies that could not be written goes
to `put_back`; a client with the acknowledgement extension says itself what it has, and gets the rest again.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from gws_replay.core.bayeux.messages import Message, Verbatim, matching_patterns, refusal, reply, subscriptions
from gws_replay.core.bayeux.session import Client

# Memory is bounded: a client that fetches nothing is forgotten, and one that subscribes without end is refused.
MAX_QUEUE = 10_000
MAX_SUBSCRIPTIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """Messages to write now, and the tickets of held connects that can be released now.

    `carried` are the notifications among the messages, each with its client's id: what `put_back` needs when writing
    fails.
    """

    messages: tuple[Message, ...]
    ready: tuple[int, ...] = ()
    carried: tuple[tuple[str, Message], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing to write yet: keep the connection, and `release` the ticket when it is ready or `until` has come."""

    ticket: int
    client_id: str
    until: float
    ready: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    client: Client
    connect: Message


@dataclass(frozen=True, slots=True)
class _Expelled:
    """A client whose session expired, and which of its notifications the next client that subscribes gets."""

    client: Client
    keeps: Callable[[Message], bool]
    # The clients that were there already: they have received all of it themselves.
    others: frozenset[str]


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What one batch of messages has come to so far."""

    now: float
    alone: bool
    replies: list[Message] = field(default_factory=list)
    ready: list[int] = field(default_factory=list)
    carried: list[tuple[str, Message]] = field(default_factory=list)
    hold: Hold | None = None


class BayeuxServer:
    """The clients of one audience, their subscriptions, queues and held connects.

    All times are seconds on one clock of the caller's choosing. `timeout` is the longest hold, `max_silence` how long a
    client may go without a connect before `expire` forgets it, `connection_types` what a handshake offers.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        timeout: float = 30.0,
        max_silence: float = 60.0,
        connection_types: Sequence[str] = ("websocket", "long-polling", "callback-polling"),
    ) -> None:
        self._new_id = new_id
        self._timeout = timeout
        self._max_silence = max_silence
        self._connection_types = tuple(connection_types)
        # How many notifications a response brings at the most; None for all that wait.
        self.most_at_once: int | None = None
        self._clients: dict[str, Client] = {}
        self._expelled: list[_Expelled] = []
        self._held: dict[int, _Held] = {}
        self._tickets = count(1)
        self._handlers = {
            "/meta/connect": self._connect,
            "/meta/disconnect": self._disconnect,
            "/meta/subscribe": self._subscribe,
            "/meta/unsubscribe": self._unsubscribe,
        }

    @property
    def clients(self) -> tuple[str, ...]:
        """The ids of the clients that have shaken hands."""
        return tuple(self._clients)

    @property
    def has_undelivered(self) -> bool:
        """Whether notifications wait for a client, or the last ones went to one that has not connected again since."""
        return any(client.queue or client.was_notified for client in self._clients.values())

    @property
    def held(self) -> int:
        """How many connects are held."""
        return len(self._held)

    def has_subscriber(self, channel: str) -> bool:
        """Tell whether any client is subscribed to a channel."""
        patterns = matching_patterns(channel)
        return any(not patterns.isdisjoint(client.patterns) for client in self._listening())

    def receive(self, messages: Sequence[Any], now: float) -> Replies | Hold:
        """Take one batch of decoded messages; only a connect that comes alone can be held."""
        batch = _Batch(now=now, alone=len(messages) == 1)
        for message in messages:
            replied = self._reply_to(message, batch)
            if replied is not None:
                batch.replies.append(replied)
        if batch.hold is not None:
            return batch.hold
        return Replies(
            messages=tuple(batch.replies), ready=tuple(dict.fromkeys(batch.ready)), carried=tuple(batch.carried)
        )

    def deliver(self, channel: str, data: Any) -> tuple[int, ...]:
        """Queue a notification for every subscriber; return the tickets of connects that can now be released.

        A client with MAX_QUEUE notifications that it has not fetched is forgotten: it has to shake hands again.
        """
        patterns = matching_patterns(channel)
        ready = []
        for client in self._listening():
            if patterns.isdisjoint(client.patterns):
                continue
            if client.ticket is not None:
                ready.append(client.ticket)
            if client.backlog >= MAX_QUEUE:
                self._clients.pop(client.id, None)
                continue
            client.queue.append({"channel": channel, "data": data})
        return tuple(ready)

    def release(self, ticket: int, now: float) -> Replies:
        """Return the replies to a held connect, with all that waits for its client; none if the ticket is not held."""
        held = self._held.pop(ticket, None)
        if held is None:
            return Replies(messages=())
        client = held.client
        client.seen = now
        if client.ticket != ticket:  # a newer connect took its place, or the client disconnected
            advice: Message = {} if client.id in self._clients else {"advice": {"reconnect": "none"}}
            return Replies(messages=(reply(held.connect, **advice),))
        client.ticket = None
        if client.id not in self._clients:
            return Replies(messages=(_unknown_client(held.connect),))
        notifications = client.drain(self.most_at_once)
        return Replies(
            messages=(*notifications, reply(held.connect, **client.acknowledgement)),
            carried=tuple((client.id, each) for each in notifications),
        )

    def abandon(self, ticket: int, now: float) -> None:
        """Forget a held connect whose connection was lost; its client's notifications wait for the next one."""
        held = self._held.pop(ticket, None)
        if held is not None and held.client.ticket == ticket:
            held.client.ticket = None
            held.client.seen = now

    def put_back(self, replies: Replies) -> tuple[int, ...]:
        """Queue again, in front, the notifications of replies that were not written; return the tickets now ready."""
        ready: dict[int, None] = {}
        for client_id, notification in reversed(replies.carried):
            client = self._clients.get(client_id)
            if client is not None and not client.acknowledges:
                client.queue.appendleft(notification)
                if client.ticket is not None:
                    ready[client.ticket] = None
        return tuple(ready)

    @property
    def subscriptions(self) -> frozenset[str]:
        """The patterns that clients are subscribed to."""
        return frozenset[str]().union(*(client.patterns for client in self._clients.values()))

    @property
    def unheld(self) -> tuple[Client, ...]:
        """The clients that have no connect held."""
        return tuple(client for client in self._clients.values() if client.ticket is None)

    def forget(self) -> tuple[int, ...]:
        """Forget every client: each has to shake hands again. Return the tickets of the connects that were held."""
        self._clients.clear()
        self._expelled.clear()
        return tuple(self._held)

    def expel(
        self, client_id: str, keeps: Callable[[Message], bool] = lambda _: True, acknowledged: int | None = None
    ) -> tuple[int, ...]:
        """Forget a client, as a server does whose session expired; return the ticket of its connect that was held.

        What it has not received, and what comes until a new client subscribes instead, is for that one, as far as
        `keeps` says so: a real server loses it all. `acknowledged` is the last batch that it has; None for all.
        """
        client = self._clients.pop(client_id, None)
        if client is None:
            return ()
        client.confirm(client.batch if acknowledged is None else acknowledged)
        self._expelled.append(_Expelled(client, keeps, frozenset(self._clients)))
        return () if client.ticket is None else (client.ticket,)

    def expire(self, now: float) -> tuple[str, ...]:
        """Forget the clients that have been silent too long; return their ids. A held connect is not silence."""
        silent = [c.id for c in self._clients.values() if c.ticket is None and now - c.seen > self._max_silence]
        for client_id in silent:
            del self._clients[client_id]
        return tuple(silent)

    def _reply_to(self, message: Any, batch: _Batch) -> Message | None:
        if not isinstance(message, dict):
            return refusal({}, "400::Message is not an object")
        channel = message.get("channel")
        if not isinstance(channel, str) or not channel.startswith("/"):
            return refusal(message, "400::Missing channel")
        if channel == "/meta/handshake":
            return self._handshake(message, batch)
        handler = self._handlers.get(channel) if channel.startswith("/meta/") else self._publish
        if handler is None:
            return refusal(message, "404::Unknown meta channel")
        client_id = message.get("clientId")
        client = self._clients.get(client_id) if isinstance(client_id, str) else None
        if client is None:
            return _unknown_client(message)
        client.seen = batch.now
        return handler(client, message, batch)

    def _handshake(self, message: Message, batch: _Batch) -> Message:
        wanted = message.get("supportedConnectionTypes", self._connection_types)
        if not isinstance(wanted, list | tuple) or not any(offered in wanted for offered in self._connection_types):
            return refusal(
                message,
                "400::No supported connection type",
                supportedConnectionTypes=list(self._connection_types),
                advice={"reconnect": "none"},
            )
        client = Client(id=self._new_id(), seen=batch.now, acknowledges=bool(_ack(message)))
        self._clients[client.id] = client
        extensions: Message = {"ext": {"ack": True}} if client.acknowledges else {}
        return reply(
            message,
            clientId=client.id,
            version="1.0",
            supportedConnectionTypes=list(self._connection_types),
            advice=self._advice(),
            **extensions,
        )

    def _connect(self, client: Client, message: Message, batch: _Batch) -> Message | None:
        if client.ticket is not None:
            batch.ready.append(client.ticket)
            client.ticket = None
        client.was_notified = False
        if client.acknowledges and type(acknowledged := _ack(message)) is int:
            client.confirm(acknowledged)
        wait = self._wait(message)
        if batch.alone and client.connected and not client.queue and wait > 0:
            client.ticket = next(self._tickets)
            self._held[client.ticket] = _Held(client=client, connect=message)
            batch.hold = Hold(
                ticket=client.ticket, client_id=client.id, until=batch.now + wait, ready=tuple(batch.ready)
            )
            return None
        advice: Message = {} if client.connected else {"advice": self._advice()}
        client.connected = True
        notifications = client.drain(self.most_at_once)
        batch.replies.extend(notifications)
        batch.carried.extend((client.id, each) for each in notifications)
        return reply(message, **advice, **client.acknowledgement)

    def _subscribe(self, client: Client, message: Message, _batch: _Batch) -> Message:
        patterns = subscriptions(message)
        if not patterns:
            return refusal(message, "400::Missing subscription")
        if not all(pattern.startswith("/") and not pattern.startswith("/meta/") for pattern in patterns):
            return refusal(message, "403::Subscription denied", subscription=message["subscription"])
        if len(client.patterns) + len(set(patterns) - client.patterns) > MAX_SUBSCRIPTIONS:
            return refusal(message, "403::Too many subscriptions", subscription=message["subscription"])
        client.patterns.update(patterns)
        if self._expelled:
            self._inherit(client)
        return reply(message, subscription=message["subscription"])

    def _inherit(self, client: Client) -> None:
        """Let a client have what waits for one that was expelled, on the channels that it has subscribed to."""
        for expelled in tuple(self._expelled):
            if client.id in expelled.others:
                continue
            before, waiting = expelled.client, tuple(expelled.client.queue)
            before.queue.clear()
            for message in waiting:
                if matching_patterns(message["channel"]).isdisjoint(client.patterns):
                    before.queue.append(message)
                elif expelled.keeps(message):
                    client.queue.append(message)
            before.patterns -= client.patterns
            if not before.patterns:
                self._expelled.remove(expelled)

    def _listening(self) -> tuple[Client, ...]:
        """Return the clients that notifications are queued for."""
        clients = tuple(self._clients.values())
        return (*clients, *(each.client for each in self._expelled)) if self._expelled else clients

    def _unsubscribe(self, client: Client, message: Message, _batch: _Batch) -> Message:
        patterns = subscriptions(message)
        if not patterns:
            return refusal(message, "400::Missing subscription")
        client.patterns.difference_update(patterns)
        return reply(message, subscription=message["subscription"])

    def _publish(self, _client: Client, message: Message, batch: _Batch) -> Message:
        channel: str = message["channel"]
        if "*" in channel:
            return refusal(message, "403::Publish denied")
        if "data" not in message:
            return refusal(message, "400::Missing data")
        if not channel.startswith("/service/"):  # service channels end at the server (Bayeux 1.0, section 2.2.3)
            try:
                data = Verbatim(json.dumps(message["data"], separators=(",", ":")))
            except RecursionError:
                return refusal(message, "400::Data nested too deeply")
            batch.ready.extend(self.deliver(channel, data))
        return reply(message)

    def _disconnect(self, client: Client, message: Message, batch: _Batch) -> Message:
        if client.ticket is not None:
            batch.ready.append(client.ticket)
            client.ticket = None
        del self._clients[client.id]
        return reply(message)

    def _advice(self) -> Message:
        return {"reconnect": "retry", "interval": 0, "timeout": round(self._timeout * 1000)}

    def _wait(self, connect: Message) -> float:
        """How long a connect may be held: the server's timeout, or less where the client's own advice says so."""
        advice = connect.get("advice")
        wanted = advice.get("timeout") if isinstance(advice, dict) else None
        if isinstance(wanted, bool) or not isinstance(wanted, int | float):
            return self._timeout
        return max(0, min(self._timeout * 1000, wanted)) / 1000


def _unknown_client(message: Message) -> Message:
    error = "401::No client ID" if message.get("clientId") is None else "402::Unknown client"
    return refusal(message, error, advice={"reconnect": "handshake", "interval": 0})


def _ack(message: Message) -> Any:
    """Return what a message says of acknowledgement: whether it is wanted, or the last batch that arrived."""
    ext = message.get("ext")
    return ext.get("ack") if isinstance(ext, dict) else None
