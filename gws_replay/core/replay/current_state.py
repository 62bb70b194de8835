"""The newest state of resources: a recorded GET response, brought up to date by what was pushed since.

The recording ends somewhere, but a client may look again. The last response shows the state before the
notifications that came later; each of those shows the resource, or what changed of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.model import Exchange, Notification

# The notifications about a resource (by its id) that came after the response, in their order.
Since = Callable[[str], Sequence[Notification]]


def brought_up_to_date(exchange: Exchange, since: Since) -> Exchange:
    """Return the exchange with the resources of its response as later notifications show them; itself if none do.

    Every token that no notification shows stays as it was recorded.
    """
    if not any(since(subject.resource_id) for subject in api.resources_in(exchange.response_json)):
        return exchange
    members = [_member(key, text, since) for key, text in lossless_json.children(exchange.response.body.decode())]
    body = lossless_json.indented(lossless_json.assembled(members)).encode()
    headers = exchange.response.headers.replacing("content-length", str(len(body)))
    # A new exchange: the old one has its parsed response with it.
    return replace(exchange, response=replace(exchange.response, headers=headers, body=body))


def _member(key: str | None, text: str, since: Since) -> tuple[str | None, str]:
    if key in api.RESOURCE_NAMES and text.startswith("{"):
        return key, _resource(text, since)
    if key in api.RESOURCE_NAMES and text.startswith("["):
        items = [(None, _resource(item, since)) for _, item in lossless_json.children(text)]
        return key, lossless_json.assembled(items) if items else text
    if key in api.ENVELOPES and text.startswith("{"):
        return key, lossless_json.assembled([_member(*child, since) for child in lossless_json.children(text)])
    return key, text


def _resource(text: str, since: Since) -> str:
    parsed = lossless_json.loads_or_none(text)
    if isinstance(parsed, dict) and (resource_id := api.id_in(parsed)):
        for notification in since(resource_id):
            for shown in _shown_in(notification):
                text = lossless_json.merged(text, shown)
    return text


def _shown_in(notification: Notification) -> Iterator[str]:
    """Yield the text of the resource in a notification's data."""
    for key, text in lossless_json.children(notification.data):
        if key in api.RESOURCE_NAMES and text.startswith("{"):
            yield text
