"""What one recording has shown to be secret or personal, and what stands for it: looked for wherever it turns up."""

import base64
import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from gws_replay.core.redaction import own_patterns, shapes
from gws_replay.core.redaction.encoded_text import read
from gws_replay.core.redaction.found import PLACEHOLDER, PLACEHOLDERS, Found, spliced, without_overlaps
from gws_replay.core.redaction.harmless_words import VOCABULARY, is_identifier, is_nobody, is_state, is_status
from gws_replay.core.redaction.policy import Rules
from gws_replay.core.redaction.stand_ins import StandIns
from gws_replay.core.word_index import Lexicon

# How a value may stand in a text, and how it is read there.
ENCODINGS: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
    (str, str),
    (partial(quote, errors="surrogatepass"), unquote),
    (partial(quote_plus, errors="surrogatepass"), unquote_plus),
    (html.escape, html.unescape),
)
_MIN_SECRET = 8  # shorter values could occur by chance
_MIN_PASSWORD = 4
_MIN_PERSONAL = 6
_MIN_PHONE, _SAME_PHONE = 7, 9
# So many secrets are looked for within words, too.
_WITHIN_WORDS = 300
_TELLING = re.compile(r"(?i)sess|token|auth|csrf|xsrf|secret|jwt|sso|key|(?:^|[^a-z])s?id$|sid$|pass|pwd|cred")
_DIGIT_NEXT_TO_LETTER = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_PHONE_LIKE = re.compile(r"[+(]?[\d\s./()\-\u00a0\u00ad\u2000-\u2015\u202f]+")
_LONGEST_PHONE = 40
_NOT_DIGITS = re.compile(r"\D+")


def spellings(value: str) -> int:
    """Return in how many of the encodings a value has to be looked for: letters and digits are alike in all."""
    return 1 if value.isascii() and value.isalnum() else len(ENCODINGS)


class Replacing(Protocol):
    """What stands for a value: for a `TextRedactor`, which knows where values stand."""

    log: list[str]

    def secret(self, value: str, name: str, *, unique: bool) -> str:
        """Return what stands for a secret."""

    def person(self, value: str, *, is_text: bool = False) -> str:
        """Return what stands for a personal value; `is_text` is a text that somebody wrote."""

    def found_in(self, text: str) -> list[Found]:
        """Return what is to be replaced in a text, from left to right; no two overlap."""


class KnownValues:
    """Secrets and personal values that were found, each with what stands for it."""

    def __init__(self, rules: Rules, stand_ins: StandIns) -> None:
        self.stand_ins = stand_ins
        self._rules = rules
        self._secrets: dict[str, str] = {}
        self._within_words: list[str] = []
        self._secret_words = Lexicon()
        self._personal = Lexicon()
        # Telephone numbers by their last digits, as they may be spelled with other spaces.
        self._phones: dict[str, str] = {}
        self._phone_ends: set[str] = set()
        self._numbers = shapes.numbers_that_end_in()
        for stand_in in sorted(stand_ins.settled):
            if len(stand_in) >= _MIN_PERSONAL:
                self._personal.add(stand_in, stand_in)
        # What is looked for, in the order in which it was found.
        self.log: list[str] = []

    def take_over(self, other: "KnownValues") -> None:
        """Look for all that another one has found."""
        for value, instead in other._secrets.items():  # noqa: SLF001 (its own class)
            self._look_for_secret(value, instead)
        self._phones.update(other._phones)  # noqa: SLF001 (its own class)
        self._end_phones_in(other._phone_ends)  # noqa: SLF001 (its own class)
        for value, instead in other._personal.entries.items():  # noqa: SLF001 (its own class)
            self._personal.add(value, instead)
            self.log.append(value)

    def logged(self, start: int) -> list[tuple[str, str]]:
        """Return what was found from this index of the log on: each value, and the placeholder of a secret."""
        return [(value, self._secrets.get(value, "")) for value in self.log[start:]]

    def know(self, logged: Iterable[tuple[str, str]]) -> None:
        """Look for what was found before; the stand-ins of persons are known already."""
        for value, placeholder in logged:
            if placeholder:
                self._look_for_secret(value, placeholder)
            else:
                self._look_for_person(value, self.stand_ins.of(value))

    def secret(self, value: str, name: str, *, unique: bool) -> str:
        """Return the placeholder of a secret; unless the value is a common word, it is looked for from now on."""
        if PLACEHOLDER in value:
            return value if value.startswith(PLACEHOLDER) else PLACEHOLDERS.sub(f"<redacted:{name}>", value)
        placeholder = f"<redacted:{name}>"
        if value not in self._secrets and self._is_looked_for(value, name, unique=unique):
            self._look_for_secret(value, placeholder)
        return placeholder

    def _look_for_secret(self, value: str, placeholder: str) -> None:
        self._secrets[value] = placeholder
        if len(value) >= _MIN_SECRET or not any(map(str.isalnum, value)):  # signs alone are not within words
            self._within_words.append(value)
            del self._within_words[:-_WITHIN_WORDS]
        for spelling in {
            value,
            value.replace(" ", "+"),
            html.escape(value),
            read(value),
            _base64(value),
            _base64(f"{value}\n"),
        }:
            if len(spelling) >= _MIN_PASSWORD:
                self._secret_words.add(spelling, placeholder)
        self.log.append(value)

    def _is_looked_for(self, value: str, name: str, *, unique: bool) -> bool:
        if "redacted" in value or value in VOCABULARY or (is_status(value) and not any(map(str.isdigit, value))):
            return False
        if unique and self._rules.is_password(name):
            return len(value) >= _MIN_PASSWORD
        return len(value) >= _MIN_SECRET and (unique or _looks_random(value) or bool(_TELLING.search(name)))

    def person(self, value: str, *, is_text: bool = False) -> str:
        """Return the stand-in of a personal value; one that is long enough is looked for from now on.

        `is_text` is what somebody wrote: a single word of it may be one of the API as well.
        """
        if value.startswith(PLACEHOLDER):
            return value
        instead = self.stand_ins.of(value)
        if instead != value and value not in self._personal.entries and self._is_unique(value, is_text=is_text):
            self._look_for_person(value, instead)
        return instead

    def _look_for_person(self, value: str, instead: str) -> None:
        if spellings(value) == 1:
            self._personal.add(value, instead)
        else:
            spelled = {encode(value): encode(instead) for encode, _ in ENCODINGS}
            spelled[value.replace(" ", "+")] = instead.replace(" ", "+")
            for spelling, stand_in in spelled.items():
                self._personal.add(spelling, stand_in)
        if instead not in self._personal.entries:
            self._personal.add(instead, instead)  # what stands in it is nobody's
        if len(value) <= 200:
            self._personal.add(_base64(value), _base64(instead))
        if _PHONE_LIKE.fullmatch(value):
            digits = _digits(value)
            if len(digits) >= _MIN_PHONE:
                self._phones[digits[-_SAME_PHONE:]] = _digits(instead)[-_SAME_PHONE:]
                self._end_phones_in({digits[-2:]})
        self.log.append(value)

    def _end_phones_in(self, ends: set[str]) -> None:
        if not ends <= self._phone_ends:
            self._phone_ends |= ends
            self._numbers = shapes.numbers_that_end_in(self._phone_ends)

    def adopt(self, value: str, stand_in: str) -> None:
        """Let a stand-in that somebody else made stand for a personal value from now on."""
        self.stand_ins.adopt(value, stand_in)
        if self._is_unique(value):
            for encode, _ in ENCODINGS:
                self._personal.add(encode(value), encode(stand_in))
        self.log.append(value)

    def replaced_in(self, text: str) -> str:
        """Return a text without the secrets and the personal values that were found."""
        numbers = [*shapes.numbers_in(text, self._numbers)] if self._phones else []
        found = [*self._secrets_in(text), *self._persons_in(text, numbers)]
        return spliced(text, without_overlaps(text, found)) if found else text

    def found_in(self, text: str) -> list[Found]:
        """Return what is known in a text, and what has a known shape, from left to right; no two overlap."""
        found = [*self._secrets_in(text)]
        found += [
            Found(start, stop, f"<redacted:{name}>", f"secret of the shape {name}")
            for start, stop, name in shapes.secrets_in(text)
            if not self.stand_ins.has_given(text[start:stop])
        ]
        for number, (start, stop, pattern) in enumerate(own_patterns.spans_of(self._rules.secret_patterns, text)):
            found.append(Found(start, stop, f"<redacted:pattern{number}>", f"secret of the pattern {pattern}"))
        numbers = [*shapes.numbers_in(text, self._numbers)] if self._phones or self._rules.personal else []
        found += self._persons_in(text, numbers)
        if self._rules.personal:
            found += self._personal_shapes(text, numbers)
        return without_overlaps(text, found) if found else []

    def _secrets_in(self, text: str) -> Iterator[Found]:
        for start, stop, instead in self._secret_words.spans(text):
            yield Found(start, stop, instead, f"known secret {instead[len(PLACEHOLDER) : -1]}")
        for secret in self._within_words:
            at = text.find(secret)
            while at >= 0:
                instead = self._secrets[secret]
                yield Found(at, at + len(secret), instead, f"known secret {instead[len(PLACEHOLDER) : -1]}")
                at = text.find(secret, at + len(secret))

    def _persons_in(self, text: str, numbers: Sequence[tuple[int, int]]) -> Iterator[Found]:
        for start, stop, instead in self._personal.spans(text):
            yield Found(start, stop, instead, "known personal value")
        if self._phones:
            for start, stop in numbers:
                number = text[start:stop]
                digits = self._phones.get(_digits(number)[-_SAME_PHONE:]) if stop - start <= _LONGEST_PHONE else None
                if digits is not None:
                    if number not in self.stand_ins.of_value and number not in self.stand_ins.settled:
                        self.stand_ins.adopt(number, _poured(number, digits))
                    yield Found(start, stop, self.stand_ins.of(number), "known personal value")

    def _personal_shapes(self, text: str, numbers: Sequence[tuple[int, int]]) -> Iterator[Found]:
        own = self._rules.personal_patterns
        found = [*shapes.personal_in(text, numbers, ip_addresses=self._rules.ip_addresses)]
        for start, stop, name in (*found, *(own_patterns.spans_of(own, text) if own else ())):
            value = text[start:stop]
            if not self.stand_ins.has_given(value):
                rule = f"personal value of the shape {name}"
                yield Found(start, stop, self.stand_ins.of(value), rule, has_parts=False)

    @staticmethod
    def _is_unique(value: str, *, is_text: bool = False) -> bool:
        if len(value) < _MIN_PERSONAL or value in VOCABULARY or is_nobody(value) or (is_text and is_identifier(value)):
            return False
        return not (is_text and (is_status(value) or is_state(value)))


def _looks_random(value: str) -> bool:
    """Tell whether a value was made by a machine: letters and digits in turn, or a long number."""
    return len(_DIGIT_NEXT_TO_LETTER.findall(value)) >= 3 or (value.isdecimal() and len(value) >= 9)


def _base64(value: str) -> str:
    return base64.b64encode(value.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def _digits(text: str) -> str:
    return _NOT_DIGITS.sub("", text)


def _poured(number: str, digits: str) -> str:
    """Return a number with other digits at its end, and its spaces and signs where they were."""
    rest = list(digits)
    poured = [rest.pop() if each.isdecimal() and rest else each for each in reversed(number)]
    return "".join(reversed(poured))
