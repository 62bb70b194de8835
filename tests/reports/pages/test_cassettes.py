"""The page of cassettes, read as a browser reads it: what its data say, and that they are data."""

import re

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.diff import diff
from gws_replay.core.model import Exchange
from gws_replay.reports.cases import Issue
from gws_replay.reports.format import Part
from gws_replay.reports.pages.cassettes import page, part_of, part_of_issue, part_of_pair
from tests.reports.pages.pages import Parsed, block_of
from tests.reports.pages.test_session import EVIL, evil
from tests.support.builders import CAPTURES, cassette, get, operation, push, update
from tests.support.commands import captured


def written(*parts: Part, first: str = "") -> str:
    """The whole page."""
    return "".join(page(parts, "the sum", first=first))


def shown(played: Cassette) -> Part:
    return part_of(played, played.updates())


def test_recorded_text_is_never_markup() -> None:
    """Data blocks hold no `<` at all, one script runs, and there is no control character in the file."""
    (hostile,) = evil().cassettes
    content = written(
        shown(hostile), part_of_pair(hostile.source, hostile, cassette(), diff(hostile, cassette())), first="Findings"
    )
    parsed = Parsed(content)
    scripts = [attributes.get("type") for name, attributes in parsed.elements if name == "script"]
    assert ["application/json"] * 3 + [None] == scripts
    assert not [name for name, _ in parsed.elements if name == "img"]
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    blocks = re.findall(r'json" id="\w+">(.*?)</script>', content, re.DOTALL)
    assert not [block for block in blocks if "<" in block]
    assert EVIL in " ".join(block_of(content)["texts"])


@pytest.mark.parametrize("text", ["\x1b[31m", "\x00", "\u202e"])
def test_control_characters_are_escaped(text: str) -> None:
    """In keys, values and names."""
    played = cassette(get({text: text}, began=0.0), update({text: 1}, began=1.0)).named(text)
    block = block_of(written(shown(played), first="Verdicts"))
    assert all(each.isprintable() for each in block["texts"])
    assert block["recordings"][0]["name"].isprintable()


def test_policy_allows_nothing_from_outside() -> None:
    """Nothing by default, and no address."""
    content = written(shown(cassette()))
    parsed = Parsed(content)
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'"} < set(parsed.policy.split("; "))
    assert not re.search(r"https?:(?!//www\.w3\.org/2000/svg)|url\(|@import|fetch|XMLHttp|innerHTML", content)


def test_events_are_in_time_order_with_their_causes() -> None:
    """A notification names its cause by place in that order, and how it was found."""
    played = cassette(
        get({"A": 1}, began=0.0),
        update({"A": 2}, began=1.0, ended=3.0),
        push({"A": 2}, seen=2.0),
        push(None, seen=4.0, kind="StatusChange", session="S2"),
    )
    block = block_of(written(shown(played)))
    recording = block["recordings"][0]
    events = recording["events"]
    assert [0, 1, 0, 1] == [each["n"] for each in events]
    assert (1, "content", "request") == (events[2]["cause"], events[2]["rule"], events[2]["after"])
    assert "cause" not in events[3]
    assert ["S1", "S2"] == [block["texts"][each["name"]] for each in recording["resources"]]
    assert [[0], [0], [0], [1]] == [each["on"] for each in events]


def test_lane_is_used_again_after_the_last_event_of_its_resource() -> None:
    """Two that overlap have two lanes; a third takes the first that is free."""
    played = cassette(*(get({}, began=at, session=name) for at, name in enumerate(["S1", "S2", "S1", "S2", "S3"])))
    resources = block_of(written(shown(played)))["recordings"][0]["resources"]
    assert [0, 1, 0] == [each["lane"] for each in resources]


@pytest.mark.parametrize("name", CAPTURES)
def test_exactly_the_changed_keys_are_marked(name: str) -> None:
    """Each operation shows the verdict, reasons and changes of Cassette.updates(), and the whole userData around it."""
    played = captured(name).cassette
    content = written(shown(played))
    block = block_of(content)
    texts, recording = block["texts"], block["recordings"][0]
    events = {each["n"]: each for each in recording["events"] if each["kind"] == "exchange"}
    for one in played.updates():
        event = events[one.interaction]
        assert one.verdict == event["verdict"]
        assert len(one.reasons) == len(event["reasons"])
        assert one.changes.keys == {texts[key] for key, *_ in event["proof"]["changes"]}
        for side in ("before", "after"):
            snapshot = getattr(one, side)
            numbers = recording["shown"][event["proof"][side]] if snapshot else []
            assert (list(snapshot.data) if snapshot else []) == [texts[number] for number in numbers[::2]]


@pytest.mark.parametrize(
    ("sent", "besides"),
    [
        (update({"A": 2}, began=1.0), ["B", "C"]),
        (operation("AddComment", began=1.0, comment="x"), ["A", "B", "C"]),
        (operation("SetDisposition", began=1.0, disposition="x"), []),
    ],
    ids=["update", "writes nothing", "writes some key"],
)
def test_keys_that_an_operation_does_not_write_are_noted(sent: Exchange, besides: list[str]) -> None:
    """Whoever changed them, they are kept apart from its own; which key a disposition has only the server knows."""
    played = cassette(get({"A": 1, "B": 1}, began=0.0), sent, push({"A": 2, "C": 1}, seen=2.0, comment="x"))
    block = block_of(written(shown(played)))
    (event,) = (each for each in block["recordings"][0]["events"] if "verdict" in each)
    assert besides == [block["texts"][key] for key in event["besides"]]


def test_failures_come_first() -> None:
    """Then what cannot be proved, of all cassettes."""
    good = cassette(get({"A": 1}, began=0.0), update({"A": 2}, began=1.0), push({"A": 2}, seen=2.0))
    bad = cassette(get({"A": 1}, began=0.0), update({"A": 2}, began=1.0), push({"A": "2"}, seen=2.0))
    unknown = cassette(update({"A": 2}, began=1.0))
    content = written(*map(shown, (good, unknown, bad)), first="Verdicts")
    rows = block_of(content, "index")["rows"]
    assert [("failed", 2), ("unknown", 1), ("passed", 0)] == [(each["level"], each["part"]) for each in rows]
    assert {"✗ 1 failed", "? 1 cannot tell", "✓ 1 passed", "the sum"} < set(Parsed(content).texts)


def test_two_recordings_are_shown_side_by_side() -> None:
    """Each value of a message by its path, userData apart, and only what differs has a severity."""
    one = cassette(get({"A": 1, "B": {"C": [1, 2]}}, began=0.0), operation("Complete", began=1.0))
    other = cassette(get({"A": "1", "B": {"C": [1, 3]}}, began=0.0))
    content = written(part_of_pair("one and other", one, other, diff(one, other)), first="Findings")
    block = block_of(content)
    tables = {table["title"]: table["rows"] for table in block["pairs"][0]["tables"]}
    marked = [
        [block["texts"][n] if isinstance(n, int) else n for n in row] for row in tables["userData · answer"] if row[3]
    ]
    assert [["A", "1", '"1"', "error"], ["B.C[1]", "2", "3", "error"]] == marked
    assert not [row for row in tables["answer"] if row[3]]
    rows = block_of(content, "index")["rows"]
    assert ["type", "value", "removed"] == [each["rule"] for each in rows]
    gone = block["pairs"][rows[2]["pair"]]
    assert (["interaction 1", None], [1, None]) == (gone["places"], gone["at"])
    assert all(row[2] is None and row[3] for table in gone["tables"] for row in table["rows"])


def test_cassette_without_counterpart_is_a_row() -> None:
    """Without a timeline."""
    issue = Issue(level="error", rule="missing", message="the candidate has none", file="a.yaml")
    content = written(part_of_issue(issue), first="Findings")
    index = block_of(content, "index")
    assert [{"name": "a.yaml", "sides": []}] == index["parts"]
    assert ["the candidate has none"] == [row["result"] for row in index["rows"]]


def test_operation_shows_the_evidence_for_its_verdict() -> None:
    """The same as `verify --explain`."""
    played = cassette(get({"A": 1}, began=0.0), update({"A": 2}, began=1.0), push({"A": 2, "B": 3}, seen=2.0))
    block = block_of(written(shown(played), first="Verdicts"))
    texts = block["texts"]
    (event,) = (each for each in block["recordings"][0]["events"] if each.get("evidence"))
    found = [(texts[about], texts[text]) for about, text in event["evidence"]]
    assert found == [(each.about, each.text) for each in played.updates()[0].evidence()]
    assert ("verdict", "changed besides: B: added 3") in found
