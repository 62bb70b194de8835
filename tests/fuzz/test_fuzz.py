"""Damaged files and messages: every reader refuses them in one sentence, and none hangs or gets slow.

A few inputs here; `make fuzz` gives each reader 100,000 (GWS_REPLAY_FUZZ=N). The seeds are in tests/data/fuzz.
"""

import io
import os
import random
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from gws_replay.core import lossless_json
from gws_replay.core.bayeux import over_http as bayeux_http
from gws_replay.core.bayeux import recorded as bayeux_text
from gws_replay.core.bayeux.messages import encoded
from gws_replay.core.bayeux.server import BayeuxServer, Hold
from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import compile_recording
from gws_replay.core.model import Recording, Request
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.request_key import key_of
from gws_replay.errors import CassetteError
from gws_replay.formats import har, journal_reader
from gws_replay.formats.vcr import fast_reader as vcr_layout
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from tests.fuzz.mutations import bounded, bounded_memory, mutated
from tests.support.bayeux_by_hand import numbered_ids

FEW = 120
INPUTS = int(os.environ.get("GWS_REPLAY_FUZZ", FEW))
SEEDS = Path(__file__).parent.parent / "data" / "fuzz"
NUMBERS = (b"0", b"-1", b"1e999", b"-0.0", b"9" * 400, b"1.5", b"NaN", b"Infinity")
JSON = (
    *NUMBERS,
    *(b"[", b"]", b"{", b"}", b":", b",", b'"', b"\\", b"null", b"true", b"{}", b"[]", b'""', b"\n", b"\t", b"\xff"),
    *(b'"\\ud800"', b"\\u0000", b"\\ud83d", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80", b"\x00", b'{"a":1,"a":2}', b"[[[["),
)
YAML = (
    *NUMBERS,
    *b"~ null yes .nan .inf 0o7 0x1F 1:30 2001-12-15 [ ] { } = -".split(),
    *(b"!!%b " % tag for tag in b"binary timestamp int float bool null set omap pairs str seq map merge".split()),
    *(b"!!python/%b " % tag for tag in b"tuple object/new:_io.BytesIO object/apply:builtins.iter".split()),
    *(b"!!python/object/apply:os.system ", b"- ", b"? ", b": ", b"&a ", b"*a", b"<<: *a", b"\r\n", b"\r", b"---\n"),
    *(b"|-\n", b"|\n", b"|2-\n", b">\n", b'"', b"'", b"\t", b" ", b"\n", b"...\n", b"%YAML 1.1", b", ", b" #"),
    *(b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xff", b"\x00", b"\\x41", b"\\ud800"),
)


def seeds(kind: str) -> list[bytes]:
    """The stored inputs of a reader: valid ones, and those that once caused an error."""
    return [path.read_bytes() for path in sorted((SEEDS / kind).iterdir())]


def written(cassette: Cassette) -> Cassette:
    """Write a cassette and read it again with the fast reader, which knows all that gws_replay writes."""
    text = "".join(vcr_yaml.dump_yaml(cassette))
    again = vcr_layout.load(io.BytesIO(text.encode()), cassette.source)
    whole = vcr_yaml.load(text, cassette.source)
    assert again in (None, whole)
    return whole


def usable(cassette: Cassette) -> None:
    """A loaded cassette can be written, read again, judged and replayed."""
    again = written(cassette)
    assert again == written(again)
    assert [(each.request.body, each.response) for each in cassette.interactions] == [
        (each.request.body, replace(each.response, headers=old.response.headers))
        for each, old in zip(again.interactions, cassette.interactions, strict=True)
    ]
    assert cassette.notifications == again.notifications
    cassette.updates()
    CassetteIndex(cassette)


def read_yaml(data: bytes) -> None:
    """The fast reader and the parser agree: on the cassette, or on the refusal."""
    quick = vcr_layout.load(io.BytesIO(data), "f")
    try:
        whole = vcr_yaml.load(data.decode(), "f")
    except (CassetteError, UnicodeDecodeError):
        assert quick is None
        return
    assert quick in (None, whole)
    usable(whole)


def read_json(data: bytes) -> None:
    """A cassette written as JSON."""
    usable(vcr_yaml.load(data.decode(), "f", as_json=True))


def compiled(recording: Recording) -> None:
    """The input becomes a cassette like any other."""
    usable(compile_recording(recording).cassette.named("f"))


def read_journal(data: bytes) -> None:
    """Also one with correct checksums around damaged content."""
    compiled(journal_reader.read(io.BytesIO(data), "f").recording)
    lines = [line.partition(b" ")[2] for line in data.split(b"\n")]
    summed = b"".join(b"%08x %b\n" % (zlib.crc32(line), line) for line in lines)
    compiled(journal_reader.read(io.BytesIO(summed), "f").recording)


def read_har(data: bytes) -> None:
    """A HAR of a browser or proxy."""
    compiled(Recording.of(har.moments(io.BytesIO(data), "f")))


def read_bayeux(data: bytes) -> None:
    """A body for a CometD address is passed to the server; its content is found in a recording."""
    found = bayeux_text.messages_in(data)
    if found is not None:
        bayeux_text.spelled(found).encode()
    for request in (
        Request(method="POST", uri="http://h/api/v2/notifications", body=data),
        Request(method="GET", uri=f"http://h/cometd?jsonp=f&message={data.decode('latin-1')}"),
    ):
        with suppress(ValueError):
            carried = bayeux_http.carried(request)
            if carried is None:
                continue
            server = BayeuxServer(new_id=numbered_ids())
            result = server.receive(carried.messages, 0.0)
            if isinstance(result, Hold):
                result = server.release(result.ticket, 1.0)
            carried.encode(result.messages)[1].decode()
            encoded(result.messages)


def read_lossless(data: bytes) -> None:
    """Valid JSON comes back the same from every form in which it is written."""
    text = data.decode()
    try:
        value = lossless_json.loads(text)
    except ValueError:
        assert lossless_json.loads_or_none(text) is None
        return
    spelled = lossless_json.canonical(value)
    assert spelled == lossless_json.canonical(lossless_json.loads(lossless_json.indented(text)))
    assert spelled == lossless_json.canonical(lossless_json.loads(lossless_json.compact(text)))
    lossless_json.dumps(value)
    lossless_json.dumps_ascii(value).encode()
    members = list(lossless_json.children(text))
    if members:
        assert spelled == lossless_json.canonical(lossless_json.loads(lossless_json.assembled(members)))
    if isinstance(value, dict):
        assert spelled == lossless_json.canonical(lossless_json.loads(lossless_json.merged(text, "{}")))
    key_of(Request(method="POST", uri="http://h/x", body=data))


READERS: dict[str, tuple[Callable[[bytes], None], tuple[bytes, ...]]] = {
    "yaml": (read_yaml, YAML),
    "json": (read_json, JSON),
    "journal": (read_journal, JSON),
    "har": (read_har, JSON),
    "bayeux": (read_bayeux, JSON),
    "lossless": (read_lossless, JSON),
}
KEPT = [(kind, path.name) for kind in READERS for path in sorted((SEEDS / kind).iterdir())]


def fed(kind: str, data: bytes) -> None:
    """Give an input to its reader, which may refuse it."""
    with bounded(data), suppress(CassetteError, UnicodeDecodeError):
        READERS[kind][0](data)


@pytest.mark.parametrize(("kind", "name"), KEPT)
def test_stored_input_is_read_or_refused(kind: str, name: str) -> None:
    """Each input that once caused an error."""
    fed(kind, (SEEDS / kind / name).read_bytes())


@pytest.mark.parametrize("kind", READERS)
def test_damaged_input_is_read_or_refused(kind: str) -> None:
    """No error but CassetteError, no hang, and bounded memory."""
    good, tokens = seeds(kind), READERS[kind][1]

    @settings(
        max_examples=INPUTS,
        deadline=None,
        derandomize=INPUTS == FEW,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=True))
    def any_input(chance: random.Random) -> None:
        data = mutated(chance, good, tokens)
        note(repr(data))
        fed(kind, data)

    with bounded_memory():
        any_input()
