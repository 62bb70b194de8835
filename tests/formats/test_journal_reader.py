"""The journal: what was finished is read back, whatever happened to the rest of the file."""

import io
import json
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gws_replay.core.model import Exchange, Headers, Recording, Request, Response, WebSocketMessage
from gws_replay.errors import CassetteError
from gws_replay.formats import journal_lines as journal
from gws_replay.formats import journal_reader
from gws_replay.formats.journal_reader import Journal
from tests.support.builders import exchange

TEXT = st.text(max_size=6)
HEADERS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(lambda pairs: Headers(tuple(pairs)))
BODY = st.binary(max_size=8) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6).map(str.encode)
TIME = st.floats(0, 2e9)
REQUESTS = st.builds(Request, method=TEXT, uri=TEXT, headers=HEADERS, body=BODY)
RESPONSES = st.builds(Response, status=st.integers(0, 999), reason=TEXT, headers=HEADERS, body=BODY)
EXCHANGES = st.builds(Exchange, request=REQUESTS, response=RESPONSES, began=TIME, ended=TIME)
FRAMES = st.builds(
    WebSocketMessage, uri=TEXT, seen=TIME, from_client=st.booleans(), content=TEXT | st.binary(max_size=8)
)
RECORDINGS = st.builds(
    Recording,
    exchanges=st.lists(EXCHANGES, max_size=3).map(tuple),
    messages=st.lists(FRAMES, max_size=2).map(tuple),
    unanswered=st.lists(
        st.builds(Exchange.without_response, REQUESTS, st.just(0.0), TIME, st.sampled_from(["silence", "broken"])),
        max_size=2,
    ).map(tuple),
)


def lines_of(recording: Recording) -> Iterator[bytes]:
    """A journal of a recording: all requests first, as when they overlap, then the responses."""
    yield journal.header_line({"recorder": "me", "redaction": "secrets"})
    for number, each in enumerate(recording.exchanges):
        yield journal.request_line(f"id{number}", each.began, each.request)
    for number, each in enumerate(recording.unanswered):
        yield journal.request_line(f"lost{number}", each.began, each.request)
    for number, each in enumerate(recording.exchanges):
        yield journal.response_line(f"id{number}", each.ended, each.response)
    for number, each in enumerate(recording.unanswered):
        yield journal.error_line(f"lost{number}", each.ended, "", each.outcome)
    for frame in recording.messages:
        yield journal.message_line(frame)


def read(data: bytes) -> Journal:
    """Read a journal as from a file."""
    return journal_reader.read(io.BytesIO(data), "a.yaml.journal")


@given(RECORDINGS)
@settings(max_examples=120)
def test_a_recording_comes_back_as_it_was(recording: Recording) -> None:
    """Binary bodies, odd text, repeated headers, exact times."""
    found = read(b"".join(lines_of(recording)))
    assert recording == found.recording
    assert (0, (), {"recorder": "me", "redaction": "secrets"}) == (found.cut, found.damaged, found.header)


FULL = Recording(
    exchanges=tuple(
        exchange("POST", f"/{n}", {"n": n, "ä": "\n"}, b"\xff\x00", began=n, request_headers=[("A", "1"), ("a", "2")])
        for n in range(3)
    ),
    messages=(WebSocketMessage(uri="ws://h", seen=9.5, from_client=False, content="[]\u2028"),),
)
LINES = list(lines_of(FULL))
ANSWERS = [n for n, line in enumerate(LINES) if b'"kind":"response"' in line]


def test_each_moment_is_one_line_of_ascii() -> None:
    """So that it can be cut only at a line, and read by any tool."""
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") and line.isascii() for line in LINES)


def test_a_journal_torn_anywhere_in_its_last_line_keeps_the_others() -> None:
    """A kill may come between any two bytes."""
    whole, last = b"".join(LINES[: ANSWERS[-1]]), LINES[ANSWERS[-1]]
    for cut in range(len(last)):
        found = read(whole + last[:cut])
        assert (cut, ()) == (found.cut, found.damaged)
        assert FULL.exchanges[:2] == found.recording.exchanges
        assert (FULL.exchanges[2].request,) == found.recording.unfinished
    assert FULL.exchanges == read(whole + last).recording.exchanges


def test_a_journal_torn_anywhere_keeps_what_was_finished() -> None:
    """Each response whose line is whole is there, and none besides."""
    data = b"".join(LINES)
    ends = {n: len(b"".join(LINES[: n + 1])) for n in ANSWERS}
    for cut in range(len(LINES[0]), len(data), 7):
        finished = sum(end <= cut for end in ends.values())
        assert FULL.exchanges[:finished] == read(data[:cut]).recording.exchanges


def test_a_flipped_byte_is_reported_by_its_line() -> None:
    """The other lines are read; only the exchange of that line is lost."""
    reply = ANSWERS[1]
    line = LINES[reply]
    for position in range(0, len(line) - 1, 3):
        for flip in (0x01, 0x20, 0x80):
            flipped = bytearray(line)
            flipped[position] ^= flip
            if flipped[position] == ord("\n"):
                continue
            found = read(b"".join([*LINES[:reply], bytes(flipped), *LINES[reply + 1 :]]))
            assert ((reply + 1,), 0) == (found.damaged, found.cut)
            assert (FULL.exchanges[0], FULL.exchanges[2]) == found.recording.exchanges


def test_a_line_end_that_is_gone_costs_two_lines_and_no_more() -> None:
    """They are one damaged line then."""
    reply = ANSWERS[0]
    found = read(b"".join([*LINES[:reply], LINES[reply][:-1], *LINES[reply + 1 :]]))
    assert (reply + 1,) == found.damaged
    assert FULL.exchanges[2:] == found.recording.exchanges


@pytest.mark.parametrize("data", [b"\x00" * 100, b"version: 1\n", LINES[1], b"beef {}\n", LINES[0][:9] + b"{}\n"])
def test_what_is_no_journal_is_named(data: bytes) -> None:
    """Another file, or one whose first line tells something else."""
    with pytest.raises(CassetteError, match=r"^a\.yaml\.journal is not a journal") as caught:
        read(data)
    assert (4, False) == (caught.value.exit_code, journal_reader.holds_nothing(data))


@pytest.mark.parametrize("end", range(len(LINES[0])))
def test_a_journal_that_was_only_begun_is_empty(end: int) -> None:
    """Killed in its first line, anywhere."""
    with pytest.raises(CassetteError, match=r"^a\.yaml\.journal is empty: nothing was recorded") as caught:
        read(LINES[0][:end])
    assert (5, True) == (caught.value.exit_code, journal_reader.holds_nothing(LINES[0][:end]))
    assert not journal_reader.holds_nothing(LINES[0] + LINES[1][:1])


def test_a_damaged_first_line_costs_only_itself() -> None:
    """What is known of the recording as a whole is gone; the exchanges are not."""
    found = read(LINES[0].replace(b"me", b"em") + b"".join(LINES[1:]))
    assert ((1,), {}, FULL.exchanges) == (found.damaged, found.header, found.recording.exchanges)


def test_requests_without_an_end_are_not_counted_as_failed() -> None:
    """The recording was interrupted before their answer."""
    lines = [LINES[0], *(journal.request_line(f"{n}", n, FULL.exchanges[n].request) for n in range(3))]
    lines += [journal.error_line("0", 4.0, "reset"), journal.response_line("1", 5.0, FULL.exchanges[1].response)]
    found = read(b"".join(lines))
    assert (FULL.exchanges[2].request,) == found.begun
    assert (FULL.exchanges[2].request,) == found.recording.unfinished
    (failed,) = found.recording.unanswered
    assert (FULL.exchanges[0].request, 4.0, "broken") == (failed.request, failed.ended, failed.outcome)


def test_another_format_is_named() -> None:
    """A newer gws-replay wrote it."""
    text = json.dumps({"kind": "header", "format": 2, "header": {}}).encode()
    with pytest.raises(CassetteError, match="journal format 2 is unknown"):
        read(b"%08x %b\n" % (zlib.crc32(text), text))


def test_response_without_its_request_is_left_out() -> None:
    """The line of the request was damaged."""
    found = read(LINES[0] + LINES[ANSWERS[0]])
    assert ((), ()) == (found.recording.exchanges, found.recording.unanswered)


def test_id_may_be_used_again_after_its_response() -> None:
    """Each response belongs to the request that is open."""
    one, other = FULL.exchanges[:2]
    lines = [LINES[0]]
    for each in (one, other):
        lines += [
            journal.request_line("id", each.began, each.request),
            journal.response_line("id", each.ended, each.response),
        ]
    assert (one, other) == read(b"".join(lines)).recording.exchanges


def test_a_request_that_failed_is_unanswered() -> None:
    """As one is whose response had not come."""
    request = FULL.exchanges[0].request
    open_ = journal.header_line({}) + journal.request_line("a", 0.0, request)
    assert (request,) == read(open_).recording.unfinished
    (failed,) = read(open_ + journal.error_line("a", 1.0, "reset")).recording.unanswered
    assert request == failed.request
