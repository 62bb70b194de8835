"""Bayeux messages as they were recorded: finding them in a body or frame, and keeping their data as text.

Bayeux 1.0: a body is an array of messages or one message; each has a `channel`; `/meta/*` is control traffic; a
server's message with `data` on any other channel is a notification. Nothing here holds a session: that is `server.py`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from gws_replay.core import lossless_json

# Callback-polling: the messages are the argument of a function that the client named.
_CALLBACK = re.compile(r"\s*(?:/\*\*/)?\s*[\w.$]{1,100}\s*\((.*)\)\s*;?\s*", re.DOTALL)
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Message(NamedTuple):
    """One Bayeux message: its channel and the JSON text of each of its fields."""

    channel: str
    fields: Mapping[str, str]

    @property
    def is_notification(self) -> bool:
        """Whether a server's message carries application data and does not reply to a publish."""
        return not self.channel.startswith("/meta/") and "data" in self.fields and "successful" not in self.fields


def messages_in(body: bytes | str) -> list[Message] | None:
    """Return the Bayeux messages of a body, or None when it is not Bayeux."""
    if ('"channel"' not in body) if isinstance(body, str) else (b'"channel"' not in body):
        return None
    text = body if isinstance(body, str) else body.decode(errors="replace")
    if called := _CALLBACK.fullmatch(text):
        text = called[1]
    parsed = lossless_json.loads_or_none(text)
    if parsed is None:
        return None
    texts = [child for _, child in lossless_json.children(text)] if isinstance(parsed, list) else [text]
    messages = list(_messages(parsed if isinstance(parsed, list) else [parsed], texts))
    return messages if len(messages) == len(texts) else None


def batch_of(messages: Iterable[Message]) -> int | None:
    """Return the batch that a connect or its reply names (extension "ack"): the last received, or the one it brings."""
    for message in messages:
        if message.channel == "/meta/connect" and "ext" in message.fields:
            extension = lossless_json.loads_or_none(message.fields["ext"])
            batch = extension.get("ack") if isinstance(extension, dict) else None
            if type(batch) is int:
                return batch
    return None


def spelled(messages: Iterable[Message]) -> str:
    """Write messages as a Bayeux array, each field as it was recorded."""
    return (
        "["
        + ",".join("{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in m.fields.items()) + "}" for m in messages)
        + "]"
    )


def _messages(parsed: list[object], texts: list[str]) -> Iterator[Message]:
    for value, text in zip(parsed, texts, strict=True):
        channel = value.get("channel") if isinstance(value, dict) else None
        # A channel with half a surrogate pair is not a channel, and cannot be written to a file.
        if isinstance(channel, str) and channel.startswith("/") and not _HALF_PAIR.search(channel):
            yield Message(channel, {key or "": child for key, child in lossless_json.children(text)})
