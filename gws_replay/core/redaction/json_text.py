"""One JSON text on its way through a redactor: every scalar by its key, its path and its shape, all else as it was.

Most of a text is nothing to redact. What may be is found in the whole text first, and only the values that have a
part of that, or a key that says something, are looked at one by one.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Protocol

from gws_replay.core.redaction import shapes
from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.base64_text import stands_for_something
from gws_replay.core.redaction.encoded_text import spelled_in
from gws_replay.core.redaction.found import PLACEHOLDER
from gws_replay.core.redaction.known_values import Replacing
from gws_replay.core.redaction.policy import Kind, Noticed, Rules
from gws_replay.core.redaction.suspects import kind_of_name

# A member with a scalar value (or the key of a container), an item that is a string, a bracket, another scalar. The
# end of a string may be missing: the text was cut off.
_STRING = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)'
_JSON = re.compile(
    rf'{_STRING}"\s*:\s*(?:{_STRING}(?:"|\Z)|([^\s\[\]{{}},:"]+))?|{_STRING}(?:"|\Z)|([\[\]{{}}])|([^\s\[\]{{}},:"]+)',
    re.DOTALL,
)
# Whole members and items, with what is in them if that is not nested any deeper: passed over where all of it is dull.
_SCALAR = r'(?:"[^"\\]*+"(?!\s*+:)|[^\s\[\]{},:"]++(?=[\s,}\]]))'
_ARRAY = rf"\[(?:[\s,]++|{_SCALAR})*+\]"
_OBJECT = rf'\{{(?:[\s,]++|"[^"\\]*+":\s*+(?:{_SCALAR}|{_ARRAY}))*+\}}'
_DULL = re.compile(rf'(?:[\s,]++|(?:"[^"\\]*+":\s*+)?+(?:{_SCALAR}|{_ARRAY}|{_OBJECT}))++')
_PAIR = re.compile(rf'(?i)[^{{}}\[\]]*?"(?:{"|".join(sorted(sensitive.PAIR_NAMES))})"\s*:\s*{_STRING}"', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MARKUP_WITHIN = re.compile(rf"<(?!{PLACEHOLDER[1:]})")
_LONG_NUMBER = 6  # digits that may be a number of a card or of a person
# What is searched at once for anything suspicious; longer values are always looked at one by one.
_WINDOW, _LONG_VALUE = 1 << 16, 1 << 12
_RANGE = re.compile(r"\d{1,3}|1[4-9]\d{8}(?:\d{3})?")  # a count, or seconds or milliseconds since 1970
_MOST_KEYS = 50_000
_PAIR_KEYS = sensitive.PAIR_NAMES | sensitive.PAIR_VALUES


class Kinds(dict[str, Kind | None]):
    """What the values of a key are, by the key as it is spelled in JSON; each key is looked up once."""

    def __init__(self, rules: Rules, suspects: set[str]) -> None:
        super().__init__()
        self._rules = rules
        self._suspects = suspects
        # Whether a key says something, of itself or as the key of a pair such as {"name": ..., "value": ...}.
        self.interesting: dict[str, bool] = {}
        self._telling: dict[str, bool] = {}

    def __missing__(self, key: str) -> Kind | None:
        if len(self) > _MOST_KEYS:
            self.clear()
            self.interesting.clear()
        found = self[key] = self._rules.of_key(_unescaped(key))
        if found is None and kind_of_name(key):
            self._suspects.add(_unescaped(key))
        self.interesting[key] = found is not None or sensitive.normalised(key) in _PAIR_KEYS
        return found

    def is_telling(self, key: str) -> bool:
        """Tell whether a key says something, or sounds as if it did."""
        found = self._telling.get(key)
        if found is None:
            if len(self._telling) > _MOST_KEYS:
                self._telling.clear()
            is_ruled = self._rules.of_key(_unescaped(key)) is not None or sensitive.normalised(key) in _PAIR_KEYS
            found = self._telling[key] = is_ruled or bool(kind_of_name(key))
        return found


class ValueRedactor(Protocol):
    """What a `JsonRun` needs: it redacts single values, by the name of their key and as running text."""

    rules: Rules
    known_values: Replacing
    noticed: Noticed | None
    kinds: Kinds

    def text(self, text: str, place: str = "") -> str:
        """Return running text redacted."""

    def value(self, name: str, text: str, place: str = "", kind: Kind | None = None, *, is_own: bool = False) -> str:
        """Return the value of a key redacted."""


class JsonRun:
    """One JSON text on its way through a redactor."""

    def __init__(self, redactor: ValueRedactor, text: str, place: str, *, bayeux: bool, forced: bool) -> None:
        self._redactor = redactor
        self._rules = redactor.rules
        self._text = text
        self._place = place
        # The brackets that are open, each with the key of its items, its path, and whether all in it is personal.
        self._open: list[tuple[str, str, bool]] = []
        self._forced = forced
        self._message_level = (2 if text.lstrip()[:1] == "[" else 1) if bayeux else 0
        self._tracked = self._rules.look_at_paths or redactor.noticed is not None
        self._beside: dict[int, str] = {}  # the name of {"name": ..., "value": ...}, by depth
        self._kinds = redactor.kinds
        self._looks_at_all = forced or self._rules.look_at_paths
        self._suspicious: list[tuple[int, int]] = []
        self._next = self._searched = 0
        self._telling: list[int] = []  # where keys stand that say something, in what was searched
        # Nothing is suspicious before this place.
        self._safe_until = 0
        # The key that the items of the innermost array have; and whether no more than keys and shapes count in there.
        self._items = ""
        self._is_plain = not self._looks_at_all and self._message_level == 0

    def redacted(self) -> str:
        """Return the text redacted; the same text where there was nothing."""
        text, end, pending = self._text, 0, ""
        pieces: list[str] = []
        matches = _JSON.finditer(text)
        interesting = self._kinds.interesting
        while match := next(matches, None):
            key, value, bare, item, bracket, bare_item = match.groups()
            if bracket:
                self._bracket(bracket, pending)
                pending = ""
                matches = self._after_dull(match.end(), matches)
                continue
            name = self._items if key is None else key
            if self._is_plain and match.end() <= self._safe_until and name in interesting and not interesting[name]:
                pending = "" if key is None or value is not None or bare is not None else key
                matches = matches if pending else self._after_dull(match.end(), matches)
                continue
            if key is None:
                instead = self._item(match, item, bare_item)
            elif value is not None or bare is not None:
                instead = self._member(match, key, value, bare)
            elif self._is_hidden(key):
                instead = f"{self._key(match, key)}{json.dumps(f'<redacted:{_unescaped(key)}>')}"
                pieces += (text[end : match.start()], instead)
                end = _after_container(text, matches)
                continue
            else:
                pending = key
                instead = self._key(match, key)
                _ = self._kinds[key]
            if instead is None and key is not None:
                matches = self._after_dull(match.end(), matches)
                continue
            if instead is not None and _is_cut_off(match):
                instead = instead.removesuffix('"')
            if instead is not None and instead != match[0]:
                pieces += (text[end : match.start()], instead)
                end = match.end()
        return "".join([*pieces, text[end:]]) if pieces else text

    def _after_dull(self, at: int, matches: Iterator[re.Match[str]]) -> Iterator[re.Match[str]]:
        """Return the matches after the members and items, from some place on, in which there is nothing to redact."""
        if not self._is_plain or at >= self._safe_until or len(self._open) < self._message_level:
            return matches
        if self._kinds[self._items]:
            return matches
        following = bisect_left(self._telling, at)
        end = min([self._safe_until, *self._telling[following : following + 1]])
        dull = _DULL.match(self._text, at, end) if at < end else None
        return _JSON.finditer(self._text, dull.end()) if dull else matches

    def _is_suspicious(self, start: int, stop: int) -> bool:
        """Tell whether anything may have been found in a part of the text; parts come in their order."""
        if stop - start > _LONG_VALUE:
            return True
        if stop > self._searched:
            self._search(start)
        while self._next < len(self._suspicious) and self._suspicious[self._next][1] <= start:
            self._next += 1
        following = self._suspicious[self._next][0] if self._next < len(self._suspicious) else self._searched
        self._safe_until = min(following, self._searched)
        return following < stop

    def _search(self, start: int) -> None:
        """Find the parts of the text from some place on in which there may be something to redact."""
        window = self._text[start : start + _WINDOW]
        found = [(each.start, each.stop) for each in self._redactor.known_values.found_in(window)]
        found += spelled_in(window)
        found += (match.span() for match in _MARKUP_WITHIN.finditer(window))
        if len(window) >= shapes.SHORTEST_RUN:
            runs = shapes.long_runs(window)
            found += [run for run in runs if run[1] == len(window) or stands_for_something(window[slice(*run)])]
        self._telling = [start + at for at in self._telling_in(window)]
        self._suspicious = [(start + first, start + last) for first, last in _merged(found)]
        self._next, self._searched = 0, start + len(window)
        self._safe_until = min([self._searched, *(first for first, _ in self._suspicious[:1])])

    def _telling_in(self, window: str) -> Iterator[int]:
        """Yield where keys stand that say something; of those that a colon follows at once."""
        before_colons = window.split('":')[:-1]
        keys = {before[before.rfind('"') + 1 :] for before in before_colons}
        telling = {key for key in keys if self._kinds.is_telling(key)}
        at = 0
        for before in before_colons if telling else ():
            at += len(before)
            key = before[before.rfind('"') + 1 :]
            if key in telling:
                yield at - len(key) - 1
            at += 2

    def _item(self, match: re.Match[str], item: str | None, bare: str | None) -> str | None:
        name, path, _ = self._open[-1] if self._open else ("", "", False)
        if self._kinds[name] or not self._is_plain or self._is_suspicious(match.start(), match.end()):
            return self._scalar(name, path, item, bare)
        return None

    def _member(self, match: re.Match[str], key: str, value: str | None, bare: str | None) -> str | None:
        _ = self._kinds[key]
        if self._is_plain and not self._kinds.interesting[key] and not self._is_suspicious(match.start(), match.end()):
            return None
        name, path = self._named(key, value, match.end())
        return f"{self._key(match, key)}{self._scalar(name, path, value, bare)}"

    def _key(self, match: re.Match[str], key: str) -> str:
        """Return a key, with what stands up to its value; redacted, if anything that is known stands in it."""
        stop = match.start(3) if match[3] is not None else match.start(2) - 1 if match[2] is not None else match.end()
        before = match[0][: stop - match.start()]
        if not self._is_suspicious(match.start(), match.end(1)):
            return before
        plain = _unescaped(key)
        redacted = self._redactor.text(plain, f"{self._place} key")
        if redacted == plain:
            return before
        # The placeholders of two secrets are the same, and two keys must not be.
        redacted = self._redactor.known_values.person(plain) if PLACEHOLDER in redacted else redacted
        return f"{_escaped(redacted, key)}{before[len(key) + 2 :]}"

    def _bracket(self, bracket: str, pending: str) -> None:
        if bracket in "]}":
            self._beside.pop(len(self._open), None)
            if self._open:
                self._open.pop()
            self._enter()
            return
        name, path, forced = self._open[-1] if self._open else ("", "", False)
        if pending and sensitive.normalised(pending) in sensitive.PAIR_VALUES:
            pending = self._beside.get(len(self._open), pending)
        if self._tracked and pending and not (pending == "data" and len(self._open) == self._message_level > 0):
            path = f"{path}.{pending}"
        if pending and not forced:
            own = self._rules.of_own_key(_unescaped(pending))
            forced = own == "personal" or (self._rules.look_at_paths and self._rules.of_path(path) == "personal")
            forced = forced and self._rules.personal
        self._open.append((pending or name, path, forced))
        self._enter()

    def _enter(self) -> None:
        """Note what holds for the members and items of the innermost object or array."""
        self._items, _, forced = self._open[-1] if self._open else ("", "", False)
        self._is_plain = not (self._looks_at_all or forced or 0 < self._message_level == len(self._open))

    def _is_hidden(self, key: str) -> bool:
        """Tell whether a whole object or array is secret: one under a secret key, a Bayeux `ext`."""
        at_message = 0 < len(self._open) == self._message_level
        return (at_message and key in sensitive.BAYEUX_SECRETS) or self._kinds[key] == "secret"

    def _named(self, key: str, value: str | None, at: int) -> tuple[str, str]:
        """Return the name that a member's value goes by, and its path."""
        name, spelled = key, sensitive.normalised(key)
        if spelled in sensitive.PAIR_NAMES and value is not None:
            self._beside[len(self._open)] = value
        elif spelled in sensitive.PAIR_VALUES:
            found = self._beside.get(len(self._open)) or ((m := _PAIR.match(self._text, at)) and m[1])
            name = found if found and (spelled == "value" or self._kinds[found]) else key
        path = f"{self._open[-1][1] if self._open else ''}.{key}" if self._tracked else ""
        return name, path

    def _scalar(self, name: str, path: str, string: str | None, bare: str | None) -> str:
        """Redact a string (as it is escaped) or another scalar; returns it as JSON text."""
        kind: Kind | None = self._rules.of_path(path) if self._rules.look_at_paths else None
        is_own = kind is not None
        if self._message_level and len(self._open) == self._message_level and name in sensitive.BAYEUX_SECRETS:
            kind = "secret"
        kind = kind or self._kinds[name]
        if kind is None and name == "name" and self._open and self._kinds[self._open[-1][0]] == "personal":
            kind = "personal"  # {"from": {"name": ...}}
        forced = self._open[-1][2] if self._open else False
        if kind is None and (forced or (self._forced and name not in sensitive.PROTOCOL_KEYS)):
            kind, is_own = "personal", forced
        place = f"{self._place}{path}" if self._tracked else ""
        if string is not None:
            plain = _unescaped(string)
            redacted = self._redactor.value(_unescaped(name), plain, place, kind, is_own=is_own)
            return f'"{string}"' if redacted == plain else _escaped(redacted, string)
        return self._number(name, bare or "", place, kind)

    def _number(self, name: str, bare: str, place: str, kind: Kind | None) -> str:
        """Redact a number; true, false and null are nobody's, unless a user's own rule says so."""
        if kind == "keep":
            return bare
        if bare in ("true", "false"):
            return "false" if kind and self._rules.of_own_key(_unescaped(name)) else bare
        if not any(map(str.isdigit, bare)):
            return bare if kind or self._open else self._redactor.text(bare, place)
        # The placeholder of a number: as those of texts it is always the same, so that a secret never counts.
        hidden = "0.0" if any(sign in bare for sign in ".eE") else "0"
        if kind == "secret":
            self._redactor.known_values.secret(bare, _unescaped(name), unique=True)
            redacted = hidden
        elif kind == "personal" and _is_range(name, bare) and self._rules.of_own_key(_unescaped(name)) is None:
            return bare
        elif kind is not None:
            redacted = self._redactor.known_values.person(bare)
        else:
            redacted = self._redactor.text(bare, place) if len(bare) >= _LONG_NUMBER else bare
            redacted = hidden if PLACEHOLDER in redacted and _NUMBER.fullmatch(bare) else redacted
        if kind is not None and self._redactor.noticed and redacted != bare:
            self._redactor.noticed(place, f"{kind} {name}")
        return redacted if redacted == bare or _NUMBER.fullmatch(redacted) else json.dumps(redacted)


def _is_range(name: str, number: str) -> bool:
    """Tell whether a number says where a page or a time begins or ends: `{"from": 0, "to": 25}`."""
    return sensitive.normalised(name) in sensitive.RANGE_KEYS and bool(_RANGE.fullmatch(number))


def _is_cut_off(match: re.Match[str]) -> bool:
    """Tell whether a string has no end: the text has been cut off in it."""
    return match.end() in (match.end(2), match.end(4))


def _merged(parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return parts of a text in their order; those that touch each other as one."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(parts):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def _escaped(text: str, before: str) -> str:
    """Return a text as a string of JSON, with as few escapes as what stood there before."""
    # Half a surrogate pair cannot be encoded but as an escape.
    ascii_only = before.isascii() or any("\ud800" <= letter <= "\udfff" for letter in text)
    return json.dumps(text, ensure_ascii=ascii_only)


def _unescaped(string: str) -> str:
    try:
        return str(json.loads(f'"{string}"', strict=False)) if "\\" in string else string
    except ValueError:  # not JSON, or cut off within an escape
        return string


def _after_container(text: str, matches: Iterator[re.Match[str]]) -> int:
    """Return where the container ends that begins after a key; what is in it is skipped."""
    depth = 0
    for match in matches:
        if bracket := match[5]:
            depth += 1 if bracket in "[{" else -1
            if depth <= 0:
                return match.end()
        elif depth == 0:
            return match.end()
    return len(text)
