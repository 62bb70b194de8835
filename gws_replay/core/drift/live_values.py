"""The live values of what a cassette calls by recorded ids and stand-ins: learned from answers, put into requests.

The first live value that is seen where a recorded one stands is its own from then on. An id that is a recorded one's
belongs to no other.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from gws_replay.core.api import dialects as api
from gws_replay.core.api.ids import is_long_id, tail
from gws_replay.core.cassette import Cassette
from gws_replay.core.drift.counterparts import Counterpart, counterparts, ids_in
from gws_replay.core.model import Headers, Request
from gws_replay.core.redaction.live_text import Shown
from gws_replay.core.redaction.text import TextRedactor
from gws_replay.core.replay.request_key import MATCH_ON
from gws_replay.core.replay.request_values import id_place, leaves_of
from gws_replay.core.replay.wildcard_index import UNIQUE, StandInIndex
from gws_replay.errors import GwsReplayError

SECRET = ""  # what stands for every secret's placeholder
# The server's session in an address: its cookie takes that place.
_SESSION = re.compile(r"(?i);jsessionid=[^/?;#]*")


class LiveValues:
    """Which live value each recorded id and stand-in of a cassette stands for; `given` are known beforehand."""

    def __init__(self, baseline: Cassette, given: Mapping[str, str]) -> None:
        requests = (each.request for each in baseline.interactions)
        self._requests = [replace(each, uri=_SESSION.sub("", each.uri)) for each in requests]
        self._index = StandInIndex(baseline, self._requests, MATCH_ON)
        self._shown = Shown()
        self._texts = TextRedactor(self._index.rules, self._shown)
        self._live: dict[str, str] = {}
        self._taken: set[str] = set()
        self._short: dict[str, str] = {}
        self._ids = _ids_needed(baseline)
        self.stand_ins = self._index.stand_ins
        pairs = [Counterpart(recorded, live, is_id=recorded not in self.stand_ins) for recorded, live in given.items()]
        self.given_for_stand_ins = [each for each in pairs if self._bind(each) and not each.is_id]

    def live(self, recorded: str) -> str | None:
        """Return the live value that a recorded one stands for; None while nothing has shown it."""
        return self._live.get(recorded)

    def is_taken(self, live: str) -> bool:
        """Tell whether a live id is that of a recorded one."""
        return live in self._taken

    def learn(self, recorded: Any, live: Any, *, ids_only: bool = False) -> list[Counterpart]:
        """Bind what a recorded message and the live one in its place show; return the stand-ins that are new.

        `ids_only` is for a live message that is redacted: it shows no more.
        """
        pairs = counterparts(recorded, live, self.stand_ins)
        found = [each for each in pairs if (each.is_id or not ids_only) and self._bind(each)]
        return [each for each in found if not each.is_id]

    def bind_id(self, recorded: str, live: str) -> None:
        """Bind the id of a resource."""
        self._bind(Counterpart(recorded, live, is_id=True))

    def needed(self, index: int) -> Sequence[str]:
        """Return the ids and stand-ins of a recorded request that nothing has bound; SECRET for a secret."""
        wanted = (*self._index.redacted(index), *self._ids[index])
        return [each for each in dict.fromkeys(wanted) if each not in self._live]

    def request(self, index: int, origin: str) -> Request:
        """Return a recorded request as it is sent to a server at `origin`; its headers are those recorded."""
        old = self._requests[index]
        parts = urlsplit(old.uri)
        segments = parts.path.split("/")
        if place := id_place(old):
            at = int(place[1])
            segments[at] = self._short.get(segments[at], segments[at])
        uri = f"{origin}{self._texts.uri('/'.join(segments) or '/')}"
        if parts.query:
            uri += f"?{self._texts.form(parts.query)}"
        try:
            body = self._body(old.headers, old.body.decode()).encode() if old.body else b""
        except UnicodeDecodeError:
            body = old.body
        return Request(method=old.method, uri=uri, headers=old.headers, body=body)

    def _body(self, headers: Headers, body: str) -> str:
        is_form = "x-www-form-urlencoded" in (headers.get("content-type") or "")
        return self._texts.form(body) if is_form else self._texts.body(body)

    def _bind(self, pair: Counterpart) -> bool:
        """Bind a value unless it is bound, or an id that another recorded one has; progress whether it is new."""
        recorded, live = pair.recorded, pair.live
        if recorded in self._live or (pair.is_id and live in self._taken):
            return False
        self._live[recorded] = live
        if pair.is_id:
            self._taken.add(live)
        if recorded == live:
            return True
        if pair.is_id and not is_long_id(recorded):  # elsewhere it may be a word, or count something
            self._short[recorded] = live
        else:
            self._shown.take(recorded, live, anywhere=pair.is_id or len(recorded) >= UNIQUE)
        return True


def bindings(options: Iterable[str], baseline: Cassette) -> Mapping[str, str]:
    """Read options RECORDED=LIVE, whose stand-in may hold an equals sign. Raises GwsReplayError for any other text."""
    stand_ins = frozenset(map(str, baseline.header.get("stand_ins", ())))
    pairs = {}
    for option in options:
        splits = [(option[:at], option[at + 1 :]) for at, sign in enumerate(option) if sign == "="]
        recorded, live = next((each for each in splits if each[0] in stand_ins), (splits or [("", "")])[0])
        if not recorded or not live:
            raise GwsReplayError(f"--bind needs RECORDED=LIVE (a recorded value and the live one), got {option}")
        pairs[recorded] = live
    return pairs


def _ids_needed(baseline: Cassette) -> list[list[str]]:
    """Return for each request the ids in it that its client had from an answer or a notification."""
    shown: dict[str, float] = {}
    for at, value in (
        *((each.ended, each.response_json) for each in baseline.interactions),
        *((each.seen, each.value) for each in baseline.notifications),
    ):
        for found in _ids_of(value):
            shown[found] = min(at, shown.get(found, at))
    shown_before: set[str] = set()
    needed = []
    for exchange in baseline.interactions:
        named = _named(exchange.request)
        needed.append(
            [each for each in named if each not in shown_before and shown.get(each, exchange.ended) <= exchange.began]
        )
        # What a client named before anything had shown it, it knew by itself.
        shown_before |= {each for each in named if shown.get(each, exchange.ended) > exchange.began}
    return needed


def _ids_of(value: Any) -> Iterable[str]:
    yield from ids_in(value)
    if subject := api.subject_of(value):
        yield subject.resource_id


def _named(request: Request) -> list[str]:
    """Return what a request may name by an id: a short one only where the id of a resource stands."""
    resource_id = api.call_of(request, None).resource_id
    tails = (each for leaf in leaves_of(request).values() for each in (leaf.text, tail(leaf.text)))
    return [*dict.fromkeys((*((resource_id,) if resource_id else ()), *filter(is_long_id, tails)))]
