"""A Bayeux server core without a network: a test passes it the messages of a client, and reads the responses."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from gws_replay.core.bayeux.messages import Message
from gws_replay.core.bayeux.server import BayeuxServer, Hold, Replies

CHANNEL = "/v2/me/facebooksession"


def numbered_ids() -> Callable[[], str]:
    """Ids that a test can predict."""
    numbers = count(1)
    return lambda: f"client{next(numbers)}"


def handshake(server: BayeuxServer, now: float = 0.0, **fields: Any) -> str:
    """Shake hands; return the client's id."""
    reply = response(server.receive([{"channel": "/meta/handshake", **fields}], now)).messages[0]
    assert isinstance(reply["clientId"], str)
    return reply["clientId"]


def connect(client_id: str, acknowledged: int | None = None, **fields: Any) -> Message:
    """A connect; one of a client that acknowledges names the last batch that arrived."""
    ext = {} if acknowledged is None else {"ext": {"ack": acknowledged}}
    return {"channel": "/meta/connect", "clientId": client_id, "connectionType": "long-polling", **ext, **fields}


def subscribe(client_id: str, subscription: Any = CHANNEL) -> Message:
    """A subscription."""
    return {"channel": "/meta/subscribe", "clientId": client_id, "subscription": subscription}


def response(result: Replies | Hold) -> Replies:
    """The response that the server returned at once."""
    assert isinstance(result, Replies)
    return result


def hold(result: Replies | Hold) -> Hold:
    """The response that the server holds back."""
    assert isinstance(result, Hold)
    return result


def connected(server: BayeuxServer, *, subscription: Any = CHANNEL, acknowledges: bool = False) -> str:
    """A client that has subscribed and made its first connect, whose response is batch 1."""
    client_id = handshake(server, ext={"ack": acknowledges})
    response(server.receive([subscribe(client_id, subscription)], 0.0))
    response(server.receive([connect(client_id)], 0.0))
    return client_id


def data_of(messages: Sequence[Message]) -> list[Any]:
    """The data of the notifications among some messages."""
    return [message["data"] for message in messages if "data" in message]
