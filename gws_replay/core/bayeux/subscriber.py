"""A long-polling client of a Bayeux server, sans-IO: what it posts next, and what the replies mean.

Bayeux 1.0: handshake, subscribe, then connect again and again. A server that has forgotten the client advises another
handshake.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from gws_replay.core.bayeux.messages import Message
from gws_replay.errors import GwsReplayError

_SECONDS = 1000
_MOST_FAILURES = 3
AFTER_A_FAILURE = 1.0  # seconds
_HELD = 60.0  # seconds, where the server does not say how long it holds a connect


class Subscriber:
    """A client that subscribes to some channels; `ready` once it is subscribed and connected."""

    def __init__(self, channels: Iterable[str]) -> None:
        self.ready = False
        self.pause = 0.0
        self.held = _HELD
        self._channels = tuple(channels)
        self._client_id = ""
        self._subscribed = False
        self._number = 0
        self._failures = 0

    def next_messages(self) -> list[Message]:
        """Return the messages to be posted next."""
        if not self._client_id:
            kinds = ["long-polling"]
            return [self._message("/meta/handshake", version="1.0", supportedConnectionTypes=kinds)]
        if not self._subscribed:
            return [self._message("/meta/subscribe", subscription=channel) for channel in self._channels]
        # The first connect must return at once: nothing is to be caused before the server knows the client.
        at_once = {} if self.ready else {"advice": {"timeout": 0}}
        return [self._message("/meta/connect", connectionType="long-polling", **at_once)]

    def last_messages(self) -> list[Message]:
        """Return the messages that end it."""
        return [self._message("/meta/disconnect")] if self._client_id else []

    def receive(self, messages: Sequence[Any]) -> None:
        """Process replies. Raises GwsReplayError if the server refuses the client or a subscription."""
        replies = [
            each for each in messages if isinstance(each, dict) and str(each.get("channel", "")).startswith("/meta/")
        ]
        if not replies:
            self.fail()
        for message in replies:
            self._reply(message)

    def fail(self) -> None:
        """Note that there was no response. Raises GwsReplayError if that happens several times in a row."""
        self._failures += 1
        self.pause = AFTER_A_FAILURE
        if self._failures >= _MOST_FAILURES:
            raise GwsReplayError(f"CometD: {self._failures} requests in a row got no response")

    def _reply(self, message: Message) -> None:
        channel, successful = message["channel"], message.get("successful") is True
        advice = message.get("advice")
        if isinstance(advice, dict):
            self.pause = _number(advice.get("interval"), 0.0)
            self.held = _number(advice.get("timeout"), self.held)
        if successful:
            self._failures = 0
        if channel == "/meta/handshake":
            self._client_id = str(message.get("clientId") or "") if successful else ""
            if not self._client_id:
                raise GwsReplayError(f"CometD: the handshake was refused: {_reason(message)}")
        elif channel == "/meta/subscribe":
            if not successful:
                raise GwsReplayError(f"CometD: {message.get('subscription')} was refused: {_reason(message)}")
            self._subscribed = True
        elif channel == "/meta/connect":
            self.ready = self.ready or successful
            if not successful:
                self._again(message, advice if isinstance(advice, dict) else {})

    def _again(self, message: Message, advice: Message) -> None:
        if advice.get("reconnect") == "none":
            raise GwsReplayError(f"CometD: the server ended it: {_reason(message)}")
        self.fail()
        if advice.get("reconnect") == "handshake":
            self._client_id, self._subscribed = "", False

    def _message(self, channel: str, **fields: Any) -> Message:
        self._number += 1
        client = {"clientId": self._client_id} if self._client_id else {}
        return {"id": str(self._number), "channel": channel, **client, **fields}


def _number(milliseconds: Any, otherwise: float) -> float:
    is_number = isinstance(milliseconds, int | float) and not isinstance(milliseconds, bool) and milliseconds >= 0
    return milliseconds / _SECONDS if is_number else otherwise


def _reason(message: Message) -> str:
    return str(message.get("error") or "no reason was given")
