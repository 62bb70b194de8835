"""Text for a terminal: coloured, fitted to its width, and the same text anywhere else."""

import re
from pathlib import Path

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.core.json_compare import Change
from gws_replay.reports.terminal import cassette as text
from gws_replay.reports.terminal import findings as differences
from gws_replay.reports.terminal.style import PLAIN, Look
from tests.support.builders import cassette, exchange, get, operation, push, update
from tests.support.commands import command_line, saved, small

LONG = "x" * 300
WIDTHS = (60, 80, 200)
ESCAPE = re.compile(r"\x1b\[\d+m")


def run(value: object, **more: object) -> Cassette:
    """Long values, keys, ids and paths, updates that pass, fail, and cannot be proved."""
    before = {"A": f"{LONG}1{LONG}", "B": 1, "a key of some length " * 4: 1}
    wrong = {**before, "A": value, "C": [1, {"deep": LONG}], **more}
    return cassette(
        get(before, began=0.0),
        update({"A": value}, began=1.0),
        push(wrong, seen=2.0, reference=1234567),
        exchange("DELETE", "/api/v2/me/" + "a/long/path/" * 9, None, {"statusCode": 5}, began=3.0),
        operation("UpdateUserData", began=4.0, session="0002DaAVKJ0V0095" * 3, userData={"A": 1}),
        push(None, seen=5.0, kind="StatusChange"),
    )


def lines(look: Look) -> list[str]:
    """Every kind of line that has a table."""
    one, other = run(f"{LONG}2{LONG}"), run(f"{LONG}3{LONG}", D=1)
    verdicts = [line for each in one.updates() for line in text.verdict(each, "x.yaml", details=True, look=look)]
    return [*text.timeline(one, look=look), *verdicts, *differences.lines(diff(one, other), look=look)]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """With and without colour, which takes no room; in 200 columns nothing is cut that fits."""
    plain, coloured = lines(Look(width=width)), lines(Look(width=width, colour=True))
    assert [] == [line for line in plain if len(line) > width]
    assert plain == [ESCAPE.sub("", line) for line in coloured]
    assert any("\x1b[31m" in line for line in coloured)


@pytest.mark.parametrize("width", WIDTHS)
def test_long_values_are_cut_around_their_difference(width: int) -> None:
    """Values of 601 characters are cut around the one that differs."""
    change = Change(("A",), "changed", f"{LONG}1{LONG}", f"{LONG}2{LONG}")
    line = Look(width=width).change(change, 20)
    before, _, after = line.removeprefix(f"{'':>20}A: ").partition(" -> ")
    assert ("1", "2") == (before.strip('.x"'), after.strip('.x"'))
    assert width - 20 < len(line) <= width


def test_short_value_leaves_room_for_a_long_one() -> None:
    """And what fits is whole."""
    line = Look(width=80).change(Change(("A",), "type", 1, LONG), 0)
    assert 78 <= len(line) <= 80
    assert '  A: "x" -> "y"' == Look(width=60).change(Change(("A",), "changed", "x", "y"), 2)


def test_long_sentence_continues_on_the_next_line() -> None:
    """At words, indented, with every word."""
    message = "no notification shows its effect and no GET follows it: record until one of them has come"
    found = list(Look(width=50).sentence(message, 4, "*** "))
    assert message == " ".join(line[4:] for line in found)
    assert ["*** ", "    "] == [line[:4] for line in found[:2]]


def test_lines_are_whole_outside_of_a_terminal() -> None:
    """What a pipe gets has no width."""
    assert any(len(line) > 200 for line in lines(PLAIN))
    assert not [line for line in lines(PLAIN) if ESCAPE.search(line)]


def test_only_a_terminal_has_colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one where people want none, not a dumb one, not a file, not a pipe."""
    path = saved(small(), tmp_path / "x.yaml")
    terminal = {"NO_COLOR": "", "TERM": "xterm"}
    for command in (["show", path], ["verify", path], ["diff", path, path]):
        coloured = command_line(*command, environment=terminal).out
        assert ("\x1b" in coloured) == (command[0] != "diff")
        plain = command_line(*command).out
        assert plain == ESCAPE.sub("", coloured)
        assert plain == command_line(*command, environment={**terminal, "TERM": "dumb"}).out
    command_line("verify", "--output", path.parent / "out", path, environment=terminal)
    assert "\x1b" not in (path.parent / "out").read_text("utf-8")
    monkeypatch.setattr("tests.support.commands._Terminal.isatty", lambda _: False)
    assert "\x1b" not in command_line("show", path, environment={**terminal, "COLUMNS": "20"}).out
