"""A cassette made ready for replay: all that can be looked up in it, worked out once and shared by every run.

What a run has done so far is in `replay.py`; this file holds only what the recording says.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Moment, Notification, Request
from gws_replay.core.redaction.redactor import without_secrets
from gws_replay.core.replay.live_headers import sets_session_cookie
from gws_replay.core.replay.nearest_request import Neighbours
from gws_replay.core.replay.rehost import hosts_of
from gws_replay.core.replay.request_key import WHOLE, Key, Matching, json_key, key_of
from gws_replay.core.replay.wildcard_index import StandInIndex

# What the header of a cassette says of its redaction where no secret is left in it.
_WITHOUT_SECRETS = ("all", "secrets")


@dataclass(frozen=True, slots=True)
class Gate:
    """What must have happened before a notification may leave: an interaction's request asked, or its response sent."""

    interaction: int
    after: Moment


@dataclass(frozen=True, slots=True)
class Window:
    """How far a resource's operations must have gone, and may at most have gone, for a GET's answer to be of its time.

    `first` operations of the resource were answered before it was asked; more than `last` had not begun when it was
    answered.
    """

    resource_id: str
    first: int
    last: int


@dataclass(frozen=True)
class CassetteIndex:
    """A cassette with its look-ups: requests by key, the gate of each notification, the time of each GET."""

    cassette: Cassette
    matching: Matching = WHOLE

    @property
    def interactions(self) -> Sequence[Exchange]:
        """The recorded exchanges."""
        return self.cassette.interactions

    @cached_property
    def neighbours(self) -> Neighbours:
        """Finds the recorded request that is nearest to a missed one."""
        return Neighbours(self.requests, self.hosts)

    @cached_property
    def stand_ins(self) -> StandInIndex | None:
        """The index for live values of a cassette whose personal data were redacted; None for any other."""
        if self.cassette.header.get("redaction") != "all":
            return None
        return StandInIndex(self.cassette, self.requests, self.matching.match_on, self.hosts)

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """The recorded requests as live ones are compared with them: filtered, and without secrets.

        A foreign cassette may hold secrets; those of a live request are replaced before it comes here.
        """
        requests = [exchange.request for exchange in self.interactions]
        if not self._has_no_secrets:
            redactor = without_secrets()
            requests = [redactor.request(request) for request in requests]
        return tuple(map(self.matching.recorded, requests))

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The key of each interaction."""
        return tuple(map(self.key_of, self.requests))

    def key_of(self, request: Request) -> Key:
        """Return the key of a recorded request, or of a live one on which `matching.live` was done."""
        return key_of(request, self.matching.match_on, self._json_keys, self.hosts)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The hosts that were recorded: their addresses in a request do not count."""
        return hosts_of(exchange.request for exchange in self.interactions)

    @cached_property
    def sets_session_cookie(self) -> bool:
        """Whether a response sets a cookie that a session is known by."""
        return any(sets_session_cookie(exchange.response.headers) for exchange in self.interactions)

    @cached_property
    def places(self) -> frozenset[str]:
        """Each HOST:PORT of a recorded request that names a port."""
        places = (urlsplit(exchange.request.uri).netloc.rpartition("@")[2] for exchange in self.interactions)
        return frozenset(place for place in places if place.rpartition(":")[2].isdecimal())

    @cached_property
    def _json_keys(self) -> Mapping[bytes, str]:
        """The recorded bodies of JSON with their keys: clients send most of them byte for byte."""
        bodies = {exchange.request.body for exchange in self.interactions}
        return {body: found for body in bodies if (found := json_key(body, self.hosts))}

    @cached_property
    def by_key(self) -> Mapping[Key, Sequence[int]]:
        """The indices of the interactions that ask the same, in recorded order."""
        return _grouped(self.keys)

    @cached_property
    def by_spelling(self) -> Mapping[Key, Sequence[int]]:
        """The same by what was recorded, secrets and all: for what asks word for word the same nothing is redacted."""
        if self.matching is not WHOLE or self._has_no_secrets:
            return self.by_key
        return _grouped(self.key_of(exchange.request) for exchange in self.interactions)

    def asking(self, key: Key) -> Sequence[int]:
        """Return the indices of the interactions of a key, in recorded order."""
        return self.by_spelling.get(key) or self.by_key.get(key, ())

    @property
    def _has_no_secrets(self) -> bool:
        return self.cassette.header.get("redaction") in _WITHOUT_SECRETS

    @cached_property
    def gates(self) -> tuple[Gate | None, ...]:
        """The gate of each notification; None for one that nothing was recorded before.

        An unsolicited one follows the last interaction that had been answered when it was seen.
        """
        answered = sorted((exchange.ended, index) for index, exchange in enumerate(self.interactions))
        return tuple(self._gate(told, answered) for told in self.cassette.notifications)

    @cached_property
    def leading(self) -> frozenset[int]:
        """The interactions with a notification that came before their own response."""
        return frozenset(
            gate.interaction
            for gate, told in zip(self.gates, self.cassette.notifications, strict=True)
            if gate and told.cause and gate.after == "request"
        )

    @cached_property
    def pushes(self) -> tuple[str, ...]:
        """The data of each notification, as JSON text on one line."""
        return tuple(lossless_json.compact(told.data) for told in self.cassette.notifications)

    @cached_property
    def steps(self) -> Mapping[int, tuple[str, int]]:
        """The resource of each operation on one that a GET shows, and which of that resource's it is, from 1."""
        return {
            index: (resource_id, number)
            for resource_id, indices in self._by_resource.items()
            for number, index in enumerate(indices, 1)
        }

    @cached_property
    def windows(self) -> Mapping[int, tuple[Window, ...]]:
        """The windows of each GET that shows resources on which there were operations."""
        found = {index: tuple(self._windows_of(index, shown)) for index, shown in self._shown.items()}
        return {index: windows for index, windows in found.items() if windows}

    def may_repeat(self, index: int) -> bool:
        """Tell whether an interaction may be asked again after its last recording.

        Reading may (GET, HEAD, OPTIONS), and what frames a session (`api.FRAMING_OPERATIONS`); nothing else.
        """
        exchange = self.interactions[index]
        if exchange.request.is_safe:
            return True
        return api.call_of(exchange.request, exchange.request_json).operation in api.FRAMING_OPERATIONS

    @cached_property
    def operations(self) -> frozenset[int]:
        """The interactions that ask for more than to read."""
        return frozenset(index for index, exchange in enumerate(self.interactions) if not exchange.request.is_safe)

    @cached_property
    def _shown(self) -> Mapping[int, tuple[str, ...]]:
        """The ids of the resources that each GET shows."""
        return {
            index: tuple(subject.resource_id for subject in api.resources_in(exchange.response_json))
            for index, exchange in enumerate(self.interactions)
            if exchange.request.method == "GET"
        }

    @cached_property
    def _by_resource(self) -> Mapping[str, list[int]]:
        """The operations that the server took on each resource that a GET shows, in order of their beginning."""
        wanted = {resource_id for shown in self._shown.values() for resource_id in shown}
        found: dict[str, list[int]] = {}
        for index in sorted(self.operations) if wanted else ():
            exchange = self.interactions[index]
            if api.call_of(exchange.request, None).resource_id not in wanted:
                continue
            call = api.call_of(exchange.request, exchange.request_json)
            if call.operation and api.succeeded(exchange.response.status, exchange.response_json):
                found.setdefault(str(call.resource_id), []).append(index)
        return found

    def _windows_of(self, index: int, shown: Sequence[str]) -> Iterator[Window]:
        exchange = self.interactions[index]
        for resource_id in shown:
            operations = [self.interactions[each] for each in self._by_resource.get(resource_id, ())]
            if operations:
                yield Window(
                    resource_id,
                    first=sum(each.ended <= exchange.began for each in operations),
                    last=bisect_right(operations, exchange.ended, key=lambda each: each.began),
                )

    @staticmethod
    def _gate(told: Notification, answered: list[tuple[float, int]]) -> Gate | None:
        if told.cause:
            return Gate(told.cause.interaction, told.cause.after)
        before = bisect_right(answered, told.seen, key=lambda each: each[0])
        return Gate(answered[before - 1][1], "response") if before else None


def _grouped(keys: Iterable[Key]) -> Mapping[Key, Sequence[int]]:
    found: dict[Key, list[int]] = {}
    for index, key in enumerate(keys):
        found.setdefault(key, []).append(index)
    return {key: tuple(indices) for key, indices in found.items()}
