"""Deviations in words: for the section of a failure, the page and the command line."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.explore.coverage import Trace
from gws_replay.core.explore.deviation import Deviation, Place
from gws_replay.core.explore.orders import Orders
from gws_replay.core.json_compare import printable

_LONGEST = 90
_REPLIES = {
    "apart": "each notification comes in a connect response of its own",
    "meta-first": "the reply to a connect stands before the notifications in one response",
    "more-advice": "every reply to a connect has all fields of advice",
    "no-advice": "no reply to a connect has advice",
}
_CONNECTS = {
    "empty": "{} times out empty",
    "before": "the connection of {} breaks before the server reads it",
    "middle": "the connection of {} breaks in the middle of the response",
    "after": "the connection of {} is closed after the response",
    "redelivered": "the response to {} brings the notifications before once more (acknowledgement extension)",
}
_BATCHES = {
    "402": "{} gets 402::Unknown client; what comes meanwhile is delivered after the new subscription",
    "402-lost": "{} gets 402::Unknown client; what comes meanwhile is lost, and a GET shows it",
}
_REQUESTS = {
    "broken": "the connection of {} breaks before the server reads the request",
    "unanswered": "the connection of {} breaks after the server has carried it out, before the response",
}


def described(deviation: Deviation, orders: tuple[Orders, ...], faults: Mapping[str, str]) -> str:
    """Return a deviation as a part of a sentence; `faults` are the words for those of the level `faults`."""
    if deviation.subject == "replies":
        return _REPLIES[deviation.what]
    if deviation.subject in ("c", "m"):
        whose = f" of user {deviation.of + 1}" if deviation.of else ""
        what = "connect" if deviation.subject == "c" else "Bayeux request"
        words = _CONNECTS if deviation.subject == "c" else _BATCHES
        return words[deviation.what].format(f"{what} {deviation.number}{whose}")
    found = orders[deviation.of]
    cassette = found.index.cassette
    of = f" of {cassette.source}" if len(orders) > 1 else ""
    if deviation.subject == "q":
        name = interaction_name(cassette, deviation.number) + of
        return {**_REQUESTS, **faults}[deviation.what].format(name)
    name = notification_name(cassette, deviation.number) + of
    if deviation.place is None:
        return faults[deviation.what].format(name)
    return f"{name} is delivered {_where(found, deviation)}"


def _where(orders: Orders, deviation: Deviation) -> str:
    crossed = orders.crossed(deviation)
    cassette = orders.index.cassette
    if deviation.place in crossed:
        return f"after {event_name(cassette, crossed[-1])}"
    return f"before {event_name(cassette, crossed[0])}" if crossed else f"after {event_name(cassette, deviation.place)}"


def order_of(trace: Trace, orders: tuple[Orders, ...], moved: Iterable[Deviation]) -> Iterator[tuple[str, bool]]:
    """Yield what clients saw, in words, and whether it is one of the moved notifications."""
    numbers = {(each.of, each.number) for each in moved if each.place}
    for of, place in trace:
        is_moved = place.kind == "n" and (of, place.number) in numbers
        yield event_name(orders[of].index.cassette, place), is_moved


def event_name(cassette: Cassette, place: Place | None) -> str:
    """Name an event of a cassette."""
    if place is None:
        return "nothing"
    names: Mapping[str, Callable[[], str]] = {
        "q": lambda: f"{interaction_name(cassette, place.number)} was sent",
        "r": lambda: f"the response to {interaction_name(cassette, place.number)}",
        "n": lambda: notification_name(cassette, place.number),
    }
    return names[place.kind]()


def interaction_name(cassette: Cassette, index: int) -> str:
    """Name an interaction by its number and its operation."""
    exchange = cassette.interactions[index]
    call = api.call_of(exchange.request, exchange.request_json)
    name = call.operation or f"{exchange.request.method} {exchange.request.path}"
    return f"interaction {index} ({_cut(name)})"


def notification_name(cassette: Cassette, index: int) -> str:
    """Name a notification by its number, its kind and its resource."""
    notification = cassette.notifications[index]
    subject = api.subject_of(notification.value)
    kind = api.kind_of(notification.value) or notification.channel
    return f"notification {index} ({_cut(f'{kind} {subject.resource_id}' if subject else kind)})"


def _cut(text: str) -> str:
    escaped = printable(text)
    return escaped if len(escaped) <= _LONGEST else f"{escaped[: _LONGEST - 3]}..."
