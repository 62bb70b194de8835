"""The quick way to read a cassette file gives what the YAML parser gives, or leaves the file to it."""

import io
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Exchange, Headers, Notification, Request, Response, User
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import fast_reader as vcr_layout
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.storage.files import load_cassette
from tests.support.builders import cassette, exchange, push, update

OURS = sorted(Path().glob("cassettes/*.yaml")) + sorted(Path("examples").rglob("*.yaml"))
SESSION = cassette(
    exchange("GET", "/text", None, "{\n  ä\n\n  \u20ac\n}".encode(), began=0),
    update({"A": 1}, began=1),
    exchange(
        "PUT", "/form", b"a=b&c=d", b"it's\n\n  two: lines", began=2, response_headers=[("A", "b"), ("A", "c, d")]
    ),
    exchange("GET", "/logo", None, b"\x89PNG", status=404, began=3),
    push({"A": 1}, seen=2),
    push(None, seen=3, kind="StatusChange"),
)
TEXT = "".join(vcr_yaml.dump_yaml(SESSION))
# What may open, end or change something in YAML.
TOKENS = [
    *("\n", "\n\n", " ", "  ", "\t", "'", '"', "''", "{", "}", "[", "]", ",", ": ", ":", " #", "- ", "? ", "&a ", "*a"),
    *("\n- ", "\n- request:\n", "\nnotifications:\n", "\ngws_replay:", "\n...\n", "\n---\n", "\n# x", "|-", "|+", ">"),
    *("!!binary ", "!!str ", "null", "~", "yes", "0x1", "010", "1.5", "1e3", "12:30:45", "2001-01-01", "<<: ", "="),
    *("\r", "\r\n", "\x85", "\u2028", "\ufeff", "\x00", "\x7f", "é", "    headers: {}\n", "version: 1\n", "|2-", "%"),
]
SCALARS = st.sampled_from(
    [*TOKENS, "a", "a b", "text/plain; charset=UTF-8", "gzip, deflate", "<x>", '"e"', "x: y", "x #y", "off", "10", "/a"]
) | st.lists(st.sampled_from([*TOKENS, "x", "9", "-"]), max_size=3).map("".join)


class Trickle(io.BytesIO):
    """A file that gives a few bytes at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read seven bytes, whatever is requested."""
        return super().read(min(size or 7, 7))


def quick(text: str, opened: Callable[[bytes], io.BytesIO] = io.BytesIO) -> Cassette | None:
    """What the quick way makes of a text."""
    return vcr_layout.load(opened(text.encode()), "c")


def same_either_way(text: str) -> bool:
    """Whether the quick way read a text; it must be as the YAML parser reads it."""
    found = quick(text)
    if found is not None:
        assert vcr_yaml.load(text, "c") == found
    return found is not None


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_our_own_cassettes_are_read_the_quick_way(path: Path) -> None:
    """All of the repository, whatever recorded them."""
    assert vcr_yaml.load(path.read_text("utf-8"), str(path)) == vcr_layout.load(
        io.BytesIO(path.read_bytes()), str(path)
    )


def test_an_item_takes_no_yaml_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the file's header does, and an item with what no literal block can hold."""
    parse, parsed = vcr_yaml.parse, []

    def counting(text: str, source: str, *, as_json: bool) -> object:
        parsed.append(text)
        return parse(text, source, as_json=as_json)

    monkeypatch.setattr(vcr_yaml, "parse", counting)
    assert SESSION.named("c") == quick(TEXT)
    assert [1, 0] == [text.count("http://gws.example/logo") for text in parsed]


def test_an_item_may_come_in_pieces() -> None:
    """Wherever the pieces of a file are cut."""
    assert SESSION.named("c") == quick(TEXT, Trickle)


@given(
    line=SCALARS,
    name=st.sampled_from(["A", "on", "1", "x-y", "null", "<<", "Y"]),
    value=SCALARS,
    body=st.lists(SCALARS, max_size=4).map("\n".join),
    channel=SCALARS,
)
@settings(max_examples=150)
@example(line="http://h/x:", name="yes", value="1.0", body="", channel="/a")
@example(line="http://h/#a", name="A", value="a  b", body="x\n\ny", channel="/a b")
@example(line="http://h/'", name="A", value="'", body="x\n y", channel="/a")
def test_what_is_written_is_read_alike(line: str, name: str, value: str, body: str, channel: str) -> None:
    """Whatever stands in it: the layout may differ, the cassette not."""
    fields = Headers(((name, value), (name, "b")))
    one = Exchange(
        request=Request(method="GET", uri=line or "/", headers=fields, body=body.encode()),
        response=Response(status=200, reason=line, headers=fields, body=body.encode()),
        began=0.0,
        ended=1.5,
    )
    cause = Cause(interaction=0, rule="pin", after="request")
    push = Notification(channel=channel or "/", data='{"a": 1}', seen=2.0, cause=cause)
    written = "".join(vcr_yaml.dump_yaml(Cassette(interactions=(one,), notifications=(push,), header={"format": 1})))
    same_either_way(written)


@given(
    st.lists(st.tuples(st.integers(0, len(TEXT)), st.integers(0, 9), st.sampled_from(TOKENS)), min_size=1, max_size=3)
)
@settings(max_examples=200)
@example([(TEXT.index("...\n"), 4, "")])
@example([(TEXT.index("\n- request", 90), 0, "\n...")])
@example([(TEXT.index("interaction: 1"), 14, "interaction: 9")])
def test_what_was_changed_by_hand_or_damaged_is_read_alike(changes: list[tuple[int, int, str]]) -> None:
    """Anything put in, taken out or replaced anywhere: never another cassette, nor one where there is an error."""
    text = TEXT
    for place, length, token in changes:
        text = text[:place] + token + text[place + length :]
    same_either_way(text)


def test_lines_moved_about_are_read_alike() -> None:
    """Doubled, dropped, exchanged, indented otherwise."""
    dice = random.Random(7)
    read = 0
    for _ in range(300):
        lines = TEXT.split("\n")
        one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
        lines[one : one + 1] = dice.choice(
            [[], [lines[other]], [lines[one]] * 2, [f"  {lines[one]}"], [lines[one][2:]]]
        )
        read += same_either_way("\n".join(lines))
    assert 20 < read


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "ended: 1.1}",
            "ended: 1.1, user: 2}",
            "interaction 1, gws_replay: user 2 does not exist: the header lists no",
        ),
        ("ended: 1.1}", "ended: 1.1, user: -1}", "interaction 1, gws_replay: user -1 does not exist"),
        ("ended: 1.1}", "ended: 1.1, user: anna}", "interaction 1, gws_replay: the field 'user' is str"),
        ("ended: 1.1}", "ended: 1.1, user: true}", "interaction 1, gws_replay: the field 'user' is bool"),
        (
            "ended: 1.1}",
            "ended: 1.1, outcome: lost}",
            "interaction 1, gws_replay: outcome 'lost' is unknown: there are response,",
        ),
        ("seen: 2\n", "seen: 2\n  user: 1\n", "notification 0: user 1 does not exist"),
        ("seen: 2\n", "seen: 0.5\n", "notification 0: it was seen at 0.5, before interaction 1, its cause, began at 1"),
        ("interaction: 1,", "interaction: 1, also: [4],", "notification 0, cause: interaction 4 does not exist"),
        ("interaction: 1,", "interaction: 1, also: [0, 0],", "notification 0, cause: the same interaction is listed"),
        (
            "interaction: 1,",
            "interaction: 1, also: [1],",
            "notification 0, cause: the same interaction is listed twice",
        ),
        ("interaction: 1,", "interaction: 1, also: [x],", "notification 0, cause: the field 'also' lists str, not int"),
        ("interaction: 1,", "interaction: 1, also: 0,", "notification 0, cause: the field 'also' is int"),
        ("format: 1\n...", "format: 1\n  users: anna\n...", "gws_replay: the field 'users' is str"),
        ("format: 1\n...", "format: 1\n  users: []\n...", "gws_replay: users is empty"),
        ("format: 1\n...", "format: 1\n  users: [anna]\n...", "gws_replay, user 0: it is str"),
        ("format: 1\n...", "format: 1\n  users: [{name: [a]}]\n...", "user 0: the field 'name' is list"),
        (
            "format: 1\n...",
            "format: 1\n  users: [{name: anna}, {}, {name: anna}]\n...",
            "gws_replay, user 2: another user has the name 'anna' too",
        ),
        ("...\n", "", "c.yaml is torn: its end is missing"),
        ("    method: PUT\n", "", "interaction 2, request: the field 'method' is missing"),
        ("code: 404", "code: 'x'", "interaction 3, response, status: the field 'code' is str"),
        ("uri: http://gws.example/logo", 'uri: "logo', "is not YAML"),
        ("interaction: 1,", "interaction: 4,", "interaction 4 does not exist, there are 4"),
        ('"id": "S1"', '"id" "S1"', "notification 0: data is not JSON"),
        ("format: 1\n...", "format: 2\n...", "format 2 is unknown"),
        ("version: 1", "version: 2", "version 2 is unknown"),
    ],
)
def test_fault_is_reported_as_by_the_yaml_parser(old: str, new: str, message: str, tmp_path: Path) -> None:
    """Found when the file is loaded, not when the interaction is requested; in the same words, with the same place."""
    path = tmp_path / "c.yaml"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new), "utf-8", newline="")
    with pytest.raises(CassetteError) as caught:
        load_cassette(path)
    with pytest.raises(CassetteError) as parsed:
        vcr_yaml.load(TEXT.replace(old, new), str(path))
    assert (str(parsed.value), True) == (str(caught.value), message in str(caught.value))


def test_users_outcomes_and_several_causes_are_read_without_a_yaml_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cassette with two users is not slower to load than one with a single user."""
    first, second, third, _ = SESSION.interactions
    cause = Cause(interaction=2, also=(0, 1), rule="order", after="request")
    push = replace(SESSION.notifications[1], user=1, cause=cause)
    both = replace(
        SESSION,
        interactions=(first, replace(second, user=1), replace(third, user=1, outcome="silence")),
        notifications=(SESSION.notifications[0], push),
        header={"format": 1, "users": [{"name": "anna"}, {}]},
    )
    text = "".join(vcr_yaml.dump_yaml(both))
    monkeypatch.setattr(vcr_layout, "_parsed", lambda item: pytest.fail(f"parsed as YAML: {item!r}"))
    assert both.named("c") == quick(text)
    assert (User(name="anna"), User()) == both.users


def test_byte_that_is_not_utf8_is_reported_anywhere(tmp_path: Path) -> None:
    """In a body of the quick way too, by its place in the file."""
    path = tmp_path / "c.yaml"
    data = TEXT.encode().replace("ä".encode(), b"\xe4x", 1)
    path.write_bytes(data)
    with pytest.raises(CassetteError, match=rf"c\.yaml is not UTF-8 text \(byte {data.index(0xE4)}\)"):
        load_cassette(path)
