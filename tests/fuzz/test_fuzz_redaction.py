"""Redaction ends for every message: no crash, no hang, no growth.

A few inputs here; `make fuzz` gives 100,000 (GWS_REPLAY_FUZZ=N).
"""

import base64
import gzip
import json
import os
import random
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from gws_replay.core.model import Headers, Request, Response
from gws_replay.core.redaction.policy import Policy
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import edit, yaml_text
from gws_replay.formats.vcr.scrub import Scrub
from gws_replay.settings.redaction import redactor
from tests.fuzz.mutations import bounded, mutated
from tests.support.yaml_styles import generated

INPUTS = int(os.environ.get("GWS_REPLAY_FUZZ", "400"))
SECRET, PERSON = "Sturmflut-88x", "Balduin Ohm"
VALUES = (
    SECRET,
    PERSON,
    "b.ohm@kunde.de",
    "+49 30 777 12345",
    "4539148803436467",
    "x",
    "",
    "Ready",
    "\u0000",
    "ä€\U0001f600",
    "\ud800",
)
KEYS = (
    "password",
    "FirstName",
    "note",
    "name",
    "value",
    "clientId",
    "channel",
    "data",
    "ext",
    "",
    "k\\u0041",
    "a.b[c]",
)
CHARSETS = (
    "utf-8",
    "utf-8-sig",
    "latin-1",
    "cp1252",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "ascii",
    "cp500",
    "x-unknown",
    "utf-7",
)
TYPES = (
    *(
        "application/json",
        "text/html",
        "text/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
    ),
    *("text/plain", "application/octet-stream", "text/event-stream", "application/pgp-encrypted", ""),
)


def value_of(chance: random.Random, depth: int) -> object:
    """Return a random JSON value."""
    kind = chance.randint(0, 7) if depth else 7
    if kind == 0:
        return [value_of(chance, depth - 1) for _ in range(chance.randint(0, 4))]
    if kind <= 2:
        return {chance.choice(KEYS): value_of(chance, depth - 1) for _ in range(chance.randint(0, 4))}
    if kind == 3:
        return chance.choice([0, 1, -1.5, 10**20, True, False, None, 420355501133])
    if kind == 4:
        return json.dumps(value_of(chance, depth - 1))
    return chance.choice(VALUES)


WRAPPERS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: f"cb({text});",
    lambda text: f")]}}'\n{text}",
    lambda text: f"data: {text}\n\ndata: x\n\n",
    lambda text: f"<a b='{text[:9]}'><![CDATA[{text}]]></a>",
    lambda text: f"<html><p>{text}</p><script>x = {text}</script>",
    lambda text: f'--b\r\nContent-Disposition: form-data; name="password"; filename="{PERSON}"\r\n\r\n{text}\r\n--b--',
    lambda text: f"a=1&password={text}&{text}",
    lambda text: base64.b64encode(text.encode("utf-8", "replace")).decode(),
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "replace")),
    lambda text: "".join(f"&#{ord(each)};" for each in text),
    lambda text: "".join(f"\\u{ord(each):04x}" for each in text if ord(each) < 0xFFFF),
    lambda text: text[: len(text) // 2],
    lambda text: text.replace('"', '\\"'),
    lambda text: text * 3,
)


def body_of(chance: random.Random) -> bytes:
    """Return a random body: text in some form, nested forms, some charset, compressed, cut, damaged."""
    text = json.dumps(value_of(chance, 4), ensure_ascii=chance.random() < 0.5)
    for _ in range(chance.randint(0, 3)):
        text = chance.choice(WRAPPERS)(text)[:20_000]
    charset = chance.choice(CHARSETS)
    try:
        body = text.encode(charset)
    except (LookupError, UnicodeError):
        body = text.encode("utf-8", "surrogatepass")
    for _ in range(chance.choice([0, 0, 0, 1, 3])):
        at = chance.randrange(len(body) + 1)
        body = (
            body[:at]
            + chance.choice([b"\xff", b"\x00", b'"', b"\\", b"<", b"{", b"]", b"%", b"&#", b""])
            + body[at + 1 :]
        )
    packers: tuple[Callable[[bytes], bytes], ...] = (bytes, bytes, bytes, gzip.compress, zlib.compress)
    return chance.choice(packers)(body)


def message_of(number: int) -> tuple[Request, Response]:
    """Return a random request and response."""
    chance = random.Random(number)
    kind = f"{chance.choice(TYPES)}; charset={chance.choice(CHARSETS)}"
    fields = Headers((("Content-Type", kind), ("Cookie", f"sid={SECRET}"), ("X-A", chance.choice(VALUES))))
    uri = f"http://h/{chance.choice(VALUES)}/x;p={chance.choice(VALUES)}?q={chance.choice(VALUES)}#{chance.choice(VALUES)}"
    return (
        Request(method="POST", uri=uri, headers=fields, body=body_of(chance)),
        Response(status=200, reason=chance.choice(VALUES), headers=fields, body=body_of(chance)),
    )


@pytest.mark.parametrize("start", range(0, INPUTS, 200))
def test_every_message_is_redacted_in_time(start: int) -> None:
    """One redactor for 200 messages, as in a recording; its result is not much longer."""
    one = Redactor(Policy(), b"key")
    for number in range(start, min(start + 200, INPUTS)):
        request, response = message_of(number)
        with bounded(str(number).encode()):
            sent, answered = one.request(request), one.response(response)
        assert len(sent.body) < 50 * len(request.body) + 10_000, number
        assert len(answered.body) < 50 * len(response.body) + 10_000, number


TOKENS = (
    b"[",
    b"]",
    b"{",
    b"}",
    b": ",
    b"- ",
    b"&a ",
    b"*a",
    b"!!binary ",
    b"|\n",
    b'"',
    b"'",
    b"#",
    b"\r\n",
    b"\t",
    b"...\n",
)


@pytest.mark.parametrize("start", range(0, INPUTS, 200))
def test_damaged_file_is_scrubbed_or_refused(start: int) -> None:
    """The new text can be read and has the header; or an error gives the reason."""
    for number in range(start, min(start + 200, INPUTS)):
        text, ending = generated(number % 500)
        as_json = ending == ".json"
        content = mutated(random.Random(number), [text.encode("utf-8", "surrogatepass")], TOKENS)
        with bounded(content), suppress(CassetteError, UnicodeDecodeError):
            whole = yaml_text.whole_lines(content.decode(), "f", as_json=as_json)
            document = yaml_text.parse(whole, "f", as_json=as_json)
            done = Scrub(document, "f", partial(redactor, Policy(), key="k")).run()
            changed = yaml_text.parse(edit.edited(whole, done, as_json=as_json), "f", as_json=as_json)
            assert not done.changes or {"gws_replay", "gws_replay_redaction"} & changed.keys()
