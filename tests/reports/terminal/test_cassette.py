"""Cassettes and verdicts as text, where the commands' tests do not show it already."""

from dataclasses import replace

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.reports.terminal.cassette import tally, timeline, verdict
from tests.support.builders import cassette, exchange, get, operation, push, update
from tests.support.commands import BEFORE, of_two_users, small


@pytest.mark.parametrize(
    ("header", "line"),
    [
        (
            {"format": 1, "redaction": "secrets", "recorded": "2026", "api": "gws-v2", "other": 1, "server": None},
            "<memory>: api gws-v2, recorded 2026, redaction secrets",
        ),
        ({}, "<memory>:"),
    ],
)
def test_first_line_has_the_facts_of_the_header(header: dict[str, object], line: str) -> None:
    """The facts of the header in one order, and only those that there are."""
    assert line == next(timeline(replace(small(), header=header))).rstrip()


def test_each_line_names_its_user_if_there_are_several() -> None:
    """By name, or by number; the lines of a cassette of one user say nothing."""
    ours = [line for line in timeline(of_two_users()) if " anna" in line or " user 2" in line]
    assert ["anna", "anna", "anna", "user 2", "user 2"] == ["anna" if " anna" in line else "user 2" for line in ours]
    assert not [line for line in timeline(small()) if "user 1" in line]


def test_a_snapshot_in_the_first_message_has_its_line() -> None:
    """Interaction 0 and notification 0 are distinguished, and a second session begins anew."""
    played = cassette(push(BEFORE, seen=0.0), get(BEFORE, began=1.0), get({"Z": 1, "Y": 2}, began=2.0, session="S2"))
    assert ["userData of S1: 2 keys", "userData of S2: 2 keys"] == [
        line.strip() for line in timeline(played) if "userData of" in line
    ]
    assert "userData of S1" in list(timeline(played))[2]


def test_a_binary_body_is_shown_by_its_bytes() -> None:
    """And one of several lines goes on below."""
    played = cassette(exchange("POST", "/x", b"\xff\x00", b'{\n  "a": 1\n}'))
    assert [
        "                sent \\xff\\u0000",
        "                received {",
        '                           "a": 1',
        "                         }",
    ] == list(timeline(played, bodies=True))[2:]


@pytest.mark.parametrize(
    ("judged", "lines"),
    [
        (
            cassette(
                get(BEFORE, began=0.0), operation("DeleteUserData", began=1.0, keys=["B"]), push({"A": 1}, seen=2.0)
            ),
            ["  passed      interaction 1  DeleteUserData S1: exactly B changed"],
        ),
        (
            cassette(get(BEFORE, began=0.0), update({"A": 1}, began=1.0), push(BEFORE, seen=2.0)),
            ["  passed      interaction 1  UpdateUserData S1: nothing changed"],
        ),
        (
            cassette(
                get(BEFORE, began=0.0), update({"A": 2, "B": "c"}, began=1.0), push({"A": "2", "B": "b"}, seen=2.0)
            ),
            [
                "  FAILED      interaction 1  UpdateUserData S1",
                '              A: sent 2 (integer), the notification shows "2" (string)',
                '              B: sent "c" (string), the notification shows "b" (string)',
                "              before: interaction 0, after: notification 0",
                "              more: gws-replay show x.yaml",
            ],
        ),
        (
            cassette(update({"A": 2}, began=1.0)),
            [
                "  cannot tell interaction 0  UpdateUserData S1",
                (
                    f"{'':14}no notification shows its effect and no GET follows it: "
                    "subscribe to /v2/me/facebooksession, or GET it"
                ),
            ],
        ),
    ],
    ids=["deleted", "no change", "failed", "unknown"],
)
def test_verdict_says_what_changed_and_why_it_failed(judged: Cassette, lines: list[str]) -> None:
    """What changed, or each reason, where, and the next command."""
    assert lines == list(verdict(judged.updates()[0], "x.yaml"))


@pytest.mark.parametrize(
    ("count", "cassettes", "line"),
    [
        (0, 0, "0 userData operations in 0 cassettes: 0 passed, 0 failed, 0 cannot tell"),
        (1, 1, "1 userData operation in 1 cassette: 1 passed, 0 failed, 0 cannot tell"),
        (2, 3, "2 userData operations in 3 cassettes: 2 passed, 0 failed, 0 cannot tell"),
    ],
)
def test_tally_counts_verdicts(count: int, cassettes: int, line: str) -> None:
    """Singular and plural."""
    assert line == tally({"passed": count}, cassettes)


def test_a_guessed_cause_asks_to_be_pinned_and_several_operations_are_all_named() -> None:
    """What only the order of requests speaks for is not shown as if it were known."""
    sent = [operation("SendMessage", began=at, text="x") for at in (0, 1, 2)]
    guessed = push(None, seen=3, kind="NewMessages")
    updates = [update({key: 1}, began=at, ended=at + 0.05) for key, at in (("A", 5), ("B", 5.06))]
    lines = "\n".join(timeline(cassette(*sent, guessed, *updates, push({"A": 1, "B": 1}, seen=5.5))))
    assert "answers 2, guessed: pin it (order, after the response)" in lines
    assert "answers 3 and 4 (content, after the response)" in lines
