"""The journal: what goes in comes out; what was torn or damaged is reported, and the rest is kept."""

import pytest

from gws_replay.core.model import Exchange, Headers, Recording, Request, Response, WebSocketMessage
from gws_replay.errors import CassetteError
from gws_replay.formats import journal_lines as journal
from gws_replay.formats import journal_reader

REQUEST = Request(method="POST", uri="http://h/x?y=ü", headers=Headers((("A", "b"), ("a", "c"))), body=b'{"a": 1.50}')
RESPONSE = Response(status=200, reason="OK", headers=Headers((("B", "d"),)), body=b"\xff\x00")
FRAME = WebSocketMessage(uri="ws://h/n", seen=3.5, from_client=False, content='[{"channel":"/x"}]')
LINES = [
    journal.header_line({"recorder": "me"}),
    journal.request_line("1", 1.0, REQUEST),
    journal.request_line("2", 1.5, REQUEST),
    journal.response_line("1", 2.0, RESPONSE),
    journal.message_line(FRAME),
    journal.error_line("2", 4.0, "gone"),
]
LOST = Exchange.without_response(REQUEST, 1.5, 4.0, "broken")
EXCHANGE = Exchange(request=REQUEST, response=RESPONSE, began=1.0, ended=2.0)


def test_a_journal_gives_the_recording_back() -> None:
    """Exchanges, frames and unanswered requests, to the byte."""
    read = journal_reader.read(LINES, "j")
    assert {"recorder": "me"} == read.header
    assert Recording(exchanges=(EXCHANGE,), messages=(FRAME,), unanswered=(LOST,)) == read.recording
    assert (0, ()) == (read.cut, read.damaged)


def test_a_line_torn_anywhere_costs_only_itself() -> None:
    """The last line is cut at each of its bytes."""
    last = LINES[4]
    for cut in range(1, len(last)):
        read = journal_reader.read([*LINES[:4], last[:cut]], "j")
        assert ((EXCHANGE,), (), cut, ()) == (read.recording.exchanges, read.recording.messages, read.cut, read.damaged)


def test_a_damaged_line_is_numbered_and_the_rest_is_kept() -> None:
    """One flipped bit in the middle."""
    for place in range(0, len(LINES[4]) - 1, 7):
        broken = bytearray(LINES[4])
        broken[place] ^= 1
        read = journal_reader.read([*LINES[:4], bytes(broken), LINES[5]], "j")
        assert (5,) == read.damaged or b"\n" in broken[:-1]
        assert (EXCHANGE,) == read.recording.exchanges


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        ([], 5, "is empty"),
        ([b"hello\n"], 4, "is not a journal"),
        (LINES[1:], 4, "is not a journal"),
        ([LINES[0][:20]], 5, "is empty"),
        ([b"00000000 {}\n"], 4, "is not a journal"),
    ],
)
def test_what_is_no_journal_is_refused(lines: list[bytes], code: int, message: str) -> None:
    """With its own exit code."""
    with pytest.raises(CassetteError, match=message) as caught:
        journal_reader.read(lines, "j")
    assert code == caught.value.exit_code


def test_the_stand_ins_of_a_journal_come_into_the_header() -> None:
    """In their order, from whichever lines; a journal without any has none in its header."""
    lines = [LINES[0], journal.stand_ins_line(["b", "a"]), *LINES[1:3], journal.stand_ins_line(["c"]), LINES[3]]
    assert {"recorder": "me", "stand_ins": ["b", "a", "c"]} == journal_reader.read(lines, "j").header
    assert (EXCHANGE,) == journal_reader.read(lines, "j").recording.exchanges


def test_ids_of_requests_with_a_response() -> None:
    """In the order of the exchanges; the others apart."""
    more = [journal.request_line("3", 5.0, REQUEST), journal.response_line("3", 6.0, RESPONSE)]
    read = journal_reader.read([*LINES, *more, LINES[-1][:9]], "j")
    assert (("1", "3"), ("2",)) == (read.answered, read.unanswered)
