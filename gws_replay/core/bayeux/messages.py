"""Bayeux messages as they cross the wire: bodies to messages, replies to text, channels to the patterns they match.

Bayeux 1.0, sections 2 and 3. Nothing here holds a session: that is `server.py`; recorded bodies are `recorded.py`.
"""

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]


class Verbatim(str):
    """JSON text that stands for the value it spells, and is written as it is."""

    __slots__ = ()


def decoded(body: bytes | str) -> list[Any]:
    """Read a body: an array of messages, or one message. Raises ValueError, with a reason, for anything else."""
    try:
        parsed = json.loads(body, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    messages = [parsed] if isinstance(parsed, dict) else parsed
    if not isinstance(messages, list):
        raise ValueError("it is neither a message nor an array of messages")  # noqa: TRY004 (what a client sent)
    return messages


def encoded(messages: Iterable[Message]) -> str:
    """Return messages as one JSON array on one line."""
    return f"[{','.join(map(_encoded, messages))}]"


def matching_patterns(channel: str) -> frozenset[str]:
    """Return every subscription that a channel satisfies: itself, its parent's `*`, each ancestor's `**` (2.2.1)."""
    ancestors = ["/".join(channel.split("/")[:depth]) for depth in range(1, channel.count("/") + 1)]
    return frozenset([channel, f"{ancestors[-1]}/*", *(f"{ancestor}/**" for ancestor in ancestors)])


def subscriptions(message: Message) -> list[str]:
    """Return the patterns that a subscribe or unsubscribe names: one, or an array; empty for anything else."""
    named = message.get("subscription")
    patterns = [named] if isinstance(named, str) else named
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
        return []
    return patterns


def reply(request: Message, *, successful: bool = True, **fields: Any) -> Message:
    """Answer a message under its own id and channel."""
    echoed: Message = {
        name: request[name] for name in ("id", "channel") if isinstance(request.get(name), str | int | float)
    }
    return {**echoed, "successful": successful, **fields}


def refusal(request: Message, error: str, **fields: Any) -> Message:
    """Answer that a message failed; an error's form is code:arguments:text (Bayeux 1.0, section 3.14)."""
    return reply(request, successful=False, error=error, **fields)


def _encoded(message: Message) -> str:
    data = message.get("data")
    if not isinstance(data, Verbatim):
        return json.dumps(message, separators=(",", ":"))
    rest = {name: value for name, value in message.items() if name != "data"}
    return f'{json.dumps(rest, separators=(",", ":"))[:-1]},"data":{data}}}'


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is not a number in JSON")
    return number
