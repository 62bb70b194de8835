"""Cassettes and verdicts as JSON values for programs."""

from typing import Any

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause
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
        "updates": [update(each) for each in one.updates()],
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
