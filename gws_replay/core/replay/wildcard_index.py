"""The requests of a redacted cassette, found by live ones: a redacted place matches any value of its JSON type."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Request
from gws_replay.core.redaction import shapes
from gws_replay.core.redaction.found import PLACEHOLDER, PLACEHOLDERS, Found, without_overlaps
from gws_replay.core.redaction.known_values import ENCODINGS, spellings
from gws_replay.core.redaction.policy import Policy, Rules
from gws_replay.core.redaction.tables import PERSONAL_PARAMETERS
from gws_replay.core.redaction.text import TextRedactor
from gws_replay.core.replay.rehost import hosts_of
from gws_replay.core.replay.request_values import Leaf, Place, compared, id_place, leaves_of
from gws_replay.core.word_index import Lexicon

# What is shorter is a stand-in only where the key says that a person's data stand there.
UNIQUE = 6
_POLICY = Policy()
_HIDDEN = "<redacted:personal>"
_SECRET = "<redacted:secret>"  # noqa: S105 (a placeholder)
_ENCODED = frozenset("%&+\\")
Pairs = Mapping[str, str]
_Rest = frozenset[tuple[Place, str, str]]


@dataclass(frozen=True, slots=True)
class _Part:
    """A stand-in within a text (empty: the placeholder of a secret), what stands before it, and its encoding."""

    before: str
    stand_in: str
    encoding: int


@dataclass(frozen=True, slots=True)
class _Slot:
    """A redacted place: a stand-in alone, or a text with parts that are redacted, and what stands after them."""

    stand_in: str = ""
    parts: tuple[_Part, ...] = ()
    after: str = ""

    def values_in(self, text: str, bound: Pairs) -> Sequence[tuple[str, str]] | None:
        """Return the stand-ins with what a live text has instead; None if the text does not match.

        `bound` are live values that are bound already: they show where the others begin.
        """
        if not self.parts:
            return ((self.stand_in, text),)
        pattern = "".join(f"{re.escape(part.before)}{_pattern(part, bound)}" for part in self.parts)
        found = re.fullmatch(f"(?s){pattern}{re.escape(self.after)}", text)
        if found is None:
            return None
        open_ = [part for part in self.parts if part.stand_in and part.stand_in not in bound]
        values = zip(open_, found.groups(), strict=True)
        return [(part.stand_in, ENCODINGS[part.encoding][1](value)) for part, value in values]


def _pattern(part: _Part, bound: Pairs) -> str:
    if part.stand_in in bound:
        return re.escape(ENCODINGS[part.encoding][0](bound[part.stand_in]))
    return "(.+?)" if part.stand_in else ".*?"


_Slots = Mapping[Place, _Slot]
# The recorded requests that have their redacted places in common, by all that is not redacted.
_ByRest = dict[_Rest, list[tuple[int, _Slots]]]


@dataclass(frozen=True, slots=True)
class Candidates:
    """A live request, and recorded ones that are equal to it in all that is not redacted."""

    live: Mapping[Place, Leaf]
    recorded: list[tuple[int, _Slots]]

    def pairs(self, number: int, bound: Pairs) -> Sequence[tuple[str, str]] | None:
        """Return the stand-ins of a recorded request with the live values for them; None if it does not match.

        `bound` are the live values that are bound already, by their stand-ins.
        """
        slots = self.recorded[number][1]
        whole = [(slot.stand_in, self.live[place].text) for place, slot in slots.items() if not slot.parts]
        pairs, bound = list(whole), {**bound, **dict(whole)} if len(whole) != len(slots) else bound
        for place, slot in slots.items():
            if slot.parts:
                values = slot.values_in(self.live[place].text, bound)
                if values is None:
                    return None
                pairs += values
        return pairs


@dataclass(frozen=True, slots=True)
class _Filed:
    """Recorded requests by their redacted places: with their own ids, and with any id in place of those."""

    own: dict[frozenset[Place], _ByRest] = field(default_factory=dict)
    others: dict[frozenset[Place], _ByRest] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)


class StandInIndex:
    """The requests of a redacted cassette, to be found by live ones."""

    def __init__(
        self,
        cassette: Cassette,
        requests: Sequence[Request],
        match_on: frozenset[str],
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        self.stand_ins = frozenset(map(str, cassette.header.get("stand_ins", ())))
        self.rules: Rules = _POLICY.rules
        self._requests = requests
        self._match_on = match_on
        self._hosts = hosts
        self._are_long = all(len(stand_in) >= UNIQUE for stand_in in self.stand_ins)

    def is_unique(self, index: int) -> bool:
        """Tell whether no stand-in of a recorded request is so short that somebody may have it for a value."""
        return self._are_long or all(not stand_in or len(stand_in) >= UNIQUE for stand_in in self.redacted(index))

    def candidates(self, request: Request) -> Iterator["Candidates"]:
        """Yield the recorded requests that a live one may be: first those of its own resource, then those of others."""
        live = leaves_of(request, self._match_on)
        hosts = self._hosts | hosts_of([request])
        for masks in (self._filed.own, self._filed.others):
            for places, by_rest in masks.items():
                if places <= live.keys() and (found := by_rest.get(_rest(live, places, hosts))):
                    yield Candidates(live, found)

    def hidden(self, request: Request, values: Iterable[str] = ()) -> Request:
        """Return a live or recorded request for a message: personal data, and known live values, are all the same."""
        body = request.body.decode("utf-8", "surrogateescape")
        spelled = f"{request.uri}{body}"
        encoded = not _ENCODED.isdisjoint(spelled)
        found = [value for value in values if encoded or value in spelled]
        texts = TextRedactor(self.rules, _Hidden(self._long, found))
        for _ in range(2):  # a value may stand before the key that gives it away
            uri, redacted = texts.uri(request.uri), texts.body(body)
        return Request(
            method=request.method,
            uri=uri,
            headers=request.headers,
            body=redacted.encode("utf-8", "surrogateescape"),
        )

    def live_values(self, request: Request, index: int) -> set[str]:
        """Return what a live request has in the places that are redacted in a recorded one."""
        live = leaves_of(request, self._match_on)
        there = self._slots_of(leaves_of(self._requests[index], self._match_on))
        slots = {place: slot for place, slot in there.items() if place in live}
        whole = {slot.stand_in: live[place].text for place, slot in slots.items() if not slot.parts}
        parts = (slot.values_in(live[place].text, whole) or () for place, slot in slots.items() if slot.parts)
        return {*whole.values(), *(value for found in parts for _, value in found)} - {""}

    def redacted(self, index: int) -> Iterator[str]:
        """Yield the stand-ins that stand in a recorded request; an empty one for the placeholder of a secret."""
        for slot in self._slots_of(leaves_of(self._requests[index], self._match_on)).values():
            yield from (part.stand_in for part in slot.parts) if slot.parts else (slot.stand_in,)

    @property
    def ids(self) -> Collection[str]:
        """The ids of resources in the paths of requests, where they are no stand-ins."""
        return self._filed.ids

    @cached_property
    def _long(self) -> Lexicon:
        """Those that are found within a text, in each of their spellings."""
        found = Lexicon()
        for stand_in in self.stand_ins:
            for number in reversed(range(spellings(stand_in) if len(stand_in) >= UNIQUE else 0)):
                found.add(ENCODINGS[number][0](stand_in), f"{number}{stand_in}")
        return found

    @cached_property
    def _filed(self) -> "_Filed":
        """All requests by what is not redacted in them, prepared when a live request differs from what was recorded."""
        filed = _Filed()
        for index, request in enumerate(self._requests):
            leaves = leaves_of(request, self._match_on)
            slots = self._slots_of(leaves)
            _file(filed.own, index, leaves, slots, self._hosts)
            place = id_place(request) if "path" in self._match_on else None
            if place and place not in slots:
                id_ = leaves[place].text
                filed.ids.add(id_)
                _file(filed.others, index, leaves, {**slots, place: _Slot(id_)}, self._hosts)
        return filed

    def _slots_of(self, leaves: Mapping[Place, Leaf]) -> _Slots:
        return {place: slot for place, leaf in leaves.items() if (slot := self._slot(place, leaf))}

    def _is_personal(self, place: Place, name: str) -> bool:
        is_parameter = place[0] in ("query", "form") and name.lower() in PERSONAL_PARAMETERS
        return is_parameter or self.rules.of_key(name) == "personal"

    def _slot(self, place: Place, leaf: Leaf) -> _Slot | None:
        if leaf.type not in ("string", "number"):
            return None
        if leaf.text in self.stand_ins and (len(leaf.text) >= UNIQUE or self._is_personal(place, leaf.name)):
            return _Slot(leaf.text)
        stand_in = {start: (end, instead) for start, end, instead in self._long.spans(leaf.text)}
        if not stand_in and PLACEHOLDER not in leaf.text:
            return None
        redacted = {found.start(): (found.end(), "") for found in PLACEHOLDERS.finditer(leaf.text)}
        spans = sorted({**stand_in, **redacted}.items())
        if not spans:
            return None
        parts, at = [], 0
        for start, (end, instead) in spans:
            parts.append(_Part(leaf.text[at:start], instead[1:], int(instead[:1] or 0)))
            at = end
        return _Slot(parts=tuple(parts), after=leaf.text[at:])


class _Hidden:
    """One token for all personal data, for a `TextRedactor` that puts it there."""

    def __init__(self, stand_ins: Lexicon, values: Iterable[str]) -> None:
        self.log: list[str] = []
        self._stand_ins = stand_ins
        self._values = Lexicon()
        for value in values:
            self._take(value)

    def person(self, value: str, *, is_text: bool = False) -> str:  # noqa: ARG002 (whatever it is)
        """Return the token, whatever the value."""
        if value and value not in self._values.entries:
            self._take(value)
            self.log.append(value)
        return _HIDDEN if value else value

    def secret(self, value: str, name: str, *, unique: bool) -> str:  # noqa: ARG002 (one token for all)
        """Return the token of secrets, however they were found."""
        return _SECRET if value else value

    def found_in(self, text: str) -> list[Found]:
        """Return every known value in a text, and what has the shape of personal data, with the token for it."""
        found = [Found(*match.span(), _SECRET, "") for match in PLACEHOLDERS.finditer(text)]
        found += [Found(start, end, _HIDDEN, "") for start, end, _ in self._stand_ins.spans(text)]
        found += [Found(*span, "") for span in self._values.spans(text)]
        found += [Found(start, end, _HIDDEN, "") for start, end, _ in shapes.personal_in(text, shapes.numbers_in(text))]
        return without_overlaps(text, found, keep_placeholders=False)

    def _take(self, value: str) -> None:
        for encode, _ in ENCODINGS:
            self._values.add(encode(value), _HIDDEN)


def _file(
    masks: dict[frozenset[Place], _ByRest],
    index: int,
    leaves: Mapping[Place, Leaf],
    slots: _Slots,
    hosts: frozenset[str],
) -> None:
    places = frozenset(slots)
    masks.setdefault(places, {}).setdefault(_rest(leaves, places, hosts), []).append((index, slots))


def _rest(leaves: Mapping[Place, Leaf], places: frozenset[Place], hosts: frozenset[str]) -> _Rest:
    return frozenset(
        (place, leaf.type, "" if place in places else compared(place, leaf, hosts)) for place, leaf in leaves.items()
    )
