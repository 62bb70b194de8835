"""What one recording has shown to be secret or personal, and what stands for it: looked for wherever it turns up."""

import html
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from gws_replay.core.api import dialects as api
from gws_replay.core.redaction import tables as sensitive
from gws_replay.core.redaction.policy import Rules
from gws_replay.core.redaction.stand_ins import StandIns
from gws_replay.core.word_index import Lexicon, Span, spliced

PLACEHOLDER = "<redacted:"
# How a value may stand in a text, and how it is read there.
ENCODINGS: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
    (str, str),
    (partial(quote, errors="surrogatepass"), unquote),
    (partial(quote_plus, errors="surrogatepass"), unquote_plus),
    (html.escape, html.unescape),
)
_MIN_SECRET = 8  # shorter values could occur by chance
_MIN_PERSONAL = 6
PLACEHOLDERS = re.compile(r"<redacted:[^<>]*>")
# Words of the API: somebody whose comment was "Completed" must not change what a state is called.
_VOCABULARY = api.VOCABULARY | {"localhost"}


def spellings(value: str) -> int:
    """Return in how many of the encodings a value has to be looked for: letters and digits are alike in all."""
    return 1 if value.isascii() and value.isalnum() else len(ENCODINGS)


class Replacing(Protocol):
    """What stands for a value: for a `TextRedactor`, which knows where values stand."""

    log: list[str]

    def secret(self, value: str, name: str, *, unique: bool) -> str:
        """Return what stands for a secret."""

    def person(self, value: str) -> str:
        """Return what stands for a personal value."""

    def replaced(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Return a text with what is known in it replaced, and the names of what was found."""


class Known:
    """Secrets and personal values that were found, each with what stands for it."""

    def __init__(self, rules: Rules, stand_ins: StandIns) -> None:
        self.stand_ins = stand_ins
        self._rules = rules
        self._secrets: dict[str, str] = {}
        self._personal = Lexicon()
        for made in sorted(stand_ins.settled):
            if len(made) >= _MIN_PERSONAL:
                self._personal.add(made, made)
        # What is looked for, in the order in which it was found.
        self.log: list[str] = []

    def take_over(self, other: "Known") -> None:
        """Look for all that another one has found."""
        self._secrets = dict(other._secrets)  # noqa: SLF001 (its own class)
        for value, instead in other._personal.entries.items():  # noqa: SLF001 (its own class)
            self._personal.add(value, instead)
            self.log.append(value)

    def secret(self, value: str, name: str, *, unique: bool) -> str:
        """Return the placeholder of a secret; where it is `unique` enough it is looked for from now on."""
        if PLACEHOLDER in value:
            return value if value.startswith(PLACEHOLDER) else PLACEHOLDERS.sub(f"<redacted:{name}>", value)
        placeholder = f"<redacted:{name}>"
        if unique and len(value) >= _MIN_SECRET and value not in self._secrets and "redacted" not in value:
            self._secrets[value] = placeholder
            # A secret that begins with another is looked for first.
            self._secrets = dict(sorted(self._secrets.items(), key=lambda item: -len(item[0])))
            self.log.append(value)
        return placeholder

    def person(self, value: str) -> str:
        """Return the stand-in of a personal value; one that is long enough is looked for from now on."""
        if value.startswith(PLACEHOLDER):
            return value
        instead = self.stand_ins.of(value)
        if instead != value and value not in self._personal.entries and self._is_unique(value):
            for encode, _ in ENCODINGS[: spellings(value)]:
                self._personal.add(encode(value), encode(instead))
            self.log.append(value)
        return instead

    def adopt(self, value: str, made: str) -> None:
        """Let a stand-in that somebody else made stand for a personal value from now on."""
        self.stand_ins.adopt(value, made)
        if self._is_unique(value):
            for encode, _ in ENCODINGS:
                self._personal.add(encode(value), encode(made))
        self.log.append(value)

    def known_in(self, text: str) -> str:
        """Return a text without the secrets and the personal values that were found."""
        for secret, placeholder in self._secrets.items():
            text = text.replace(secret, placeholder)
        return self._personal.replaced(text)

    def replaced(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Return a text without what is known and without what has a known shape; and the names of what was found."""
        found = [
            f"known secret {name[len(PLACEHOLDER) : -1]}" for secret, name in self._secrets.items() if secret in text
        ]
        for secret, placeholder in self._secrets.items():
            text = text.replace(secret, placeholder)
        text = self._rules.secret_shapes_of(text).sub(lambda match: self._shape(match, found), text)
        return spliced(text, self._spans(text, found)), tuple(found)

    @staticmethod
    def _shape(match: re.Match[str], found: list[str]) -> str:
        name = (match.lastgroup or "").replace("_", "-")
        if PLACEHOLDER in match[0] or match[0].startswith("redacted:"):
            return match[0]
        found.append(f"secret of the shape {name}")
        return f"<redacted:{name}>"

    def _spans(self, text: str, found: list[str]) -> Iterator[Span]:
        """Yield the personal parts of a text, the longest first of those that begin together."""
        spans = [(*span, "known personal value") for span in self._personal.spans(text)]
        if shapes := self._rules.personal_shapes:
            for match in shapes.finditer(text):
                name = (match.lastgroup or "").replace("_", "-")
                if name == "card" and not sensitive.luhn(match[0]):
                    continue
                if name == "e-mail" and sensitive.RESERVED_DOMAIN.search(match[0].rpartition("@")[2]):
                    continue
                if self.stand_ins.has_made(match[0]):
                    continue
                spans.append((*match.span(), self.stand_ins.of(match[0]), f"personal value of the shape {name}"))
        end = 0
        for start, stop, instead, rule in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start >= end:
                end = stop
                if instead != text[start:stop]:
                    found.append(rule)
                    yield start, stop, instead

    @staticmethod
    def _is_unique(value: str) -> bool:
        return len(value) >= _MIN_PERSONAL and value not in _VOCABULARY
