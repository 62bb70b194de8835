"""No body delays other clients, and no body that is too long to match is parsed."""

import base64
import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from gws_replay.core import lossless_json
from gws_replay.core.cassette import Cassette
from gws_replay.core.redaction.redactor import Redactor
from gws_replay.server.server import ServedRun, serving
from tests.support.builders import cassette, exchange
from tests.support.raw_sockets import connected

CALM = 60
PATH = "/api/v2/me/chats/C1"
MILLIONS = 3_000_000


def recorded() -> Cassette:
    """A short update, and a GET; redacted, so that live values have to be found."""
    sent = {"operationName": "UpdateUserData", "userData": {"LastName": "Wexford", "Note": "n"}}
    built = cassette(exchange("GET", "/api/v2/me", None, {}), exchange("POST", PATH, sent, {"statusCode": 0}, began=1))
    return Cassette(interactions=built.interactions, header={"redaction": "all", "stand_ins": ["Wexford"]})


def update(note: object) -> bytes:
    """An update that was not recorded."""
    return json.dumps({"operationName": "UpdateUserData", "userData": {"Note": note}}).encode()


BODIES = {
    "digits": b"0" * MILLIONS,
    "words": update("word " * (MILLIONS // 5)),
    "base64": update(base64.b64encode(bytes(range(256)) * (MILLIONS // 350)).decode()),
    "keys": update({f"key{number}": number for number in range(150_000)}),
    "form": b"&".join(b"a%d=1" % number for number in range(300_000)),
    "floats": b'[{"channel":"/x","data":[' + b"1.5," * 400_000 + b"1]}]",
}


@contextmanager
def looking(url: str) -> Iterator[list[float]]:
    """Send small requests all the time, and keep the duration of each."""
    took: list[float] = []
    ended = threading.Event()

    def look() -> None:
        with requests.Session() as session:
            while not ended.is_set():
                began = time.monotonic()
                session.get(f"{url}/api/v2/me", timeout=CALM)
                took.append(time.monotonic() - began)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield took
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", sorted(set(BODIES) - {"floats"}))
def test_a_body_too_long_to_match_is_neither_parsed_nor_redacted(
    name: str, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That would take from five seconds to minutes, and delay all other clients."""
    lengths = [0]
    parse, redact = lossless_json.loads_or_none, Redactor.body

    def parsed(text: str | bytes) -> Any:
        lengths.append(len(text))
        return parse(text)

    def redacted(self: Redactor, body: bytes, *arguments: Any, **options: Any) -> Any:
        lengths.append(len(body))
        return redact(self, body, *arguments, **options)

    monkeypatch.setattr(lossless_json, "loads_or_none", parsed)
    monkeypatch.setattr(Redactor, "body", redacted)
    body = gzip.compress(BODIES[name], 1) if packed else BODIES[name]
    headers = {"Content-Encoding": "gzip"} if packed else {}
    with serving(ServedRun(recorded())) as server:
        assert 501 == requests.post(server.url + PATH, data=body, headers=headers, timeout=CALM).status_code
    assert max(lengths) <= 2**15


def test_other_clients_go_on_while_a_long_batch_is_parsed() -> None:
    """It is parsed in a thread."""
    with serving(ServedRun(recorded())) as server, looking(server.url) as took:
        requests.post(server.url + PATH, data="x", headers={"Origin": "http://x"}, timeout=CALM)  # loads aiohttp
        before = len(took)
        assert 200 == requests.post(server.url + PATH, data=BODIES["floats"], timeout=CALM).status_code
        while len(took) == before:
            requests.get(f"{server.url}/api/v2/me", timeout=CALM)


def test_a_miss_of_a_long_body_says_how_long_it_is() -> None:
    """It is neither parsed nor shown."""
    run = ServedRun(recorded())
    with serving(run) as server:
        response = requests.post(server.url + PATH, data=BODIES["words"], timeout=CALM).json()
    assert ["body: sent 3,000,061 bytes, recorded 32,768 bytes at the most can match"] == [
        line.strip() for line in response["statusMessage"].splitlines()[2:]
    ]
    assert "word" not in str(response)


def test_a_body_four_times_as_long_as_recorded_is_compared() -> None:
    """The same value may be spelled longer."""
    sent = {"operationName": "Note", "text": "n" * 100_000}
    run = ServedRun(cassette(exchange("POST", PATH, sent, {"statusCode": 0})))
    with serving(run) as server:
        spelled = json.dumps(sent, indent=2).encode() + b" " * 300_000
        assert 200 == requests.post(server.url + PATH, data=spelled, timeout=CALM).status_code
    assert "" == run.problems()


def test_compressed_body_is_refused_by_its_decoded_length() -> None:
    """200 MB in 200 KB."""
    run = ServedRun(recorded())
    with serving(run) as server:
        bomb = gzip.compress(bytes(200_000_000), 1)
        response = requests.post(server.url + PATH, data=bomb, headers={"Content-Encoding": "gzip"}, timeout=CALM)
    assert (413, "The body is longer than 16777216 bytes.") == (response.status_code, response.json()["statusMessage"])
    assert "" == run.problems(allow_unplayed=True)


def test_fifty_clients_that_do_not_read_delay_no_other() -> None:
    """Each requests more than a connection buffers, and reads none of it."""
    large = exchange("GET", "/large", None, {"text": "x" * 2_000_000})
    run = ServedRun(cassette(large, exchange("GET", "/api/v2/me", None, {}, began=1)))
    with serving(run) as server:
        idle = [connected(server.url, receive_buffer=4096) for _ in range(50)]
        for each in idle:
            each.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # By then all have been served as far as their connections hold.
        requests.get(f"{server.url}/api/v2/me", timeout=CALM)
        with looking(server.url) as took:
            while len(took) < 20:
                requests.get(f"{server.url}/api/v2/me", timeout=CALM)
        for each in idle:
            each.close()


@pytest.mark.parametrize("special", [{}, {"Origin": "http://desktop.example"}], ids=["fast", "aiohttp"])
@pytest.mark.parametrize(("length", "taken"), [(60_000, True), (70_000, False)])
def test_header_fields_may_have_64_kilobytes(length: int, special: dict[str, str], *, taken: bool) -> None:
    """A token of a single sign-on is long; more is refused."""
    run = ServedRun(recorded())
    with serving(run) as server:
        headers = {"Authorization": "Bearer " + "x" * length, **special}
        response = requests.get(f"{server.url}/api/v2/me", headers=headers, timeout=CALM)
    assert taken == (response.status_code == 200)
