"""Views that should be there and are not: a session that vanished from a list, a body that cannot be read."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property
from urllib.parse import parse_qs, urlsplit

from gws_replay.core.api import dialects as api
from gws_replay.core.api.schema import Channel
from gws_replay.core.model import Exchange
from gws_replay.core.oracle.history import Recorded, Sighting, Snapshot
from gws_replay.core.oracle.timeline import Timeline


class MissingViews:
    """What leaves the last operation on a resource in doubt, by the operation's index."""

    def __init__(self, cassette: Recorded, timelines: Mapping[str, Timeline]) -> None:
        self.doubts: dict[int, list[str]] = {}
        self._cassette = cassette
        self._timelines = timelines
        self._find_vanished()
        self._find_unreadable()

    @cached_property
    def _framing(self) -> list[int]:
        """The requests that start or end an agent's session."""
        return [
            index
            for index, exchange in enumerate(self._cassette.interactions)
            if api.call_of(exchange.request, exchange.request_json).operation in api.FRAMING_OPERATIONS
        ]

    def _find_vanished(self) -> None:
        """Compare each GET with the one before it of the same user and address."""
        shown_by: dict[int, set[str]] = {}
        for name, timeline in self._timelines.items():
            for snapshot in timeline.snapshots:
                if snapshot.interaction is not None:
                    shown_by.setdefault(snapshot.interaction, set()).add(name)
        views = _EarlierViews()
        for index, exchange in enumerate(self._cassette.interactions):
            if exchange.request.method == "GET" and not _says_nothing(exchange):
                shown = {name: self._timelines[name].channel for name in sorted(shown_by.get(index, ()))}
                for name, place in views.missing(exchange, index, shown).items():
                    self._add_vanished(name, place, index)

    def _add_vanished(self, name: str, place: int, index: int) -> None:
        timeline, interactions = self._timelines[name], self._cassette.interactions
        exchange = interactions[index]
        is_unreadable = exchange.response_json is None and bool(exchange.response.body.strip())
        ended = _may_have_ended(timeline, interactions[place].ended, exchange.ended) or self._is_framed(place, index)
        if is_unreadable:
            why = f"interaction {index} cannot be read as JSON: record it again, or mend its body"
        elif not ended:
            why = (
                f"interaction {index} does not show {timeline.name_of(name)} any more, as interaction {place} did, and "
                "nothing says why: record what ended it"
            )
        else:
            return
        self._add(timeline, exchange.began, why)

    def _find_unreadable(self) -> None:
        for timeline in self._timelines.values():
            for seen in timeline.sightings:
                if _has_odd_user_data(seen):
                    self._add(timeline, seen.at, f"{seen.place} shows userData in a form that cannot be read")

    def _add(self, timeline: Timeline, at: float, why: str) -> None:
        write = timeline.last_before(at)
        if write is not None:
            self.doubts.setdefault(write.index, []).append(why)

    def _is_framed(self, since: int, until: int) -> bool:
        """Tell whether the agent's session was started or ended between two interactions."""
        place = bisect_left(self._framing, since)
        return place < len(self._framing) and self._framing[place] < until


class _EarlierViews:
    """Which GET showed which resources last: by user and address, and by user and channel."""

    def __init__(self) -> None:
        self._by_address: dict[tuple[int, str], tuple[int, set[str]]] = {}
        self._by_channel: dict[tuple[int, str], dict[str, int]] = {}

    def missing(self, exchange: Exchange, index: int, shown: Mapping[str, Channel | None]) -> Mapping[str, int]:
        """Return the resources that a GET should show and does not, with the earlier one that showed them; learn it."""
        user, address = exchange.user, (exchange.user, exchange.request.uri)
        place, expected = self._by_address.get(address, (index, set()))
        missing = dict.fromkeys(sorted(expected - shown.keys()), place)
        if listed := _listed(exchange):
            listed_before = self._by_channel.get((user, listed.key), {})
            missing |= {name: listed_before.pop(name) for name in sorted(listed_before.keys() - shown.keys())}
        if shown or expected:
            self._by_address[address] = (index, set(shown))
        for name, channel in shown.items():
            if channel is not None:
                self._by_channel.setdefault((user, channel.key), {})[name] = index
        return missing


def _listed(exchange: Exchange) -> Channel | None:
    """Return the channel of which a GET lists all resources; None for a filtered list, or another response."""
    channel = api.call_of(exchange.request, None)
    query = parse_qs(urlsplit(exchange.request.uri).query)
    if channel.channel is None or channel.resource_id is not None or query.keys() - {"fields"}:
        return None
    answer = exchange.response_json if isinstance(exchange.response_json, dict) else {}
    found = (answer, *(each for name in api.ENVELOPES if isinstance(each := answer.get(name), dict)))
    lists = (each.get(name) for each in found for name in channel.channel.segments)
    return channel.channel if any(isinstance(each, list) for each in lists) else None


def unreadable_requests(cassette: Recorded) -> Iterator[int]:
    """Yield the requests that name an operation or userData of a resource, and cannot be read as JSON."""
    for index, exchange in enumerate(cassette.interactions):
        request = exchange.request
        if request.method in ("POST", "PUT") and exchange.request_json is None and api.carries_user_data(request.body):
            call = api.call_of(request, None)
            if call.channel is not None and call.resource_id:
                yield index


def _says_nothing(exchange: Exchange) -> bool:
    """Tell a response that shows no state: not modified, an error. A 404 does show that the resource is gone."""
    status = exchange.response.status
    return status != 404 and (not 200 <= status < 300 or not api.succeeded(status, exchange.response_json))


def _may_have_ended(timeline: Timeline, since: float, until: float) -> bool:
    """Tell whether an operation or an unsolicited notification may have ended a session in that time."""
    userdata_kind = timeline.channel.userdata_kind if timeline.channel else ""
    return bool(timeline.others_between(since, until)) or any(
        seen.interaction is None
        and since <= seen.at <= until
        and seen.kind != userdata_kind
        and not api.attributes_moved_by(seen.kind)
        for seen in timeline.sightings
    )


def _has_odd_user_data(seen: Sighting) -> bool:
    found = [seen.resource[name] for name in api.USER_DATA if name in seen.resource]
    return any(data and not isinstance(data, dict) for data in found) and not isinstance(seen, Snapshot)
