"""Text of any form with what is secret or personal replaced, and every other character kept.

JSON, XML, forms and URLs are redacted by the names in them; whatever is found by its value or shape is replaced
anywhere. Text that breaks the rules of its form (cut off, malformed) is redacted as far as it can be read.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache, partial
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from gws_replay.core.redaction import shapes
from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.base64_text import Decoded, decoded, encoded_like, start_of_value
from gws_replay.core.redaction.encoded_text import found_within, is_spelled
from gws_replay.core.redaction.found import PLACEHOLDER, Found, spliced, without_overlaps
from gws_replay.core.redaction.harmless_words import is_nobody, is_state, is_status
from gws_replay.core.redaction.json_text import JsonRun, Kinds
from gws_replay.core.redaction.known_values import Replacing
from gws_replay.core.redaction.markup import MarkupRun, is_markup
from gws_replay.core.redaction.multipart import parts_of
from gws_replay.core.redaction.policy import Kind, Noticed, Rules

_BAYEUX = re.compile(r'"channel"\s*:\s*"\\?/')
# JSON that has something before or after it: JSONP, a prefix against cross-site reading, `data:` of server-sent events,
# lines of a log.
_JSON_WITHIN = re.compile(r'[{\[](?:\s*+"|(?<=\[)\s*+[{\[])')
# XML that has something before it.
_XML_WITHIN = re.compile(rf"<(?!{PLACEHOLDER[1:]})[A-Za-z_!?]")
_PARAMETER = re.compile(r"([^&=]*)=([^&]*)|([^&=]+)")
_MATRIX = re.compile(r"(;[\w.-]+=)([^;/]*)")
_SESSION_IN_PATH = re.compile(r"(?i:(?<=;jsessionid=))[^/?;#]+")
_USER_INFO = re.compile(r"(?<=://)[^/\s]+(?=@)")
_URI = re.compile(r"(?s)([A-Za-z][\w+.-]*://[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?")
# What is not UTF-8, as Python reads it.
_BINARY = re.compile("[\x00\udc80-\udcff]")
# Half a surrogate pair, which JSON can spell, does not stop them.
_quote, _quote_plus = partial(quote, errors="surrogatepass"), partial(quote_plus, errors="surrogatepass")
_TOO_DEEP = 8  # how often text may stand inside text


class TextRedactor:
    """Redacts text by the rules, and by what is known so far.

    `noticed` is called with the place and the rule of each value that is redacted, `unread` with the place and the kind
    of what could not be read.
    """

    def __init__(
        self, rules: Rules, known_values: Replacing, noticed: Noticed | None = None, unread: Noticed | None = None
    ) -> None:
        self.rules = rules
        self.known_values = known_values
        self.noticed = noticed
        # Keys that no rule knows, and that sound as if their values were secret or personal.
        self.suspects: set[str] = set()
        self.kinds = Kinds(rules, self.suspects)
        self._unread = unread
        self._depth = 0

    def body(self, text: str) -> str:
        """Redact a body of any form but that of an HTML form."""
        if text.startswith("\ufeff"):
            return "\ufeff" + self.body(text[1:])
        if text.lstrip()[:1] in ("{", "["):
            return self.json(text, bayeux=bool(_BAYEUX.search(text)))
        parts = parts_of(text)
        if parts:
            return "".join(self._part(head, name, content) for head, name, content in parts)
        return self.text(text)

    def text(self, text: str, place: str = "") -> str:
        """Redact a text; where it is JSON or XML itself, by its names."""
        nested = self._structured(text, place)
        return self.running(text, place) if nested is None else nested

    def running(self, text: str, place: str = "") -> str:
        """Redact running text; JSON and XML that stand in it, by their names."""
        markup = _XML_WITHIN.search(text) if self._depth < _TOO_DEEP and "<" in text else None
        if markup and text[: markup.start()].strip() and is_markup(text[markup.start() :]):
            text = self._with_xml(text, markup.start(), place)
        within = _JSON_WITHIN.search(text) if self._depth < _TOO_DEEP and ":" in text else None
        if within:
            text = self._with_json(text, within.start(), place)
        found = self.found_in(text, place)
        if self.noticed:
            for each in found:
                self.noticed(place, each.rule)
        return spliced(text, found) if found else text

    def found_in(self, text: str, place: str = "") -> list[Found]:
        """Return what is to be replaced in running text, however its characters are spelled."""
        if self._depth < _TOO_DEEP and is_spelled(text):
            self._depth += 1
            try:
                found = found_within(text, self.found_in)
            finally:
                self._depth -= 1
        else:
            found = self.known_values.found_in(text)
        in_base64 = self._found_in_base64(text, place)
        return without_overlaps(text, [*found, *in_base64]) if in_base64 or is_spelled(text) else found

    def value(self, name: str, text: str, place: str = "", kind: Kind | None = None, *, is_own: bool = False) -> str:
        """Redact a value by the name of its key, element or parameter, or by what it is known to be (`kind`).

        `is_own` says that a user's own rule gave the kind: then harmless words are redacted, too.
        """
        kind = kind or self.rules.of_key(name)
        if kind == "keep" or not text:
            return text
        if kind == "secret":
            instead = self.known_values.secret(text, name, unique=True)
        elif kind == "personal":
            is_text = simple(name) in sensitive.TEXT_KEYS
            if not is_own and self.rules.of_own_key(name) is None and _is_nobodys(simple(name), text):
                return self.text(text, place)
            instead = self._structured(text, place, forced=True) or self.known_values.person(text, is_text=is_text)
        else:
            return self.text(text, place)
        if self.noticed and instead != text:
            self.noticed(place, f"{kind} {name}")
        return instead

    def json(self, text: str, place: str = "", *, bayeux: bool = False, forced: bool = False) -> str:
        """Redact JSON text: by key, by path, by shape; client ids and `ext` of Bayeux messages (`bayeux`)."""
        return JsonRun(self, text, place, bayeux=bayeux, forced=forced).redacted()

    def xml(self, text: str, place: str = "", *, forced: bool = False) -> str:
        """Redact XML and HTML: text and attributes by their names, all else as running text."""
        return MarkupRun(self, place, forced=forced).redacted(text)

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

    def _structured(self, text: str, place: str, *, forced: bool = False) -> str | None:
        """Redact text that is JSON or XML; None for any other."""
        if self._depth >= _TOO_DEEP or not ("{" in text or "[" in text or "<" in text):
            return None
        start = text.lstrip()[:1]
        self._depth += 1
        try:
            if start in ("{", "[") and text.rstrip()[-1:] in ("}", "]"):
                return self.json(text, place, forced=forced)
            if start == "<" and is_markup(text):
                return self.xml(text, place, forced=forced)
            if start == '"' and '\\"' in text:
                return self._string(text, place)
            return None
        finally:
            self._depth -= 1

    def _string(self, text: str, place: str) -> str | None:
        """Redact what a string of JSON says; None for what is not one."""
        try:
            plain = json.loads(text)
        except ValueError:
            return None
        redacted = self.text(plain, place)
        return text if redacted == plain else json.dumps(redacted, ensure_ascii=text.isascii())

    def _with_xml(self, text: str, start: int, place: str) -> str:
        self._depth += 1
        try:
            return f"{text[:start]}{self.xml(text[start:], place)}"
        finally:
            self._depth -= 1

    def _with_json(self, text: str, start: int, place: str) -> str:
        stop = max(text.rfind("}"), text.rfind("]"), start) + 1
        self._depth += 1
        try:
            inside = self.json(text[start:stop], place, bayeux=bool(_BAYEUX.search(text)))
        finally:
            self._depth -= 1
        return f"{text[:start]}{inside}{text[stop:]}"

    def _found_in_base64(self, text: str, place: str) -> list[Found]:
        if len(text) < shapes.SHORTEST_RUN or self._depth >= _TOO_DEEP:
            return []
        found = []
        for start, stop in shapes.long_runs(text):
            start += start_of_value(text[start:stop])  # noqa: PLW2901 (its name stands before it)
            run = text[start:stop]
            if run.islower() or run.isdigit():
                continue
            plain = decoded(run)
            if isinstance(plain, str):
                redacted = self._inside(plain)
                if redacted != plain:
                    found.append(Found(start, stop, encoded_like(run, redacted), "a value in base64"))
            elif plain is Decoded.FILE and self._unread:
                self._unread(place, plain.value)
        return found

    def _inside(self, plain: str) -> str:
        """Redact what stands within a text; what is found there is reported with that text."""
        noticed, self.noticed = self.noticed, None
        self._depth += 1
        try:
            return self.text(plain)
        finally:
            self._depth -= 1
            self.noticed = noticed

    def _part(self, head: str, name: str, content: str) -> str:
        """Redact a part of a multipart body: its headers with the file's name, and its content by the field's name."""
        if head:
            head = "".join(self.text(line, "multipart header") for line in head.splitlines(keepends=True))
        place = f"multipart {name}".rstrip()
        if _BINARY.search(content) and self.rules.of_key(name) is None:
            if self._unread:
                self._unread(place, "a binary part")
            # Among random bytes everything has the shape of something.
            return head + spliced(content, [each for each in self.known_values.found_in(content) if each.has_parts])
        return head + self.value(name, content, place)

    def _parameter(self, found: re.Match[str], place: str) -> str:
        if found[3]:
            return self._encoded(found[3], unquote_plus, _quote_plus, place)
        name = unquote_plus(found[1])
        own = self.rules.of_own_key(name)
        kind: Kind | None = "secret" if own is None and name.lower() in sensitive.SECRET_PARAMETERS else None
        if self.rules.personal and kind is None and name.lower() in sensitive.PERSONAL_PARAMETERS:
            kind = self.rules.of_key(name) or "personal"
        value = unquote_plus(found[2])
        redacted = self.value(name, value, f"{place} {name}", kind)
        left = self._encoded(found[1], unquote_plus, _quote_plus, place)
        if redacted == value:
            return f"{left}={found[2]}"
        return f"{left}={redacted if PLACEHOLDER in redacted else _quote_plus(redacted)}"

    def _segment(self, before: str, segment: str) -> str:
        if segment and self.rules.personal and before in sensitive.PERSONAL_COLLECTIONS:
            return _quote(self.value(before, unquote(segment), "path", "personal"))
        if ";" in segment:
            segment = _MATRIX.sub(lambda found: f"{found[1]}{self._matrix_value(found[1][1:-1], found[2])}", segment)
        return self._encoded(segment, unquote, _quote, "path")

    def _matrix_value(self, name: str, value: str) -> str:
        plain = unquote(value)
        redacted = self.value(name, plain, f"path {name}")
        return value if redacted == plain else redacted if PLACEHOLDER in redacted else _quote(redacted)

    def _encoded(self, text: str, decode: Callable[[str], str], encode: Callable[[str], str], place: str) -> str:
        plain = decode(text)
        redacted = self.text(plain, place)
        if redacted == plain:
            return text
        return redacted if PLACEHOLDER in redacted else encode(redacted)


simple = lru_cache(maxsize=4096)(sensitive.normalised)


def _is_nobodys(name: str, text: str) -> bool:
    """Tell whether the value of a personal key, by its simple name, is a word of a status or of a state."""
    if name in sensitive.TEXT_KEYS:
        return is_status(text)
    if name in sensitive.STATE_KEYS or name.endswith("username"):
        return is_state(text)
    return is_nobody(text)
