"""Cassettes and verdicts as JSON values for programs."""

from base64 import b64encode
from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, WebSocketMessage
from gws_replay.core.oracle.judge import Update


def update(one: Update) -> dict[str, Any]:
    """Return one verdict: the operation, the verdict and its reasons, what was ignored, the changes, and where."""
    return {
        "interaction": one.interaction,
        "operation": one.operation,
        "resource": one.resource_id,
        "sent": dict(one.sent),
        "verdict": one.verdict,
        "reasons": list(one.reasons),
        "ignored": list(one.ignored),
        "coerced": list(one.coerced),
        "changes": one.changes.as_json(),
        "before": one.before.place if one.before else None,
        "after": one.after.place if one.after else None,
    }


def cassette(one: Cassette) -> dict[str, Any]:
    """Return a cassette: its header, each exchange as an operation, each notification with its cause."""
    return {
        "source": one.source,
        "header": dict(one.header),
        "interactions": [
            {
                **_user(one, exchange.user),
                "began": exchange.began,
                "ended": exchange.ended,
                "method": exchange.request.method,
                "path": exchange.request.path,
                "operation": (call := api.call_of(exchange.request, exchange.request_json)).operation,
                "resource": call.resource_id,
                "sent": exchange.request_json,
                "status": exchange.response.status,
                "answer": exchange.response_json,
            }
            for exchange in one.interactions
        ],
        "notifications": [
            {
                **_user(one, notification.user),
                "channel": notification.channel,
                "seen": notification.seen,
                "cause": _cause(notification.cause) if notification.cause else None,
                "data": notification.value,
            }
            for notification in one.notifications
        ],
        **({"websocket_messages": [_message(one, each) for each in one.messages]} if one.messages else {}),
        "updates": [update(each) for each in one.updates()],
    }


def _message(cassette: Cassette, message: WebSocketMessage) -> dict[str, Any]:
    content = message.content
    return {
        **_user(cassette, message.user),
        "uri": message.uri,
        "connection": message.connection,
        "seen": message.seen,
        "from": "client" if message.from_client else "server",
        **({"text": content} if isinstance(content, str) else {"base64": b64encode(content).decode()}),
    }


def _user(cassette: Cassette, number: int) -> dict[str, int]:
    """Return the index of a user, if there are several."""
    return {"user": number} if cassette.user_names else {}


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "interaction": cause.interaction,
        **({"also": list(cause.also)} if cause.also else {}),
        "rule": cause.rule,
        "after": cause.after,
        **({"guessed": True} if cause.is_guessed else {}),
    }
