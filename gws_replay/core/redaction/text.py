"""JSON, XML, forms and URLs as text, with what is secret or personal replaced and every other character kept.

Text that does not keep the rules of its form (cut off, malformed) is redacted as far as it can be read.
"""

import html
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.cache import Remembered
from gws_replay.core.redaction.json_text import JsonRun
from gws_replay.core.redaction.known_values import PLACEHOLDER, Replacing
from gws_replay.core.redaction.policy import Kind, Noticed, Rules

_BAYEUX = re.compile(r'"channel"\s*:\s*"\\?/')
_TAG = re.compile(r"<(/?)([A-Za-z_][\w:.-]*)([^<>]*)>|([^<]+|<)")
_XML = re.compile(r"</|/>")
_ATTRIBUTE = re.compile(r"""(?<![\w:.-])([\w:.-]++)(\s*+=\s*+)("[^"]*"|'[^']*')""")
_PARAMETER = re.compile(r"([^&=]*)=([^&]*)|([^&=]+)")
_SESSION_IN_PATH = re.compile(r"(?i:(?<=;jsessionid=))[^/?;#]+")
_USER_INFO = re.compile(r"(?<=://)[^/\s]+(?=@)")
_URI = re.compile(r"(?s)([A-Za-z][\w+.-]*://[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?")
_TOO_DEEP = 8  # how often text may stand inside text


class TextRedactor:
    """Redacts text by the rules, and by what is known so far; `noticed` gets the place and rule of each finding."""

    def __init__(self, rules: Rules, known: Replacing, noticed: Noticed | None = None) -> None:
        self.rules = rules
        self.known = known
        self.noticed = noticed
        self.remembered = Remembered(known)
        self._depth = 0

    def body(self, text: str) -> str:
        """Redact a body of any form but that of an HTML form."""
        start = text.lstrip()[:1]
        if start in ("{", "["):
            return self.json(text, bayeux=bool(_BAYEUX.search(text)))
        return self.text(text)

    def text(self, text: str, place: str = "") -> str:
        """Redact running text; where it is JSON or XML itself, by its keys."""
        if self.noticed:
            return self._text(text, place)
        known = self.remembered.refresh()
        found = self.remembered.texts.became.get(text)
        if found is None:
            found = self._text(text, place)
            if self.remembered.refresh() == known:
                self.remembered.texts.keep(text, found)
        return found

    def value(self, name: str, text: str, place: str = "", kind: Kind | None = None) -> str:
        """Redact a value by the name of its key, element or parameter (or, with `kind`, by what it is known to be)."""
        kind = kind or self.rules.of_key(name)
        if kind == "keep" or name in sensitive.PROTOCOL_KEYS or not text:
            return text
        if kind == "secret":
            instead = self.known.secret(text, name, unique=True)
        elif kind == "personal":
            instead = self._nested(text, place, forced=True) or self.known.person(text)
        else:
            return self.text(text, place)
        if self.noticed and instead != text:
            self.noticed(place, f"{kind} {name}")
        return instead

    def json(self, text: str, place: str = "", *, bayeux: bool = False, forced: bool = False) -> str:
        """Redact JSON text: by key, by path, by shape; client ids and `ext` of Bayeux messages (`bayeux`)."""
        return JsonRun(self, text, place, bayeux=bayeux, forced=forced).redacted()

    def xml(self, text: str, place: str = "", *, forced: bool = False) -> str:
        """Redact the text and the attributes of XML, by their names; all of it is personal if it is `forced`."""
        names: list[str] = []
        pieces = []
        for close, name, rest, between in _TAG.findall(text):
            if between:
                inside = html.unescape(between)
                redacted = self._xml_value(names[-1] if names else "", inside, place, forced=forced)
                pieces.append(between if redacted == inside else html.escape(redacted, quote=False))
                continue
            if close and names:
                names.pop()
            elif not close and not rest.endswith("/"):
                names.append(name.rpartition(":")[2])
            inside = _ATTRIBUTE.sub(lambda found: self._attribute(found, place, forced=forced), rest)
            pieces.append(f"<{close}{name}{inside}>")
        return "".join(pieces)

    def form(self, text: str, place: str = "") -> str:
        """Redact the parameters of a form or of a URL's query."""
        return _PARAMETER.sub(lambda found: self._parameter(found, place), text)

    def uri(self, uri: str) -> str:
        """Redact a URL: user info, the session in its path, segments of the path, parameters."""
        for name, where in (("userinfo", _USER_INFO), ("jsessionid", _SESSION_IN_PATH)):
            uri = self._without(name, where, uri)
        origin, path, query, fragment = (part or "" for part in _URI.fullmatch(uri).groups())  # type: ignore[union-attr]
        segments = path.split("/")
        path = "/".join(self._segment(before, each) for before, each in zip(["", *segments], segments, strict=False))
        query = query[:1] + self.form(query[1:], "query")
        fragment = fragment[:1] + (self.form(fragment[1:], "fragment") if "=" in fragment else self.text(fragment[1:]))
        return f"{origin}{path}{query}{fragment}"

    def _without(self, name: str, where: re.Pattern[str], uri: str) -> str:
        found, instead = where.search(uri), f"<redacted:{name}>"
        if not found or found[0] == instead:
            return uri
        if self.noticed:
            self.noticed("uri", f"secret {name}")
        return f"{uri[: found.start()]}{instead}{uri[found.end() :]}"

    def _text(self, text: str, place: str) -> str:
        if (nested := self._nested(text, place)) is not None:
            return nested
        redacted, rules = self.known.replaced(text)
        if self.noticed:
            for rule in rules:
                self.noticed(place, rule)
        return redacted

    def _nested(self, text: str, place: str, *, forced: bool = False) -> str | None:
        """Redact text that is JSON or XML; None for any other."""
        start = text.lstrip()[:1]
        if self._depth >= _TOO_DEEP or not (
            (start in ("{", "[") and text.rstrip()[-1:] in ("}", "]"))
            or (start == "<" and _XML.search(text) and PLACEHOLDER not in text[: text.find(">")])
        ):
            return None
        self._depth += 1
        try:
            if start != "<":
                return self.json(text, place, forced=forced)
            # Once more as running text: tags may hold what is no attribute.
            return self.known.replaced(self.xml(text, place, forced=forced))[0]
        finally:
            self._depth -= 1

    def _xml_value(self, name: str, text: str, place: str, *, forced: bool) -> str:
        if not text.strip():
            return text
        bare = text.strip()
        kind: Kind | None = "personal" if forced and self.rules.of_key(name) is None else None
        return text.replace(bare, self.value(name, bare, f"{place}<{name}>", kind))

    def _attribute(self, found: re.Match[str], place: str, *, forced: bool) -> str:
        mark, inside = found[3][0], html.unescape(found[3][1:-1])
        forced = forced and not found[1].startswith("xmlns")
        redacted = self._xml_value(found[1].rpartition(":")[2], inside, place, forced=forced)
        return found[0] if redacted == inside else f"{found[1]}{found[2]}{mark}{html.escape(redacted)}{mark}"

    def _parameter(self, found: re.Match[str], place: str) -> str:
        if found[3]:
            return self._encoded(found[3], unquote_plus, quote_plus, place)
        name = unquote_plus(found[1])
        kind: Kind | None = "secret" if name.lower() in sensitive.SECRET_PARAMETERS else None
        if self.rules.personal and kind is None and name.lower() in sensitive.PERSONAL_PARAMETERS:
            kind = self.rules.of_key(name) or "personal"
        value = unquote_plus(found[2])
        redacted = self.value(name, value, f"{place} {name}", kind)
        if redacted == value:
            return found[0]
        return f"{found[1]}={redacted if redacted.startswith(PLACEHOLDER) else quote_plus(redacted)}"

    def _segment(self, before: str, segment: str) -> str:
        if segment and self.rules.personal and before in sensitive.PERSONAL_COLLECTIONS:
            return quote(self.value(before, unquote(segment), "path", "personal"))
        return self._encoded(segment, unquote, quote, "path")

    def _encoded(self, text: str, decode: Callable[[str], str], encode: Callable[[str], str], place: str) -> str:
        plain = decode(text)
        redacted = self.text(plain, place)
        if redacted == plain:
            return text
        return redacted if PLACEHOLDER in redacted else encode(redacted)
