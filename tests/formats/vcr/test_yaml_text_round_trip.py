"""Cassette files: nothing is lost on the way out and back, and a torn one is never taken for a short one."""

import json
from collections.abc import Callable, Sequence
from typing import Any, get_args

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gws_replay.core import lossless_json
from gws_replay.core.cassette import Cassette
from gws_replay.core.model import (
    Cause,
    Exchange,
    Headers,
    Moment,
    Notification,
    Outcome,
    Request,
    Response,
    Rule,
)
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from tests.support.builders import TOPIC, bayeux, cassette, exchange, get, poll, push, update

# Line breaks and spaces of every kind, marks that YAML knows, and letters beyond the basic plane.
ODD = [
    "\x85",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\r",
    "\r\n",
    "\n",
    "\t",
    "\x00",
    "\x1b",
    "\x7f",
    "\x9b",
    "\U0001f600",
    "ä",
]
YAML_LIKE = [
    "...",
    "\n...\n",
    "---",
    "null",
    "~",
    "1",
    "1.0",
    "yes",
    "on",
    "!!binary x",
    "&a",
    "*a",
    "# x",
    "a: b",
    "- a",
]
TEXT = st.lists(
    st.sampled_from([*ODD, *YAML_LIKE, " ", "  ", "x", "'", '"', "\\", "{", "[", "%", "|", ">"])
    | st.characters(exclude_categories=["Cs"]),
    max_size=6,
).map("".join)
# In a header: no line break, which is a fault of the file.
LINE = TEXT.filter(lambda text: not any(each in text for each in "\r\n\0"))
METHOD = st.sampled_from(["GET", "post", "M-SEARCH", "on", "1", "~", "'"])
TEXT_BODY = TEXT.map(str.encode)
BODY = TEXT_BODY | st.binary(max_size=12)
TIME = st.floats(0, 1e9, allow_nan=False) | st.integers(0, 10**6).map(float)


def cassettes(bodies: st.SearchStrategy[bytes]) -> st.SearchStrategy[Cassette]:
    """Whole cassettes; a header's name occurs in one spelling, its values together."""
    headers = st.dictionaries(
        st.sampled_from(["A", "on", "1", "x-y", "null", "<<", "="]), st.lists(LINE, min_size=1, max_size=2)
    )
    fields = headers.map(lambda found: Headers(tuple((name, value) for name in found for value in found[name])))
    exchanges = st.builds(
        Exchange,
        request=st.builds(Request, method=METHOD, uri=TEXT.filter(bool), headers=fields, body=bodies),
        response=st.builds(Response, status=st.integers(200, 599), reason=LINE, headers=fields, body=bodies),
        began=TIME,
        ended=TIME,
        user=st.integers(0, 2),
        outcome=st.sampled_from(get_args(Outcome)),
    )
    causes = st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True).flatmap(
        lambda found: st.builds(
            Cause,
            interaction=st.just(found[0]),
            also=st.just(tuple(sorted(found[1:]))),
            rule=st.sampled_from(get_args(Rule)),
            after=st.sampled_from(get_args(Moment)),
        )
    )
    data = TEXT.map(lambda text: lossless_json.indented(json.dumps({text: [text]}, ensure_ascii=False)))
    pushes = st.builds(
        Notification,
        channel=TEXT.filter(bool),
        data=data,
        seen=TIME.map(lambda seconds: seconds + 1e9),  # not before any request
        cause=st.none() | causes,
        user=st.integers(0, 2),
    )
    users = st.lists(
        st.none() | TEXT, min_size=3, max_size=3, unique_by=lambda name: object() if name is None else name
    ).map(lambda names: [{} if name is None else {"name": name} for name in names])
    return st.builds(
        Cassette,
        interactions=st.lists(exchanges, min_size=3, max_size=4).map(tuple),
        notifications=st.lists(pushes, max_size=2).map(tuple),
        header=st.builds(
            lambda more, users: {**more, "format": 1, "users": users},
            st.dictionaries(TEXT, TEXT | st.integers(), max_size=2),
            users,
        ),
    )


def back(text: str, *, as_json: bool = False) -> Cassette:
    """What is loaded of a text."""
    return vcr_yaml.load(text, "<memory>", as_json=as_json)


def with_body(body: str) -> Cassette:
    """A cassette of one response."""
    return cassette(exchange("GET", "/x", None, body.encode()))


@given(cassettes(BODY))
@settings(max_examples=60)
@example(with_body("\x85{\n\u2028}\ufeff"))
@example(with_body("a\n\n...\n"))
@example(with_body(" leading\n\n\n"))
@example(with_body("trailing \nx"))
@example(with_body("\tx\n\ty"))
@example(with_body("long " * 5000))
def test_yaml_gives_every_byte_back(recorded: Cassette) -> None:
    """Text and binary bodies, header values, any character."""
    assert recorded == back("".join(vcr_yaml.dump_yaml(recorded)))


@given(cassettes(TEXT_BODY))
@settings(max_examples=60)
def test_json_gives_every_character_back(recorded: Cassette) -> None:
    """The same cassettes, less binary bodies."""
    assert recorded == back("".join(vcr_yaml.dump_json(recorded)), as_json=True)


SESSION = cassette(
    get({"A": 0, "B": "x"}, began=0),
    update({"A": 1}, began=1),
    push({"A": 1, "B": "x"}, seen=2),
    push(None, seen=3, kind="StatusChange"),
)
DUMPED = {"yaml": "".join(vcr_yaml.dump_yaml(SESSION)), "json": "".join(vcr_yaml.dump_json(SESSION))}


def cuts(text: str) -> Sequence[int]:
    """About 300 positions all over a text, and every end of a line."""
    ends = [at for at, char in enumerate(text) if char == "\n"]
    return sorted({*range(0, len(text), max(1, len(text) // 300)), *ends, *(end + 1 for end in ends)} - {len(text)})


@pytest.mark.parametrize("form", DUMPED)
def test_a_torn_file_is_never_taken_for_a_short_one(form: str) -> None:
    """Whatever is cut off: an error that names the file, unless it was only whitespace."""
    text = DUMPED[form]
    for cut in cuts(text):
        if text[cut:].strip():
            with pytest.raises(CassetteError, match=r"^tests/a\.yaml"):
                vcr_yaml.load(text[:cut], "tests/a.yaml", as_json=form == "json")
        else:
            assert SESSION == back(text[:cut], as_json=form == "json")


def test_bodies_are_laid_out_for_review() -> None:
    """JSON as a block of lines, headers, status and times on one line each, our keys beside vcrpy's."""
    lines = "".join(
        vcr_yaml.dump_yaml(cassette(exchange("GET", "/x", None, b'{\n  "a": 1\n}', response_headers=[("A", "b")])))
    )
    assert [
        "# gws-replay cassette, format 1",
        "version: 1",
        "interactions:",
        "- request:",
        "    method: GET",
        "    uri: http://gws.example/x",
        "    body: null",
        "    headers: {}",
        "  response:",
        "    status: {code: 200, message: OK}",
        "    headers:",
        "      A: [b]",
        "    body:",
        "      string: |-",
        "        {",
        '          "a": 1',
        "        }",
        "  gws_replay: {began: 0.0, ended: 0.1}",
        "gws_replay:",
        "  format: 1",
        "...",
    ] == lines.splitlines()


def test_repeated_headers_are_kept_under_one_name() -> None:
    """In vcrpy's form: a list; the values keep their order."""
    headers = Headers((("Set-Cookie", "a"), ("B", "1"), ("set-cookie", "b")))
    one = exchange(response_headers=headers.pairs)
    (found,) = back("".join(vcr_yaml.dump_yaml(cassette(one)))).interactions
    assert (("Set-Cookie", "a"), ("Set-Cookie", "b"), ("B", "1")) == found.response.headers.pairs


def test_an_empty_cassette_has_its_lists() -> None:
    """It loads, and is empty because it says so."""
    empty = Cassette(interactions=(), header={"format": 1})
    for as_json, dump in ((False, vcr_yaml.dump_yaml), (True, vcr_yaml.dump_json)):
        text = "".join(dump(empty))
        assert [] == yaml.safe_load(text)["interactions"]
        assert empty == back(text, as_json=as_json)


def test_a_file_with_other_line_ends_is_the_same_cassette() -> None:
    """Git on Windows may write CR LF, and some editors begin a file with a byte order mark."""
    assert SESSION == back(DUMPED["yaml"].replace("\n", "\r\n"))
    assert SESSION == back("\ufeff" + DUMPED["yaml"])


@pytest.mark.parametrize(
    "edit", [lambda text: text.replace("\n", "\r\n"), lambda text: "\ufeff" + text], ids=["CRLF", "BOM"]
)
def test_a_torn_file_with_other_line_ends_is_torn(edit: Callable[[str], str]) -> None:
    """It is recognized by the first line, whatever an editor did to it."""
    cut = DUMPED["yaml"].index("notifications:")
    with pytest.raises(CassetteError, match="torn"):
        back(edit(DUMPED["yaml"][:cut]))


@pytest.mark.parametrize(("part", "index"), [("request", 0), ("response", 1)])
def test_json_refuses_a_binary_body(part: str, index: int) -> None:
    """It names the place and the way out."""
    binary = exchange("POST", "/x", b"\xff" if part == "request" else b"", b"\xff", began=index)
    with pytest.raises(CassetteError, match=rf"interaction {index}: the {part} body is binary.*\.yaml"):
        "".join(vcr_yaml.dump_json(cassette(*[exchange(began=n) for n in range(index)], binary)))


BAD: dict[str, tuple[str, str]] = {
    "empty": ("", "is empty"),
    "blank": (" \n\n", "is empty"),
    "comment": ("# nothing\n", "is empty"),
    "not YAML": ("version: 1\n  x: [", r"line 2 is not YAML"),
    "text": ("hello", "is no cassette"),
    "list form": ("- request: {}\n  response: {}\n", "list form of VCR before version 1"),
    "two documents": ("version: 1\n---\nversion: 1\n", "line 2 is not YAML"),
    "unknown tag": ("version: !!python/object/apply:os.system ['x']\n", "line 1 is not YAML"),
    "unknown local tag": ("version: !mine x\n", "line 1 is not YAML"),
    "other version": ("version: 2\ninteractions: []\n", "version 2 is unknown"),
    "version as text": ("version: '1'\ninteractions: []\n", "'version' is str"),
    "version as boolean": ("version: true\ninteractions: []\n", "'version' is bool"),
    "no version": ("interactions: []\ngws_replay: {format: 1}\n", "the file: the field 'version' is missing"),
    "other format": ("version: 1\ninteractions: []\ngws_replay: {format: 2}\n", "format 2 is unknown"),
    "no format": ("version: 1\ninteractions: []\ngws_replay: {a: 1}\n", "gws_replay: the field 'format'"),
    "header of another kind": ("version: 1\ninteractions: []\ngws_replay: 1\n", "gws_replay: the field 'format'"),
    "no interactions": ("version: 1\n", "the field 'interactions' is missing"),
    "interactions as a mapping": ("version: 1\ninteractions: {}\n", "'interactions' is dict"),
    "no interaction": ("version: 1\ninteractions: [x]\n", "interaction 0: the field 'request' is missing"),
    "control character": ("version: 1\ninteractions: \x07\n", "is not YAML"),
    "deep nesting": ("[" * 20_000, "not YAML|nested"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_named_with_their_problem(case: str) -> None:
    """One sentence: the file, the place, what is wrong."""
    text, message = BAD[case]
    with pytest.raises(CassetteError, match=rf"^tests/a\.yaml.*({message})"):
        vcr_yaml.load(text, "tests/a.yaml")


@pytest.mark.parametrize("text", ["", "{", "nonsense", "[" * 100_000, '{"version":1} x', '{"version":1'])
def test_bad_json_files_are_named_with_their_problem(text: str) -> None:
    """A .json file is read as JSON."""
    with pytest.raises(CassetteError, match=r"^a\.json.* is not JSON .*(torn)"):
        vcr_yaml.load(text, "a.json", as_json=True)


def test_a_recording_of_cometd_without_our_keys_has_its_notifications_found() -> None:
    """As plain vcrpy writes it; file order stands in for time."""
    raw = [get({"A": 0}, began=0), update({"A": 1}, began=1), poll(bayeux(push({"A": 1}, seen=0)), began=2, ended=3)]
    document: dict[str, Any] = yaml.safe_load("".join(vcr_yaml.dump_yaml(Cassette(interactions=tuple(raw)))))
    del document["gws_replay"]
    for item in document["interactions"]:
        del item["gws_replay"]
    found = back(yaml.safe_dump(document))
    assert ["GET", "POST"] == [each.request.method for each in found.interactions]
    assert [(TOPIC, 1)] == [(each.channel, each.cause and each.cause.interaction) for each in found.notifications]
    assert ["passed"] == [each.verdict for each in found.updates()]
