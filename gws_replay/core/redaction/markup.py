"""XML and HTML on their way through a redactor: text and attributes by their names, all else as running text."""

import html
import re
from collections.abc import Iterator
from typing import Protocol

from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.found import PLACEHOLDER
from gws_replay.core.redaction.policy import Kind, Rules

_MARKUP = re.compile(r"</|/>|<!(?:doctype|--|\[CDATA)", re.IGNORECASE)
_HTML = re.compile(r"<(?:!doctype html|html|head|div|p|span|br|table)\b", re.IGNORECASE)
_TOKEN = re.compile(
    r"<!\[CDATA\[(?P<data>.*?)(?:\]\]>|\Z)|<(?P<close>/?)(?P<name>[A-Za-z_][\w:.-]*)(?P<rest>[^<>]*)>|(?P<text>[^<]+|<)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""(?<![\w:.-])([\w:.-]++)(\s*+=\s*+)("[^"]*"|'[^']*')""")
_NAME = re.compile(r"<([A-Za-z_][\w:.-]*)")
_PAIR = re.compile(r"""(?i)(?<![\w:.-])(?:name|key|field|property)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_PAIR_NAMES = frozenset({"name", "key", "field", "property"})
_LONGEST_NAME = 80
_ATTRIBUTE_BACKWARDS = re.compile(r"""["']\s*=\s*([\w:.-]{1,80})""")


class ValueRedactor(Protocol):
    """What a `MarkupRun` needs: it redacts single values, by a name and as running text."""

    rules: Rules

    def running(self, text: str, place: str = "") -> str:
        """Return running text redacted."""

    def value(self, name: str, text: str, place: str = "", kind: Kind | None = None, *, is_own: bool = False) -> str:
        """Return the value of a name redacted."""


def is_markup(text: str) -> bool:
    """Tell whether a text that begins with `<` is XML or HTML, and no placeholder."""
    return bool(_MARKUP.search(text)) and PLACEHOLDER not in text[: text.find(">")]


class MarkupRun:
    """One text of XML or HTML on its way through a redactor; all of it is personal if it is `forced`."""

    def __init__(self, redactor: ValueRedactor, place: str, *, forced: bool) -> None:
        self._redactor = redactor
        self._place = place
        self._forced = forced
        self._kinds: dict[str, Kind | None] = {}

    def redacted(self, text: str) -> str:
        """Return the text redacted."""
        is_html = bool(_HTML.search(text[:2000]))
        names = {*_NAME.findall(text), *_attributes_in(text)}
        pairs = {pair for name in names if name.lower() in _PAIR_NAMES for pair in _values_of(name, text)}
        self._kinds = {name: self._kind(name, is_html=is_html) for name in names | pairs}
        if self._forced or any(self._kinds.values()):
            text = self._by_names(text)
        # Once more as running text: the parser returns comments and malformed tags neither as text nor as attributes.
        return self._redactor.running(text, self._place)

    def _kind(self, name: str, *, is_html: bool) -> Kind | None:
        local = name.rpartition(":")[2]
        kind = self._redactor.rules.of_key(local)
        if is_html and kind == "personal" and local.lower() in sensitive.HTML_NAMES:
            return self._redactor.rules.of_own_key(local)
        return kind

    def _by_names(self, text: str) -> str:
        names: list[str] = []
        pieces = []
        for found in _TOKEN.finditer(text):
            data, name, between = found["data"], found["name"], found["text"]
            above = names[-1] if names else ""
            if data is not None:
                pieces.append(found[0].replace(data, self._value(above, data)) if data else found[0])
            elif between is not None:
                plain = html.unescape(between)
                redacted = self._value(above, plain)
                pieces.append(between if redacted == plain else html.escape(redacted, quote=False))
            else:
                pieces.append(self._tag(found["close"], name, found["rest"], names))
        return "".join(pieces)

    def _tag(self, close: str, name: str, rest: str, names: list[str]) -> str:
        called = ""
        if close:
            if names:
                names.pop()
        else:
            pair = _PAIR.search(rest)
            called = next(filter(None, pair.groups()), "") if pair else ""
            called = called if called and self._kinds.get(called) else ""
            if not rest.endswith("/"):
                names.append(called or name)
        inside = _ATTRIBUTE.sub(lambda found: self._attribute(found, called), rest) if "=" in rest else rest
        return f"<{close}{name}{inside}>"

    def _attribute(self, found: re.Match[str], called: str) -> str:
        name, mark, plain = found[1], found[3][0], html.unescape(found[3][1:-1])
        if called and name.lower() in sensitive.PAIR_VALUES:
            name = called
        elif called or name.startswith("xmlns"):  # the name itself stays
            return found[0]
        redacted = self._value(name, plain)
        return found[0] if redacted == plain else f"{found[1]}{found[2]}{mark}{html.escape(redacted)}{mark}"

    def _value(self, name: str, text: str) -> str:
        bare = text.strip()
        if not bare:
            return text
        kind = self._kinds.get(name)
        if kind is None and self._forced:
            kind = "personal" if self._redactor.rules.of_key(name) is None else None
        if kind is None:
            return text
        redacted = self._redactor.value(name.rpartition(":")[2], bare, f"{self._place}<{name}>", kind)
        return text.replace(bare, redacted, 1)


def _attributes_in(text: str) -> set[str]:
    """Return the names of attributes: read from right to left, each begins with a quote and `=`, which are rare."""
    return {name[::-1] for name in set(_ATTRIBUTE_BACKWARDS.findall(text[::-1]))}


def _values_of(name: str, text: str) -> Iterator[str]:
    """Yield the values of an attribute that says what something is called."""
    for mark in "\"'":
        yield from re.findall(rf"{re.escape(name)}={mark}([^{mark}]{{1,{_LONGEST_NAME}}}){mark}", text)
