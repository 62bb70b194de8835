"""The requests of a redacted cassette, found by live ones: a redacted place matches any value of its JSON type."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gws_replay.core.leaves import Leaf, Place, id_place, leaves_of
from gws_replay.core.lexicon import Lexicon, spliced
from gws_replay.core.model import Cassette, Request
from gws_replay.core.policy import Policy, Rules
from gws_replay.core.redact_text import TextRedactor

# What is shorter is a stand-in only where the key says that a person's data stand there.
UNIQUE = 6
_POLICY = Policy()
_HIDDEN = "<redacted:personal>"
_Rest = frozenset[tuple[Place, str, str]]


@dataclass(frozen=True, slots=True)
class _Slot:
    """A redacted place: the stand-ins in it, and for a part of a text what is around them."""

    stand_ins: tuple[str, ...]
    around: re.Pattern[str] | None = None

    def values_in(self, text: str) -> Sequence[str] | None:
        """Return what stands in a live text where the stand-ins stand in the recorded one; None if it is no match."""
        if self.around is None:
            return (text,)
        found = self.around.fullmatch(text)
        return found.groups() if found else None


_Slots = Mapping[Place, _Slot]
# The recorded requests that have their redacted places in common, by all that is not redacted.
_ByRest = dict[_Rest, list[tuple[int, _Slots]]]


class StandInIndex:
    """The requests of a redacted cassette, to be found by live ones."""

    def __init__(self, cassette: Cassette, requests: Sequence[Request], match_on: frozenset[str]) -> None:
        self.stand_ins = frozenset(map(str, cassette.header.get("stand_ins", ())))
        self.ids: frozenset[str] = frozenset()
        self.rules: Rules = _POLICY.rules
        self._match_on = match_on
        self._long = Lexicon()
        for made in self.stand_ins:
            if len(made) >= UNIQUE:
                self._long.add(made, made)
        # Those whose id is that of the live request come before those whose id is another.
        self._masks: tuple[dict[frozenset[Place], _ByRest], ...] = ({}, {})
        for index, request in enumerate(requests):
            self._add(index, request)

    def matching(self, request: Request) -> Iterator[tuple[int, Sequence[tuple[str, str]]]]:
        """Yield the recorded requests that a live one may be, with the stand-ins and the live values for them."""
        live = leaves_of(request, self._match_on)
        for masks in self._masks:
            found: list[tuple[int, _Slots]] = []
            for places, by_rest in masks.items():
                if places <= live.keys():
                    found += by_rest.get(_rest(live, places), ())
            for index, slots in sorted(found, key=lambda each: each[0]):
                pairs = _pairs(slots, live)
                if pairs is not None:
                    yield index, pairs

    def hidden(self, request: Request) -> Request:
        """Return a live or recorded request for a message: personal data are all the same in it."""
        texts = TextRedactor(self.rules, _Hidden(self.rules, self._long))
        body = texts.body(request.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return Request(method=request.method, uri=texts.uri(request.uri), headers=request.headers, body=body)

    def _add(self, index: int, request: Request) -> None:
        leaves = leaves_of(request, self._match_on)
        slots = {place: slot for place, leaf in leaves.items() if (slot := self._slot(leaf))}
        self._file(0, index, leaves, slots)
        place = id_place(request) if "path" in self._match_on else None
        if place and place not in slots:
            id_ = leaves[place].text
            self.ids |= {id_}
            self._file(1, index, leaves, {**slots, place: _Slot((id_,))})

    def _file(self, which: int, index: int, leaves: Mapping[Place, Leaf], slots: _Slots) -> None:
        places = frozenset(slots)
        self._masks[which].setdefault(places, {}).setdefault(_rest(leaves, places), []).append((index, slots))

    def _slot(self, leaf: Leaf) -> _Slot | None:
        if leaf.type not in ("string", "number"):
            return None
        if leaf.text in self.stand_ins and (len(leaf.text) >= UNIQUE or self.rules.of_key(leaf.name) == "personal"):
            return _Slot((leaf.text,))
        spans = list(self._long.spans(leaf.text))
        if not spans:
            return None
        pattern, end = "", 0
        for start, stop, _ in spans:
            pattern += f"{re.escape(leaf.text[end:start])}(.+?)"
            end = stop
        return _Slot(tuple(made for *_, made in spans), re.compile(f"(?s){pattern}{re.escape(leaf.text[end:])}"))


class _Hidden:
    """One token for all personal data, for a `TextRedactor` that puts it there."""

    def __init__(self, rules: Rules, stand_ins: Lexicon) -> None:
        self.log: list[str] = []
        self._shapes = rules.personal_shapes
        self._stand_ins = stand_ins

    def person(self, value: str) -> str:
        """Return the token, whatever the value."""
        return _HIDDEN if value else value

    def secret(self, value: str, name: str, *, unique: bool) -> str:  # noqa: ARG002 (a placeholder stays one)
        """Return a secret's placeholder as it is."""
        return value

    def replaced(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Return a text with the token for every stand-in, and for what has the shape of personal data."""
        text = spliced(text, [(start, end, _HIDDEN) for start, end, _ in self._stand_ins.spans(text)])
        return self._shapes.sub(_HIDDEN, text) if self._shapes else text, ()


def _rest(leaves: Mapping[Place, Leaf], places: frozenset[Place]) -> _Rest:
    return frozenset((place, leaf.type, "" if place in places else leaf.text) for place, leaf in leaves.items())


def _pairs(slots: _Slots, live: Mapping[Place, Leaf]) -> Sequence[tuple[str, str]] | None:
    pairs: list[tuple[str, str]] = []
    for place, slot in slots.items():
        values = slot.values_in(live[place].text)
        if values is None:
            return None
        pairs += zip(slot.stand_ins, values, strict=True)
    return pairs
