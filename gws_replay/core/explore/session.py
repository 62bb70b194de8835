"""A user's session in an explored run: it interrupts what the variant asks for, and notes what the clients see."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from json import dumps
from typing import Any

from gws_replay.core.api import documented_faults
from gws_replay.core.bayeux.broken import BrokenConnectionError
from gws_replay.core.bayeux.messages import Message, Verbatim
from gws_replay.core.bayeux.server import Hold, Replies
from gws_replay.core.explore.deviation import Place
from gws_replay.core.explore.plan import Plan
from gws_replay.core.model import Request
from gws_replay.core.replay.cassette_run import Send
from gws_replay.core.replay.request_key import Key
from gws_replay.core.replay.user_session import UserSession

# How long a client may work on a notification before its silence counts as waiting.
_BUSY_PATIENCE = 0.25
_ADVICE = {"reconnect": "retry", "interval": 0, "timeout": 30_000, "maxInterval": 10_000}


class ExploredSession(UserSession):
    """A session that follows a plan."""

    def __init__(self, *args: Any, plan: Plan, **options: Any) -> None:
        super().__init__(*args, **options)
        self._plan = plan
        if plan.deviations:
            self._busy_patience = max(_BUSY_PATIENCE, self._patience)
        if "apart" in plan.replies:
            self.bayeux.most_at_once = 1
        self._breaking: dict[int, str] = {}
        # The notifications that were delivered, by what was sent of them.
        self._places: dict[str, tuple[int, int]] = {}

    @property
    def has_undelivered(self) -> bool:
        """Also if one is due in a moment: a response that comes after it waits."""
        return super().has_undelivered or (bool(self._plan.deviations) and any(role.outlet for role in self.roles))

    def receive(self, messages: Sequence[Any], now: float) -> Replies | Hold:
        """Take a batch of Bayeux messages. Raises BrokenConnectionError if the connection breaks."""
        user, plan, ready = self.roles[0].user, self._plan, tuple[int, ...]()
        connects = any(isinstance(each, dict) and each.get("channel") == "/meta/connect" for each in messages)
        what = plan.connect(user) if connects else ""
        if what == "before":
            raise BrokenConnectionError
        if session := plan.batch(user):
            ready = self._expel(messages, lost=session == "402-lost")
        if what in ("empty", "redelivered"):
            messages = [_changed(each, what) for each in messages]
        result = super().receive(messages, now)
        if isinstance(result, Hold):
            if what in ("middle", "after"):
                self._breaking[result.ticket] = what
            return replace(result, ready=(*ready, *result.ready))
        return self._left(replace(result, ready=(*ready, *result.ready)), what)

    def release(self, ticket: int, now: float) -> Replies:
        """Return the replies to a held connect. Raises BrokenConnectionError if its connection breaks."""
        return self._left(super().release(ticket, now), self._breaking.pop(ticket, ""))

    def responded(self, send: Send, now: float) -> None:
        """Take note that a response was sent."""
        super().responded(send, now)
        if not send.repeated and send.outcome == "response":
            self._plan.saw([(send.cassette, Place("r", send.interaction))])

    def _played(self, key: Key, request: Request, now: float) -> Send | None:
        self._plan.requests += 1
        what, number, slot = "", 0, None
        for number, role in enumerate(self.roles):
            slot = role.progress.next_of(key, request)
            if slot is not None:
                what = self._plan.request(number, slot)
                break
        if slot is None or what in ("", "unanswered", "cut"):
            send = super()._played(key, request, now)
            if send and not send.repeated:
                self._plan.saw([(send.cassette, Place("q", send.interaction))])
            return self._without_response(send) if send and what else send
        self.served += 1
        response = self.indexes[number].interactions[slot].response
        if what in ("broken", "silent"):
            return Send(response, slot, number, outcome="broken" if what == "broken" else "silence", repeated=True)
        self._in_flight[number, slot] += 1
        return Send(documented_faults.REFUSALS[what].response, slot, number, repeated=True)

    def _without_response(self, send: Send) -> Send:
        """Return what was carried out, but gets no response."""
        if send.outcome == "response":
            self._in_flight[send.cassette, send.interaction] -= 1
        return send._replace(outcome="broken")

    def _deliver(self, number: int, index: int, now: float) -> Sequence[int]:
        fault = self._plan.notification(number, index)
        if fault == "lost":
            self.roles[number].delivered.add(index)
            return ()
        cassette = self.run.cassettes[number]
        text = cassette.data(index)
        if fault == "error":
            value = self.indexes[number].cassette.notifications[index].value
            text = dumps(documented_faults.as_error(value if isinstance(value, dict) else {}))
            self.roles[number].delivered.add(index)
        self._places[text] = number, index
        if fault:
            return self.bayeux.deliver(self.indexes[number].cassette.notifications[index].channel, Verbatim(text))
        return super()._deliver(number, index, now)

    def _expel(self, messages: Sequence[Any], *, lost: bool) -> tuple[int, ...]:
        keeps: Callable[[Message], bool] = self._is_kept if lost else lambda _: True
        found = [each for each in messages if isinstance(each, dict) and isinstance(each.get("clientId"), str)]
        return tuple(
            ticket for each in found for ticket in self.bayeux.expel(each["clientId"], keeps, _acknowledged(each))
        )

    def _is_kept(self, message: Message) -> bool:
        place = self._places.get(message["data"])
        return place is None or not self._plan.space.is_shown_by_get(*place)

    def _left(self, replies: Replies, what: str) -> Replies:
        """Return replies as they leave. Raises BrokenConnectionError if they leave in part."""
        if what == "middle":
            self.bayeux.put_back(replies)
            raise BrokenConnectionError(replies, 0.5)
        found = [self._places.get(message["data"]) for _, message in replies.carried]
        self._plan.saw((each[0], Place("n", each[1])) for each in found if each)
        if self._plan.replies:
            replies = replace(replies, messages=_shaped(replies.messages, self._plan.replies))
        if what == "after":
            raise BrokenConnectionError(replies, 1.0)
        return replies


def _changed(message: Any, what: str) -> Any:
    """Return a connect that asks for an empty response, or that acknowledges one batch less than it has."""
    if not isinstance(message, dict) or message.get("channel") != "/meta/connect":
        return message
    if what == "empty":
        advice = message.get("advice")
        return {**message, "advice": {**(advice if isinstance(advice, dict) else {}), "timeout": 0}}
    acknowledged = _acknowledged(message)
    return message if acknowledged is None else {**message, "ext": {**message["ext"], "ack": acknowledged - 1}}


def _acknowledged(message: Message) -> int | None:
    """Return the last batch that a connect says to have received; None if it says nothing."""
    ext = message.get("ext")
    found = ext.get("ack") if isinstance(ext, dict) else None
    return found if type(found) is int else None


def _shaped(messages: Iterable[Message], replies: frozenset[str]) -> tuple[Message, ...]:
    """Return messages in the shape that a variant asks for."""
    found = list(messages)
    if "meta-first" in replies:
        found.sort(key=lambda each: not str(each.get("channel")).startswith("/meta/"))
    for number, each in enumerate(found):
        if each.get("channel") == "/meta/connect" and each.get("successful"):
            if "more-advice" in replies:
                found[number] = {**each, "advice": {**_ADVICE, **each.get("advice", {})}}
            elif "no-advice" in replies:
                found[number] = {name: value for name, value in each.items() if name != "advice"}
    return tuple(found)
