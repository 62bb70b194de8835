"""Secrets and personal data that are found by their shape, in any text, in a time that grows with its length.

A regular expression that is tried at each character of a long text costs too much, so each shape is looked for where
it must have something: an `@`, an `=`, a run of 20 letters and digits, seven digits that belong together.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from gws_replay.core.redaction.base64_text import Decoded, decoded

Shape = tuple[int, int, str]

# Characters of tokens; what else stands between digits of a telephone or card number.
_BREAKS = "\t\u00a0\u00ad"
SHORTEST_RUN, _SHORTEST_RANDOM = 20, 32
_TOKEN_CLASSES = bytes(
    ord("x") if chr(code).isascii() and (chr(code).isalnum() or chr(code) in "_+/=-") else code for code in range(256)
)
_NUMBER_CLASSES = bytes(
    code
    if 0x30 <= code <= 0x39
    else ord(" ")
    if chr(code) in " ./-()" + _BREAKS
    else ord("+")
    if chr(code) == "+"
    else ord("a")
    if chr(code).isalnum() or chr(code) in "_?"
    else ord(";")
    for code in range(256)
)
_RARE_BREAKS = re.compile("[\u2000-\u2015\u2060\u202f\u205f\u3000\ufeff]")
_SHORTEST_NUMBER = 7  # digits
# Characters, without a plus, of the numbers that a telephone and a card can have.
_SHORTEST_PHONE, _SHORTEST_CARD = 12, 14
_RUN_END = re.compile(rb"x+")
_NUMBER = r"[0-9]*+(?: {1,3}[0-9]++)*+(?!a)"  # after its first digit
_WITH_PLUS = re.compile(rf"\+[0-9](?=[0-9 ]{{6}}){_NUMBER}".encode())
_FIRST = "[0-9](?<=[ ;].)(?=[0-9 ]{6})"
_BEGUN = re.compile(rb"(?<=[ ;+])[0-9]+(?: {1,3}[0-9]+)* {1,3}\Z")
_MOST_ENDS = 40
_SURELY_LONG = 4 * _SHORTEST_NUMBER  # no more than three breaks stand between two digits

# Tokens of services: what they begin with says whose they are.
_SERVICE_TOKEN = re.compile(
    r"(?<!\w)(?:gh[pousr]_\w{36,}|github_pat_\w{22,}|xox[abeoprs]-[\w-]{10,}|GR1348941[\w-]{20,}"
    r"|gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent)-[\w-]{20,}|npm_\w{36}|pypi-[\w-]{60,}|SG\.[\w-]{22}\.[\w-]{43}"
    r"|[rs]k_live_\w{16,}|sk-[\w-]{32,}|sq0[a-z]{3}-[\w-]{22,}|AKC\w{60,}|[0-9a-z]{32}-us\d{1,2}\b"
    r"|(?:AC|SK)[0-9a-f]{32}\b|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}|\d{8,10}:[\w-]{35}(?![\w-]))"
    r"|(?<=hooks\.slack\.com/services/)[\w/]+|(?<=AccountKey=)[\w+/=]{40,}"
)
_AWS_KEY = re.compile(r"(?<!\w)(?:AKIA|ASIA)[0-9A-Z]{16}\b")
_JWT = re.compile(r"eyJ(?<!\weyJ)[\w-]{8,}\.[\w-]{4,}\.[\w-]*")
# How far before the run of characters that gives it away a token can begin.
_BEFORE, _LONGEST_TOKEN = 72, 400
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.IGNORECASE
)
_AUTHORIZATION = re.compile(r"(?:bearer|basic)(?: |%20)([\w.~+/=%-]{8,})")
_USER_INFO = re.compile(r"://([^/\s<>@\"?#]{1,99}:[^/\s<>\"?#]{1,99})@(?!redacted)")
_SESSION = re.compile(r"[=:](?<=[dD][=:])(?i:(?<=jsessionid=)|(?<=jsessionid:))([^\s/?;#&<>\"',]+)")
_NAMES = ("password", "passwort", "passwd", "passphrase", "passcode", "pwd")
# A quick look at the last letter spares most places the comparison with each name.
_LAST = "(?<=[detynDETYN][=:])"
_TOKENS = ("token", "secret", "secret_key", "secretkey", "apikey", "api_key", "api-key", "access_key", "accesskey")
# Each name has one of these in it: one look for each spares most texts the patterns.
_STEMS = ("pass", "pwd", "token", "secret", "apikey", "api_key", "api-key", "access_key", "accesskey")
_ASSIGNED = re.compile(
    rf"={_LAST}(?=[^\s&;<>\"'])(?i:{'|'.join(f'(?<={name}=)' for name in (*_NAMES, *_TOKENS))})([^\s&;<>\"']+)"
)
_GIVEN = re.compile(rf":{_LAST}(?=[^/\"])(?i:{'|'.join(f'(?<={name}:)' for name in _NAMES)})[ \t]?([^\s&;<>\"',]+)")
_QUOTED = re.compile(
    rf"[=:]{_LAST}(?i:{'|'.join(f'(?<={name}[=:])' for name in (*_NAMES, *_TOKENS))})"
    r"[ \t]?[\"']([^\"'\s<>]{1,500})[\"']"
)
_IS = re.compile(r"(?:password|passcode|passwort) (?:is|ist) ([^\s&;<>\"',]+)")
_WORD = re.compile(r"[a-zA-Z]*[.!?]?")
_OF_ONE_KIND = re.compile(r"[a-z]+|[A-Z]+|[0-9]+|[^a-zA-Z0-9]+")
_RANDOM_WORD = re.compile(r"[a-z]{7}|[A-Z]{7}")

_DOMAIN = re.compile(r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,61}[^\W_])(?![\w@])")
_LOCAL = re.compile(r"[\w.+%'-]{1,128}")
_GAP = "[ \t\u00a0\u00ad\u2000-\u2015\u2060\u202f\u205f\u3000\ufeff./()-]"
# Telephone numbers need their plus, brackets, or dashes: digits alone are more often ids and times.
_DASH = "\u2010-\u2015-"
PHONE = re.compile(
    rf"\+[1-9](?:{_GAP}{{0,3}}\d){{6,14}}(?!\w)"
    rf"|\(?[2-9]\d\d\)?[ \u00a0\u202f{_DASH}]\d{{3}}[{_DASH}]\d{{4}}(?![\w.-])"
)
# Card numbers are those of the great networks, and are checked by Luhn's formula (ISO/IEC 7812).
CARD = re.compile(
    r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|3[47]\d\d|3[068]\d\d|35\d\d|6(?:011|[245]\d\d))"
    r"(?:[ \u00a0\u202f-]?\d){10,15}(?![\w.-])"
)
EMAIL = re.compile(r"[\w.+%'-]+" + _DOMAIN.pattern)
_IP_V4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]\w|\w)")
_IP_V6 = re.compile(r"(?<![\w:])[0-9A-Fa-f:]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?<![:.])(?![\w:])")


def luhn(number: str) -> bool:
    """Tell whether the digits of a number have the check digit of a card's."""
    digits = [int(each) for each in reversed(number) if each.isdecimal()]
    return sum(digits[::2] + [sum(divmod(2 * each, 10)) for each in digits[1::2]]) % 10 == 0


def secrets_in(text: str) -> Iterator[Shape]:
    """Yield what has the shape of a secret: where it begins and ends, and the name of the shape."""
    lowered = _lowered(text)
    if "=" in text or ":" in text:
        yield from _assigned(text, lowered)
    if "-----" in text:
        yield from ((*found.span(), "private-key") for found in _PRIVATE_KEY.finditer(text))
    if " " in text or "%20" in text:
        yield from _in_words(text, lowered)
    if "eyJ" in text:
        yield from ((*found.span(), "jwt") for found in _JWT.finditer(text))
    if len(text) >= SHORTEST_RUN:
        yield from _tokens(text)


def _assigned(text: str, lowered: str) -> Iterator[Shape]:
    if "jsessionid" in lowered:
        yield from ((*found.span(1), "jsessionid") for found in _SESSION.finditer(text))
    if "@" in text and "://" in text:
        yield from ((*found.span(1), "userinfo") for found in _USER_INFO.finditer(text))
    names = [name for stem in _STEMS if stem in lowered for name in (*_NAMES, *_TOKENS) if name.startswith(stem)]
    if not any(f"{name}{sign}" in lowered for name in names for sign in "=:"):
        return
    for found in _ASSIGNED.finditer(text):
        is_password = lowered[max(0, found.start() - 10) : found.start()].endswith(_NAMES)
        yield *found.span(1), "password" if is_password else "token"
    if '"' in text or "'" in text:
        yield from ((*found.span(1), "password") for found in _QUOTED.finditer(text))
    for found in _GIVEN.finditer(text) if ":" in text else ():
        if not _is_word(found[1]):
            yield *found.span(1), "password"


def _in_words(text: str, lowered: str) -> Iterator[Shape]:
    if "bearer" in lowered or "basic" in lowered:
        for found in _AUTHORIZATION.finditer(lowered):
            word = text[found.start(1) : found.end(1)]
            if not (word.islower() or word.istitle()) or not _WORD.fullmatch(word):
                yield *found.span(1), "authorization"
    if "password is" in lowered or "passcode is" in lowered or "passwort ist" in lowered:
        for found in _IS.finditer(lowered):
            if not _is_word(text[found.start(1) : found.end(1)]):
                yield *found.span(1), "password"


def _lowered(text: str) -> str:
    """Return a text in small letters, each where it stood."""
    lowered = text.lower()
    if len(lowered) != len(text):  # some capital letters are two small ones
        lowered = "".join(each.lower() if each.isascii() else each for each in text)
    return lowered


def _is_word(word: str) -> bool:
    """Tell whether what follows "password is" goes on with the sentence."""
    return bool(_WORD.fullmatch(word)) and (word.islower() or word.istitle())


def _tokens(text: str) -> Iterator[Shape]:
    """Yield tokens of services, keys, and random text: all have a long run of letters and digits."""
    end = 0
    for start, stop in long_runs(text):
        before = max(end, start - _BEFORE)
        if stop <= end:
            continue
        near = text[before : min(stop, before + _LONGEST_TOKEN) + _BEFORE]
        # What begins after the run belongs to the next one.
        each = (pattern.search(near) for pattern in (_SERVICE_TOKEN, _AWS_KEY))
        found = next((match for match in each if match and before + match.start() < stop), None)
        if found:
            end = max(before + found.end(), stop if found.end() == len(near) else 0)
            yield before + found.start(), end, "aws-key" if found.re is _AWS_KEY else "api-token"
        elif stop - start >= _SHORTEST_RANDOM and is_random(text, start, stop):
            yield start, stop, "random"
        end = max(end, stop)


def long_runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the runs of characters that tokens and base64 have; lines of base64 that follow each other are one."""
    classes = text.encode("latin-1", "replace").translate(_TOKEN_CLASSES)
    at = classes.find(b"x" * SHORTEST_RUN)
    while at >= 0:
        start = at
        whole = _RUN_END.match(classes, at)
        end = whole.end() if whole else start + SHORTEST_RUN
        length = end - at
        if length >= 60 and classes[end : end + 2].lstrip(b"\r")[:1] == b"\n":
            lines = re.compile(rb"(?:x{%d}\r?\n)+(?:x{1,%d}(?!x))?" % (length, length)).match(classes, at)
            end = lines.end() if lines else end
        yield start, end
        at = classes.find(b"x" * SHORTEST_RUN, end)


def is_random(text: str, start: int, stop: int) -> bool:
    """Tell whether a run of characters was typed by nobody: letters of both cases, digits, and no words.

    Ids of GWS are of one case or hexadecimal, so a hexadecimal key can be found by its name only. What is base64 of
    text, or of a file, is not random.
    """
    run = text[start : min(stop, start + 2000)]
    letters = run.replace("/", "").replace("\n", "").replace("\r", "")
    if not (any(map(str.isdigit, run)) and run.lower() != run and run.upper() != run) or "//" in run[:200]:
        return False
    segments = run[:400].split("/")
    if len(segments) > 1 and (
        len(segments) > len(run[:400]) // 8 or any(_is_path_segment(each) for each in segments if each)
    ):
        return False
    changes = len(_OF_ONE_KIND.findall(letters)) - 1
    has_word = len(letters) <= 64 and _RANDOM_WORD.search(letters)
    return changes >= (0.4 if not has_word else 0.55) * len(letters) and decoded(text[start:stop]) is Decoded.NOTHING


def _is_path_segment(segment: str) -> bool:
    return (len(segment) > 2 and (segment.islower() or segment.isdigit())) or bool(re.fullmatch(r"v\d{1,2}", segment))


def personal_in(text: str, numbers: Iterable[tuple[int, int]], *, ip_addresses: bool = False) -> Iterator[Shape]:
    """Yield what has the shape of personal data: e-mail addresses, telephone and card numbers, and IP addresses.

    `numbers` are the places that `numbers_in` finds.
    """
    if "@" in text:
        yield from emails_in(text)
    for start, stop in numbers:
        if stop - start >= _SHORTEST_PHONE or text[start] == "+":
            yield from _number_at(text, start)
    if ip_addresses:
        for found in (*_IP_V4.finditer(text), *(_IP_V6.finditer(text) if ":" in text else ())):
            if is_ip_address(found[0]):
                yield *found.span(), "ip-address"


def is_ip_address(text: str) -> bool:
    """Tell whether a text is an address of the Internet Protocol, version 4 or 6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def emails_in(text: str) -> Iterator[Shape]:
    """Yield the e-mail addresses of a text."""
    end = 0
    for found in _DOMAIN.finditer(text):
        at = found.start()
        local = _LOCAL.match(text[max(end, at - 128) : at][::-1])
        if local:
            start = at - local.end()
            while text[start] == "'" and start < at - 1:
                start += 1
            end = found.end()
            yield start, end, "e-mail"


def numbers_that_end_in(ends: Iterable[str] = ()) -> re.Pattern[bytes]:
    """Return a pattern for numbers that have the length of a telephone or card number, or end in two digits of `ends`.

    All others, which are nearly all that most texts have, it passes over.
    """
    listed = "|".join(sorted(ends))
    if listed.count("|") >= _MOST_ENDS:
        return re.compile(f"{_FIRST}{_NUMBER}".encode())
    known = f"|(?<={listed})|(?<=[^0-9][0-9])" if listed else ""
    is_phone = f"(?=[0-9]{{2}} [0-9 ]{{{_SHORTEST_PHONE - 4}}})"
    is_told = f"(?:(?<=[0-9 ]{{{_SHORTEST_CARD}}}){known})"
    return re.compile(f"{_FIRST}(?:{is_phone}{_NUMBER}|{_NUMBER}{is_told})".encode())


_NUMBERS = numbers_that_end_in()


def numbers_in(text: str, pattern: re.Pattern[bytes] = _NUMBERS) -> Iterator[tuple[int, int]]:
    """Yield where seven digits or more belong together, with a plus or bracket before them if there is one.

    Without a plus, those that a pattern of `numbers_that_end_in` finds.
    """
    if len(text) < _SHORTEST_NUMBER:
        return
    plain = _RARE_BREAKS.sub(" ", text) if not text.isascii() else text
    classes = b";" + plain.encode("latin-1", "replace").translate(_NUMBER_CLASSES)
    for found in (*_WITH_PLUS.finditer(classes), *pattern.finditer(classes)):
        # `classes` has one character more in front.
        first, stop = found.start() + (found.re is _WITH_PLUS), found.end() - 1
        start = first - 2 if first > 1 and text[first - 2] in "+(" else first - 1
        if stop - first < _SURELY_LONG and sum(map(str.isdecimal, text[first - 1 : stop])) < _SHORTEST_NUMBER:
            continue
        if found.re is _WITH_PLUS or not _BEGUN.search(classes[max(0, first - _SURELY_LONG) : first]):
            yield start, stop


def _number_at(text: str, start: int) -> Iterator[Shape]:
    """Yield the telephone number that begins somewhere, or else the card number."""
    before = text[start - 1 : start] if start else ""
    if text[start] == "+":
        if not (before.isalnum() or before in ("_", "+")) and (found := PHONE.match(text, start)):
            yield *found.span(), "phone"
        return
    if before in (".", "-") or before.isalnum():
        return
    if found := PHONE.match(text, start):
        yield *found.span(), "phone"
        return
    start += text[start] == "("
    if (found := CARD.match(text, start)) and luhn(found[0]):
        yield *found.span(), "card"
