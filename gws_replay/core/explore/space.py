"""Everything that may deviate in a run of some cassettes, up to a level; what each deviation is called and means."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from gws_replay.core.api import dialects as api
from gws_replay.core.api import documented_faults
from gws_replay.core.explore.deviation import Deviation, Subject, Variant, digest_of
from gws_replay.core.explore.orders import Choice, Orders
from gws_replay.core.explore.words import described
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.errors import GwsReplayError

Level = Literal["orders", "interruptions", "faults"]
LEVELS: tuple[Level, ...] = ("orders", "interruptions", "faults")
# Bayeux 1.0, section 4.2: a response to a connect may carry other messages, too; section 3.6: advice is optional.
REPLIES = ("apart", "meta-first", "more-advice", "no-advice")
CONNECTS = ("empty", "before", "middle", "after", "redelivered")
BATCHES = ("402", "402-lost")
REQUESTS = ("broken", "unanswered")
_OF_USERS: Mapping[str, Sequence[str]] = {"replies": REPLIES, "c": CONNECTS, "m": BATCHES}
# So many connects and batches of a user may be interrupted.
_MOST = 12
_FAULTS = frozenset(documented_faults.WORDS)


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many connects and batches of Bayeux messages each user sent in the run as recorded, by user."""

    connects: Mapping[int, int] = field(default_factory=dict)
    batches: Mapping[int, int] = field(default_factory=dict)


class Space:
    """The deviations of some cassettes."""

    def __init__(
        self, indexes: Sequence[CassetteIndex], level: Level = "orders", traffic: Traffic | None = None
    ) -> None:
        self.level: Level = level
        self.orders = tuple(Orders(index, of) for of, index in enumerate(indexes))
        self._traffic = traffic or Traffic()

    @cached_property
    def digest(self) -> str:
        """The digest of the cassettes."""
        return digest_of(each.index.cassette for each in self.orders)

    @property
    def recorded(self) -> Variant:
        """The variant without a deviation."""
        return Variant(self.digest)

    @property
    def is_empty(self) -> bool:
        """Whether the cassettes have no notifications."""
        return not any(each.notifications for each in self.orders)

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """Every deviation of the level, near ones first."""
        found = [choice for each in self.orders for choice in each.moves()]
        if any(self._traffic.connects.values()):
            found += [Choice(1.25 + rank / 4, Deviation("replies", 0, what)) for rank, what in enumerate(REPLIES)]
        if self.level != "orders":
            found += self._interruptions()
        if self.level == "faults":
            found += self._faults()
        return tuple(sorted(found))

    def parse(self, text: str) -> Variant:
        """Read the text of a variant. Raises GwsReplayError if it is wrong, or of another cassette."""
        variant = Variant.parse(text, [each.index.cassette for each in self.orders])
        for each in variant.deviations:
            if not self._is_possible(each):
                raise GwsReplayError(f"variant {text}: {each} is not possible in this recording: explore again")
        if not self.agree(variant.deviations):
            raise GwsReplayError(f"variant {text} contradicts itself: leave out a deviation, or explore again")
        return variant

    def described(self, deviation: Deviation) -> str:
        """Return a deviation in words, as a part of a sentence."""
        return described(deviation, self.orders, documented_faults.WORDS)

    def sentence(self, deviations: Iterable[Deviation]) -> str:
        """Return when a variant fails, in words."""
        parts = [self.described(each) for each in deviations]
        return "fails as recorded" if not parts else f"fails when {', and '.join(parts)}"

    def agree(self, deviations: Sequence[Deviation]) -> bool:
        """Tell whether deviations can be in one variant: one for each subject, and a fault stands alone."""
        subjects = [
            (each.subject, each.number, each.of, each.subject == "replies" and _family(each)) for each in deviations
        ]
        is_plain = len(set(subjects)) == len(subjects) and (len(subjects) < 2 or not any(map(is_fault, deviations)))
        return is_plain and not self._hides_a_write(deviations)

    def _hides_a_write(self, deviations: Sequence[Deviation]) -> bool:
        """Tell whether a client could not see that a write without a response was carried out: GET shows it late."""
        unseen = {
            (each.of, self.orders[each.of].index.written_by(each.number))
            for each in deviations
            if each.what == "unanswered"
        }
        late = (each for each in deviations if each.place and self.orders[each.of].is_later(each))
        return any((each.of, self.orders[each.of].resources[each.number][1]) in unseen for each in late)

    def reason_of(self, deviations: Iterable[Deviation]) -> frozenset[tuple[object, ...]]:
        """Return what sets of deviations have in common that fail for one reason, as far as one can tell."""
        return frozenset(self._reason(each) for each in deviations)

    def _reason(self, deviation: Deviation) -> tuple[object, ...]:
        if deviation.place is None:
            # Which connect it is, or which request, hardly matters: the client treats all of them alike.
            return deviation.subject, deviation.what
        return deviation.of, deviation.number, self.orders[deviation.of].is_later(deviation)

    def indexes(self, deviations: Iterable[Deviation]) -> tuple[CassetteIndex, ...]:
        """Return the recordings as if they had been made in the order of a variant."""
        moves = [each for each in deviations if each.place]
        return tuple(each.rewritten(move for move in moves if move.of == each.of) for each in self.orders)

    def is_shown_by_get(self, of: int, notification: int) -> bool:
        """Tell whether a GET of the recording shows what a notification shows, so that a client can do without it."""
        orders = self.orders[of]
        return orders.resources[notification][1] in self._readable[of]

    @cached_property
    def _readable(self) -> tuple[frozenset[str], ...]:
        """The resources that a GET shows, by cassette."""
        return tuple(
            frozenset(
                subject.resource_id
                for exchange in each.index.interactions
                if exchange.request.method == "GET"
                for subject in api.resources_in(exchange.response_json)
            )
            for each in self.orders
        )

    def _interruptions(self) -> Iterator[Choice]:
        losable = any(
            self.is_shown_by_get(each.of, index) for each in self.orders for index, _ in enumerate(each.notifications)
        )
        batches = BATCHES if losable else BATCHES[:1]
        # The first batch is the handshake.
        yield from _of_users("c", self._traffic.connects, 1, CONNECTS)
        yield from _of_users("m", self._traffic.batches, 2, batches)
        yield from self._of_requests(REQUESTS, 2.0)

    def _faults(self) -> Iterator[Choice]:
        yield from self._of_requests((*documented_faults.OTHER_REQUESTS, *documented_faults.REFUSALS), 1.0)
        for orders in self.orders:
            for index in range(len(orders.notifications)):
                for rank, what in enumerate(documented_faults.NOTIFICATIONS):
                    yield Choice(1 + index / 8 + rank / 4, Deviation("n", index, what, orders.of))

    def _of_requests(self, whats: Sequence[str], rank: float) -> Iterator[Choice]:
        """Yield what may become of each request."""
        for orders in self.orders:
            for index in range(len(orders.index.interactions)):
                for number, what in enumerate(whats):
                    deviation = Deviation("q", index, what, orders.of)
                    if self._is_possible(deviation):
                        yield Choice(rank + (index + number) / 4, deviation)

    def _is_possible(self, deviation: Deviation) -> bool:
        subject, number, what, of = deviation
        if subject in _OF_USERS:
            return what in _OF_USERS[subject] and (number > 0 or subject == "replies")
        if of >= len(self.orders):
            return False
        if subject == "n":
            is_fault = what in documented_faults.NOTIFICATIONS and number < len(self.orders[of].notifications)
            return is_fault or self.orders[of].is_allowed(deviation)
        return self._is_possible_request(number, what, self.orders[of])

    def _is_possible_request(self, number: int, what: str, orders: Orders) -> bool:
        if number >= len(orders.index.interactions) or orders.index.interactions[number].outcome != "response":
            return False
        if what == "unanswered":
            # Nobody can look whether a write was carried out if no later GET shows what it writes.
            return _is_read_after(orders.index, number)
        refusal = documented_faults.REFUSALS.get(what)
        if refusal:
            return refusal.refuses(orders.index.interactions[number].request)
        return what == "broken" or what in documented_faults.OTHER_REQUESTS


def _is_read_after(index: CassetteIndex, write: int) -> bool:
    """Tell whether a GET that was sent after a write shows its resource."""
    written, ended = index.written_by(write), index.interactions[write].ended
    return any(
        written == subject.resource_id
        for exchange in index.interactions
        if exchange.request.method == "GET" and exchange.began >= ended
        for subject in api.resources_in(exchange.response_json)
    )


def _of_users(subject: Subject, counts: Mapping[int, int], first: int, whats: Sequence[str]) -> Iterator[Choice]:
    """Yield what may become of the connects or batches of each user."""
    for user, count in counts.items():
        for number in range(first, min(count, _MOST) + 1):
            for rank, what in enumerate(whats):
                yield Choice(1 + number / 2 + rank / 8, Deviation(subject, number, what, user))


def is_fault(deviation: Deviation) -> bool:
    """Tell whether a deviation is a fault: whether a client survives it is for its user to say."""
    return deviation.what in _FAULTS


def _family(deviation: Deviation) -> str:
    return "advice" if deviation.what.endswith("advice") else deviation.what
