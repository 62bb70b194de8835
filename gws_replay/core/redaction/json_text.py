"""One JSON text on its way through a redactor: every scalar by its key, its path and its shape, all else as it was."""

import json
import re
from collections.abc import Iterator
from typing import Protocol

from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.cache import Remembered
from gws_replay.core.redaction.known_values import Replacing
from gws_replay.core.redaction.policy import Kind, Noticed, Rules

# A member with a scalar value (or the key of a container), an item that is a string, a bracket, another scalar. The
# end of a string may be missing: the text was cut off.
_STRING = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)'
_JSON = re.compile(
    rf'{_STRING}"\s*:\s*(?:{_STRING}(?:"|\Z)|([^\s\[\]{{}},:"]+))?|{_STRING}(?:"|\Z)|([\[\]{{}}])|([^\s\[\]{{}},:"]+)',
    re.DOTALL,
)
_KEY_BESIDE = re.compile(rf'[^{{}}\[\]]*?"key"\s*:\s*{_STRING}"', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LONG_NUMBER = 6  # digits that may be a number of a card or of a person


class ValueRedactor(Protocol):
    """What a `JsonRun` needs: it redacts single values, by the name of their key and as running text."""

    rules: Rules
    known: Replacing
    noticed: Noticed | None
    remembered: Remembered

    def text(self, text: str, place: str = "") -> str:
        """Return running text redacted."""

    def value(self, name: str, text: str, place: str = "", kind: Kind | None = None) -> str:
        """Return the value of a key redacted."""


class JsonRun:
    """One JSON text on its way through a redactor."""

    def __init__(self, redactor: ValueRedactor, text: str, place: str, *, bayeux: bool, forced: bool) -> None:
        self._redactor = redactor
        self._rules = redactor.rules
        self._text = text
        self._place = place
        self._forced = forced
        # The brackets that are open, each with the key that its items have and with its path.
        self._open: list[tuple[str, str]] = []
        self._message_level = (2 if text.lstrip()[:1] == "[" else 1) if bayeux else 0
        self._tracked = self._rules.look_at_paths or redactor.noticed is not None
        self._beside: dict[int, str] = {}  # the `key` of {"key": ..., "value": ...} (Workspace v3), by depth

    def redacted(self) -> str:
        """Return the text redacted; the same text where there was nothing."""
        self._redactor.remembered.refresh()  # an item of a list may have told something since
        text, end, pending = self._text, 0, ""
        pieces: list[str] = []
        remembered = None if self._tracked or self._forced else self._redactor.remembered.members.became
        matches = _JSON.finditer(text)
        for match in matches:
            whole = match[0]
            known = remembered.get(whole) if remembered and len(self._open) != self._message_level else None
            if known is not None:
                if known != whole:
                    pieces += (text[end : match.start()], known)
                    end = match.end()
                continue
            key, value, bare, item, bracket, bare_item = match.groups()
            if bracket:
                self._bracket(bracket, pending)
                pending = ""
            elif key is not None and value is None and bare is None:
                pending = key
                if self._is_hidden(key):
                    pieces += (text[end : match.end()], json.dumps(f"<redacted:{key}>"))
                    end = _after_container(text, matches)
                    pending = ""
            else:
                instead = self._item(item, bare_item) if key is None else self._member(match, key, value, bare)
                if instead != whole:
                    pieces += (text[end : match.start()], instead)
                    end = match.end()
        return "".join([*pieces, text[end:]]) if pieces else text

    def _item(self, item: str | None, bare: str | None) -> str:
        name, path = self._open[-1] if self._open else ("", "")
        return self._scalar(name, path, item, bare)

    def _member(self, match: re.Match[str], key: str, value: str | None, bare: str | None) -> str:
        if bare is not None and len(bare) < _LONG_NUMBER and self._is_no_finding(key):
            return match[0]
        known = self._redactor.remembered.refresh()
        name, path = self._named(key, value, match.end())
        start = (match.start(3) if value is None else match.start(2) - 1) - match.start()
        whole = match[0]
        instead = f"{whole[:start]}{self._scalar(name, path, value, bare)}"
        if self._redactor.remembered.refresh() == known and self._may_remember(key, whole):
            self._redactor.remembered.members.keep(whole, instead)
        return instead

    def _is_no_finding(self, key: str) -> bool:
        """Tell whether a short number, true, false or null of a key can be nothing to redact."""
        plain = not (self._tracked or self._forced) and len(self._open) != self._message_level
        return plain and key not in ("key", "value") and self._rules.of_key(key) is None

    def _may_remember(self, key: str, whole: str) -> bool:
        return not (
            self._tracked
            or self._forced
            or len(self._open) == self._message_level
            or key in ("key", "value")
            or not whole.endswith(('"', *"0123456789", "l", "e"))  # null, true, false
        )

    def _bracket(self, bracket: str, pending: str) -> None:
        if bracket in "]}":
            self._beside.pop(len(self._open), None)
            if self._open:
                self._open.pop()
            return
        name, path = self._open[-1] if self._open else ("", "")
        if self._tracked and pending and not (pending == "data" and len(self._open) == self._message_level > 0):
            path = f"{path}.{pending}"
        self._open.append((pending or (name if bracket == "[" else ""), path))

    def _is_hidden(self, key: str) -> bool:
        """Tell whether a whole object or array is secret: one under a secret key, a Bayeux `ext`."""
        at_message = 0 < len(self._open) == self._message_level
        return (at_message and key in sensitive.BAYEUX_SECRETS) or self._rules.of_key(key) == "secret"

    def _named(self, key: str, value: str | None, at: int) -> tuple[str, str]:
        """Return the name that a member's value goes by, and its path."""
        name = key
        if key == "key" and value is not None:
            self._beside[len(self._open)] = value
        elif key == "value":
            found = self._beside.get(len(self._open)) or ((m := _KEY_BESIDE.match(self._text, at)) and m[1])
            name = found or key
        path = f"{self._open[-1][1] if self._open else ''}.{key}" if self._tracked else ""
        return name, path

    def _scalar(self, name: str, path: str, string: str | None, bare: str | None) -> str:
        """Redact a string (as it is escaped) or another scalar; returns it as JSON text."""
        kind: Kind | None = self._rules.of_path(path) if self._rules.look_at_paths else None
        if self._message_level and len(self._open) == self._message_level and name in sensitive.BAYEUX_SECRETS:
            kind = "secret"
        kind = kind or self._rules.of_key(name)
        if self._forced and kind is None and name not in sensitive.PROTOCOL_KEYS:
            kind = "personal"
        place = f"{self._place}{path}" if self._tracked else ""
        if string is not None:
            plain = _unescaped(string)
            redacted = self._redactor.value(name, plain, place, kind)
            if redacted == plain:
                return f'"{string}"'
            # Half a surrogate pair cannot be encoded but as an escape.
            escaped = string.isascii() or any("\ud800" <= letter <= "\udfff" for letter in redacted)
            return json.dumps(redacted, ensure_ascii=escaped)
        return self._number(name, bare or "", place, kind)

    def _number(self, name: str, bare: str, place: str, kind: Kind | None) -> str:
        """Redact a number; true, false and null are no secrets."""
        if kind == "keep" or not any(map(str.isdigit, bare)):
            return bare
        if kind is not None:
            # The placeholder of a number: as those of texts it is always the same, so that a secret never counts.
            is_whole = not any(sign in bare for sign in ".eE")
            hidden = "0" if is_whole else "0.0"
            redacted = hidden if kind == "secret" else self._redactor.known.person(bare)
            if self._redactor.noticed and redacted != bare:
                self._redactor.noticed(place, f"{kind} {name}")
        else:
            redacted = self._redactor.text(bare, place) if len(bare) >= _LONG_NUMBER else bare
        return redacted if redacted == bare or _NUMBER.fullmatch(redacted) else json.dumps(redacted)


def _unescaped(string: str) -> str:
    try:
        return str(json.loads(f'"{string}"', strict=False)) if "\\" in string else string
    except ValueError:  # no JSON, or cut off within an escape
        return string


def _after_container(text: str, matches: Iterator[re.Match[str]]) -> int:
    """Return where the container ends that begins after a key; what is in it is passed over."""
    depth = 0
    for match in matches:
        if bracket := match[5]:
            depth += 1 if bracket in "[{" else -1
            if depth <= 0:
                return match.end()
        elif depth == 0:
            return match.end()
    return len(text)
