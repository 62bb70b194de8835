"""A cassette prepared for replay: all that can be looked up in it, worked out once and shared by every run.

What a run has done so far is in `cassette_run`; this file holds only what the recording says. What one recorded user
did is a `UserPart`.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf, nextafter
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Exchange, Notification, Request
from gws_replay.core.replay.live_headers import sets_session_cookie
from gws_replay.core.replay.rehost import hosts_of
from gws_replay.core.replay.request_key import WHOLE, Key, Matching, json_key, key_of

if TYPE_CHECKING:
    from gws_replay.core.replay.nearest_request import Neighbours
    from gws_replay.core.replay.wildcard_index import StandInIndex

# What the header of a cassette says of its redaction where no secret is left in it.
_WITHOUT_SECRETS = ("all", "secrets")
# A request's body up to this length, in bytes, may match any recorded one.
_ANY_LENGTH = 2**15
# What a prepared cassette keeps that does not depend on where its notifications stand.
_OF_EXCHANGES = frozenset(
    """interactions neighbours stand_ins requests keys longest_body hosts sets_session_cookie places _json_keys by_key
    by_spelling _writes _resources pushes steps windows operations _shown _by_resource""".split()  # noqa: SIM905
)


class Window(NamedTuple):
    """The range of operation counts of a resource for which a GET response is valid.

    `first` operations of it had their response before the GET was sent, `last` had begun before it had its own.
    """

    resource_id: str
    first: int
    last: int


@dataclass(frozen=True)
class CassetteIndex:
    """A cassette with its look-ups: requests by key, the gate of each notification, the time of each GET."""

    cassette: Cassette
    matching: Matching = WHOLE
    # Where notifications without a cause were really recorded, if their position is another one.
    recorded: Mapping[int, float] = field(default_factory=dict)

    def with_notifications(
        self, notifications: Sequence[Notification], recorded: Mapping[int, float], leading: Iterable[int] = ()
    ) -> "CassetteIndex":
        """Return the index of the same exchanges and notifications, these at other positions.

        `recorded` are the old positions of those without a cause: the requests before them still come first. The
        responses to the interactions `leading` also wait for the notifications before them.
        """
        moved = CassetteIndex(replace(self.cassette, notifications=notifications), self.matching, recorded)
        # What only the exchanges and the data say is shared: working it out takes longer than a run.
        vars(moved).update((name, value) for name, value in vars(self).items() if name in _OF_EXCHANGES)
        vars(moved)["leading"] = moved.leading.union(leading)
        return moved

    @cached_property
    def interactions(self) -> Sequence[Exchange]:
        """The recorded exchanges."""
        return self.cassette.interactions

    @cached_property
    def neighbours(self) -> "Neighbours":
        """Finds the recorded request that is nearest to a missed one."""
        from gws_replay.core.replay.nearest_request import Neighbours  # noqa: PLC0415  (most tests miss nothing)

        return Neighbours(self.requests, self.hosts)

    @cached_property
    def stand_ins(self) -> "StandInIndex | None":
        """The index for live values of a cassette whose personal data were redacted; None for any other."""
        if self.cassette.header.get("redaction") != "all":
            return None
        from gws_replay.core.replay.wildcard_index import StandInIndex  # noqa: PLC0415  (others do without redaction)

        return StandInIndex(self.cassette, self.requests, self.matching.match_on, self.hosts)

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """The recorded requests as live ones are compared with them: filtered, and without secrets.

        A foreign cassette may hold secrets; those of a live request are replaced before it comes here.
        """
        requests = [exchange.request for exchange in self.interactions]
        if not self._has_no_secrets:
            from gws_replay.core.redaction.redactor import without_secrets  # noqa: PLC0415  (word for word needs none)

            requests = list(map(without_secrets().request, requests))
        return tuple(map(self.matching.recorded, requests))

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The key of each interaction."""
        return tuple(map(self.key_of, self.requests))

    def key_of(self, request: Request) -> Key:
        """Return the key of a recorded request, or of a live one on which `matching.live` was done."""
        return key_of(request, self.matching.match_on, self._json_keys, self.hosts)

    @cached_property
    def longest_body(self) -> int | None:
        """How long a request's body may be to match any recorded one, in bytes; None for no limit.

        The same value may be spelled longer than recorded, and a person's data may be longer than what stands for them:
        four times as long is allowed, and 32 KB in any case. Anything else would take longer to find out.
        """
        if "body" not in self.matching.match_on or self.matching.filter_live is not WHOLE.filter_live:
            return None
        longest = max((len(exchange.request.body) for exchange in self.interactions), default=0)
        return max(_ANY_LENGTH, 4 * longest)

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
        """The indices of the interactions that send the same, in recorded order."""
        return _grouped(self.keys)

    @cached_property
    def by_spelling(self) -> Mapping[Key, Sequence[int]]:
        """The same by what was recorded, secrets and all: a request that is equal to it needs no redaction."""
        if self.matching is not WHOLE or self._has_no_secrets:
            return self.by_key
        return _grouped(self.key_of(exchange.request) for exchange in self.interactions)

    def requesting(self, key: Key) -> Sequence[int]:
        """Return the indices of the interactions of a key, in recorded order."""
        return self.by_spelling.get(key) or self.by_key.get(key, ())

    @property
    def _has_no_secrets(self) -> bool:
        return self.cassette.header.get("redaction") in _WITHOUT_SECRETS

    @cached_property
    def parts(self) -> tuple["UserPart", ...]:
        """What each recorded user did."""
        return tuple(UserPart(self, number) for number in range(len(self.cassette.users)))

    @cached_property
    def positions(self) -> tuple[float, ...]:
        """The recorded time of each notification, between the request or response it came after and what followed.

        A time that contradicts the cause, as a person may write it, is moved to where the cause allows it.
        """
        return tuple(map(self._position, self.cassette.notifications))

    def _position(self, notification: Notification) -> float:
        cause, at = notification.cause, notification.seen
        if cause is None:
            return at
        causes = [self.interactions[each] for each in cause.interactions]
        at = max(at, *(each.began for each in causes))
        ended = causes[-1].ended
        return max(at, ended) if cause.after == "response" else min(at, max(nextafter(ended, -inf), causes[-1].began))

    def written_by(self, interaction: int) -> str | None:
        """Return the id of the resource that an interaction writes; None if it only reads, or names no resource."""
        if interaction not in self._writes:
            request = self.interactions[interaction].request
            self._writes[interaction] = None if request.is_safe else self._resource_of(request)
        return self._writes[interaction]

    @cached_property
    def _writes(self) -> dict[int, str | None]:
        return {}

    def _resource_of(self, request: Request) -> str | None:
        if request.uri not in self._resources:
            self._resources[request.uri] = api.call_of(request, None).resource_id
        return self._resources[request.uri]

    @cached_property
    def _resources(self) -> dict[str, str | None]:
        return {}

    @cached_property
    def leading(self) -> frozenset[int]:
        """The interactions with a notification that came before their response: their own, or one without a cause."""
        causes = (each.cause for each in self.cassette.notifications)
        own = (cause.interaction for cause in causes if cause and cause.after == "request")
        return frozenset({*own, *self._interrupted()})

    def _interrupted(self) -> Iterator[int]:
        """Yield the interactions during which their user received a notification that no request caused."""
        begins = deque(sorted((each.began, index) for index, each in enumerate(self.interactions)))
        open_: list[int] = []
        for seen, user in sorted((each.seen, each.user) for each in self.cassette.notifications if each.cause is None):
            while begins and begins[0][0] < seen:
                open_.append(begins.popleft()[1])
            open_ = [index for index in open_ if self.interactions[index].ended > seen]
            yield from (index for index in open_ if self.interactions[index].user == user)

    @cached_property
    def followed(self) -> frozenset[int]:
        """The interactions whose response a notification came after: a client must read the response first."""
        return frozenset(each for part in self.parts for each in part.followed)

    @cached_property
    def pushes(self) -> tuple[str, ...]:
        """The data of each notification, as JSON text on one line."""
        return tuple(lossless_json.compact(each.data) for each in self.cassette.notifications)

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
        """Tell whether an interaction may be repeated after its last recording.

        Reading may (GET, HEAD, OPTIONS), and what frames a session (`api.FRAMING_OPERATIONS`); nothing else.
        """
        exchange = self.interactions[index]
        if exchange.request.is_safe:
            return True
        return api.call_of(exchange.request, exchange.request_json).operation in api.FRAMING_OPERATIONS

    @cached_property
    def operations(self) -> frozenset[int]:
        """The interactions that do more than read."""
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
            if operations := [self.interactions[each] for each in self._by_resource.get(resource_id, ())]:
                yield Window(
                    resource_id,
                    first=sum(each.ended <= exchange.began for each in operations),
                    last=bisect_right(operations, exchange.ended, key=lambda each: each.began),
                )


@dataclass(frozen=True)
class UserPart:
    """What one recorded user did in a cassette, by the indices of interactions and notifications."""

    index: CassetteIndex
    user: int

    @cached_property
    def exchanges(self) -> Sequence[int]:
        """The user's interactions."""
        return tuple(each for each, exchange in enumerate(self.index.interactions) if exchange.user == self.user)

    @cached_property
    def own(self) -> frozenset[int]:
        """The same, to look one up."""
        return frozenset(self.exchanges)

    @cached_property
    def notifications(self) -> tuple[int, ...]:
        """The user's notifications, in recorded order."""
        own = (index for index, each in enumerate(self.index.cassette.notifications) if each.user == self.user)
        return tuple(sorted(own, key=lambda each: self.index.positions[each]))

    def requesting(self, key: Key) -> Sequence[int]:
        """Return the indices of the user's interactions of a key, in recorded order."""
        found = self.index.requesting(key)
        if not found or len(self.index.parts) == 1:
            return found
        mine = self._own.get(key)
        if mine is None:
            mine = self._own[key] = tuple(each for each in found if self.index.interactions[each].user == self.user)
        return mine

    @cached_property
    def _own(self) -> dict[Key, Sequence[int]]:
        return {}

    @cached_property
    def begins(self) -> tuple[tuple[float, int], ...]:
        """When each of the user's requests was sent, in order."""
        return tuple(sorted((self.index.interactions[each].began, each) for each in self.exchanges))

    @cached_property
    def ends(self) -> tuple[tuple[float, int], ...]:
        """When each of the user's responses came, in order, without those that never came."""
        found = ((self.index.interactions[each], each) for each in self.exchanges)
        return tuple(sorted((one.ended, each) for one, each in found if one.outcome == "response"))

    @cached_property
    def unsolicited(self) -> tuple[tuple[float, int], ...]:
        """The recorded position and the index of each notification without a cause, in order."""
        recorded, positions = self.index.recorded, self.index.positions
        return tuple(sorted((recorded.get(each, positions[each]), each) for each in self._without_cause))

    @property
    def _without_cause(self) -> Iterator[int]:
        notifications = self.index.cassette.notifications
        return (each for each in self.notifications if notifications[each].cause is None)

    @cached_property
    def caused(self) -> Mapping[int, Sequence[int]]:
        """The user's notifications by each interaction that caused them, of whichever user."""
        found: dict[int, list[int]] = {}
        for each in self.notifications:
            cause = self.index.cassette.notifications[each].cause
            for interaction in cause.interactions if cause else ():
                found.setdefault(interaction, []).append(each)
        return found

    @cached_property
    def caused_by_others(self) -> tuple[tuple[float, int], ...]:
        """The position and the index of each notification that another user's request caused, in order."""
        others = {
            each
            for interaction, caused in self.caused.items()
            if self.index.interactions[interaction].user != self.user
            for each in caused
        }
        return tuple((self.index.positions[each], each) for each in self.notifications if each in others)

    @cached_property
    def followed(self) -> frozenset[int]:
        """The interactions whose response a notification of the user came after."""
        causes = (self.index.cassette.notifications[each].cause for each in self.notifications)
        found = {cause.interaction for cause in causes if cause and cause.after == "response"}
        for each in self._without_cause:
            before = bisect_right(self.ends, self.index.positions[each], key=lambda each: each[0])
            if before:
                found.add(self.ends[before - 1][1])
        return frozenset(found)


def _grouped(keys: Iterable[Key]) -> Mapping[Key, Sequence[int]]:
    found: dict[Key, list[int]] = {}
    for index, key in enumerate(keys):
        found.setdefault(key, []).append(index)
    return {key: tuple(indices) for key, indices in found.items()}
