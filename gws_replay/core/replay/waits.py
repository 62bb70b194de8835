"""What waits for what, and what reached nobody: a sentence for each notification."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from gws_replay.core.bayeux.server import BayeuxServer
from gws_replay.core.cassette import Cassette
from gws_replay.core.replay.cassette_run import CassetteRun, UserProgress
from gws_replay.core.replay.miss import described


class Wait(NamedTuple):
    """A notification that was not released, and the interaction that it waits for: in short, and as a sentence."""

    notification: int
    interaction: int | None
    short: str
    sentence: str


def waits_of(run: CassetteRun) -> Iterator[Wait]:
    """Yield the notifications of a run that were not released, in recorded order."""
    found = (_wait(user, index, missing) for user in run.users for index, missing in user.schedule.not_released.items())
    yield from sorted(found, key=lambda each: (run.index.positions[each.notification], each.notification))


def interaction_text(cassette: Cassette, index: int) -> str:
    """Name an interaction in messages."""
    exchange = cassette.interactions[index]
    whose = f" (user {exchange.user + 1})" if len(cassette.users) > 1 else ""
    return f"interaction {index}: {described(exchange.request)}{whose}"


def nobody(bayeux: BayeuxServer, channel: str) -> str:
    """Return why no client of a user receives what is pushed on a channel."""
    if not bayeux.clients:
        return "the user has no CometD client"
    subscribed: Collection[str] = sorted(bayeux.subscriptions)
    if not subscribed:
        return "no client has subscribed to a channel"
    return f"no client has subscribed to {channel}; subscribed: {', '.join(subscribed)}"


def _wait(user: UserProgress, index: int, missing: tuple[int, ...]) -> Wait:
    cassette, sent = user.run.index.cassette, user.run.traffic.sent
    notification = cassette.notifications[index]
    name = f"notification {index} on {notification.channel}"
    if not missing:
        return Wait(index, None, f"{name}, in its recorded order", f"{name} waits for those recorded before it")
    first = missing[0]
    what = interaction_text(cassette, first)
    if notification.cause and first in notification.cause.interactions:
        response = "the response to " if first in sent else ""
        short, sentence = f"caused by interaction {first}", f"waits for {response}its cause, {what}"
    elif notification.cause:
        short = f"recorded after interaction {first}"
        sentence = f"waits for {what}, recorded before it, or until the client does nothing but wait"
    else:
        short = f"which came after interaction {first}"
        sentence = f"waits for {what}, which had been sent when it was recorded"
    return Wait(index, first, f"{name}, {short}", f"{name} {sentence}")
