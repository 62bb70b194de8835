"""A scrubbed file has the same content except for what was redacted; or it does not change."""

import base64
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import CassetteError
from gws_replay.formats.vcr import edit, yaml_text
from gws_replay.formats.vcr.scrub import Scrub
from gws_replay.settings.redaction import redactor
from tests.support.commands import command_line
from tests.support.yaml_styles import GONE, generated, parsed

# `make fuzz` tries 3,000.
COUNT = int(os.environ.get("GWS_REPLAY_STYLES", "150"))


def scrubbed(text: str, ending: str) -> str:
    """The new text of a file."""
    as_json = ending == ".json"
    whole = yaml_text.whole_lines(text, "f", as_json=as_json)
    done = Scrub(yaml_text.parse(whole, "f", as_json=as_json), "f", partial(redactor, Policy())).run()
    return edit.edited(whole, done, as_json=as_json)


def differences(old: Any, new: Any) -> Iterator[tuple[Any, Any]]:
    """The values that differ, in documents of the same structure."""
    assert type(old) is type(new)
    if isinstance(old, dict):
        assert list(old) == [each for each in new if each != "gws_replay_redaction" or each in old]
        for key in old.keys() - {"gws_replay_redaction"}:
            yield from differences(old[key], new[key])
    elif isinstance(old, list):
        assert len(old) == len(new)
        for one, other in zip(old, new, strict=True):
            yield from differences(one, other)
    elif old != new:
        yield old, new


@pytest.mark.parametrize("start", range(0, COUNT, 50))
def test_a_file_of_any_style_stays_readable_and_keeps_what_is_not_redacted(start: int) -> None:
    """Quotes, blocks, comments, anchors, tags, line ends, indentations, line lengths, JSON."""
    for number in range(start, start + 50):
        text, ending = generated(number)
        old, new = parsed(text, ending), parsed(scrubbed(text, ending), ending)
        new_header = new.get("gws_replay_redaction")
        assert new_header["redaction"] == "all", number
        assert not [each for each in GONE if each in str(new)], number
        for before, after in differences(_text(old), _text(new)):
            assert any(each in before for each in GONE) or "<redacted:" in after, (number, before, after)


def _text(value: Any) -> Any:
    """The same with binary bodies as text: a body that is text may be written as one."""
    if isinstance(value, dict):
        return {key: _text(each) for key, each in value.items()}
    if isinstance(value, list):
        return list(map(_text, value))
    return value.decode() if isinstance(value, bytes) else value


ITEM = """\
interactions:
- request: {{method: GET, uri: 'http://h/a', body: null, headers: {{}}}}
  response:
    body:
      string: {}
    headers: {{}}
    status: {{code: 200, message: OK}}
version: 1
"""


@pytest.mark.parametrize(
    "body",
    [
        '"{\\n \\"password\\": \\"Nebelkrähe-3\\",\\n \\"a\\": 1\\n}"',
        '\'{\n\n        "password": "Nebelkrähe-3"\n\n        }\'',
        '>-\n        {"password":\n        "Nebelkrähe-3"}',
        '|+\n        {"password": "Nebelkrähe-3"}\n\n',
        '|2\n         {"password": "Nebelkrähe-3"}',
        "password=Nebelkrähe-3\n        and more",
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_body_in_several_lines_is_redacted(body: str, ends: str, tmp_path: Path) -> None:
    """In quotes, folded, with a block's header, plain; the command ends well and the file can be shown."""
    path = tmp_path / "a.yaml"
    path.write_bytes(ITEM.format(body).replace("\n", ends).encode())
    assert (0, "") == (command_line("scrub", path).code, command_line("show", path).err)
    assert "Nebelkrähe" not in path.read_text("utf-8")
    assert ("\r\n" in path.read_bytes().decode()) == (ends == "\r\n")


@pytest.mark.parametrize("end", ["", "...\n", "# the end\n", "...\n# the end\n"])
@pytest.mark.parametrize("start", ["", "---\n", "%YAML 1.1\n---\n", "# begins\n"])
def test_the_header_comes_into_the_same_document(start: str, end: str) -> None:
    """Whatever stands before and after it."""
    new = scrubbed(f"{start}{ITEM.format('password=Nebelkrähe-3')}{end}", ".yaml")
    document = parsed(new, ".yaml")
    assert ("all", 1) == (document["gws_replay_redaction"]["redaction"], document["version"])
    assert all(each in new for each in (start, end))


def test_a_byte_order_mark_and_the_indentation_of_json_stay(tmp_path: Path) -> None:
    """Other tools have put them there."""
    path = tmp_path / "a.json"
    body = '{"interactions":[{"request":{"method":"GET","uri":"http://u:geheimnis9@h/a","body":null,"headers":{}},'
    rest = '"response":{"body":{"string":"x"},"headers":{},"status":{"code":200,"message":"OK"}}}],"version":1}'
    path.write_text(f"\ufeff{body}{rest}", "utf-8")
    assert 0 == command_line("scrub", path).code
    text = path.read_text("utf-8")
    assert text.startswith('\ufeff{"interactions":[{"request":{"method":"GET","uri":"http://<redacted:userinfo>@h/a"')
    assert "\n" not in text


def test_place_that_cannot_be_changed_is_reported_and_the_file_stays(tmp_path: Path) -> None:
    """A value that is merged in from elsewhere has no place of its own."""
    path = tmp_path / "a.yaml"
    text = (
        "base: &base {body: {string: 'password=Nebelkrähe-3'}, headers: {}, status: {code: 200, message: OK}}\n"
        "interactions:\n- request: {method: GET, uri: 'http://h/a', body: null, headers: {}}\n"
        "  response: {<<: *base}\nversion: 1\n"
    )
    path.write_text(text, "utf-8")
    ended = command_line("scrub", path)
    assert (2, text) == (ended.code, path.read_text("utf-8"))
    assert "interactions.0.response.body cannot be changed in place: convert the file" in ended.err


def test_a_new_text_that_says_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new text is parsed again before it takes the place of the old one."""
    monkeypatch.setattr(edit, "_quoted", lambda _: '"other"')
    with pytest.raises(CassetteError, match="string cannot be changed in place without changing more"):
        scrubbed(ITEM.format('"{\\n\\"password\\": \\"Nebelkrähe-3\\"}"'), ".yaml")
    monkeypatch.setattr(edit, "_quoted", lambda _: '"')
    with pytest.raises(CassetteError, match="the new text could not be parsed"):
        scrubbed(ITEM.format('"{\\n\\"password\\": \\"Nebelkrähe-3\\"}"'), ".yaml")


def test_a_binary_body_stays_binary() -> None:
    """What is known is replaced in it."""
    body = base64.b64encode(b"\x00\x01\xff Nebelkraehe-3 \xfe").decode()
    text = ITEM.format(f"!!binary {body}").replace("http://h/a", "http://h/a?access_token=Nebelkraehe-3")
    (item,) = parsed(scrubbed(text, ".yaml"), ".yaml")["interactions"]
    assert b"\x00\x01\xff <redacted:access_token> \xfe" == item["response"]["body"]["string"]


@pytest.mark.parametrize("key", ["", "7", "true", "2026-11-30", "1.5"])
def test_a_value_with_an_anchor_is_redacted_wherever_else_it_stands(key: str) -> None:
    """Also under a key that is no text."""
    text = f"{ITEM.format('&a password=Nebelkrähe-3')}x:\n  ? {key}\n  : *a\n"
    new = parsed(scrubbed(text, ".yaml"), ".yaml")
    assert ["password=<redacted:password>"] == [*new["x"].values()]
    assert [*parsed(text, ".yaml")["x"]] == [*new["x"]]


@pytest.mark.parametrize("header", ["gws_replay_redaction:", "gws_replay_redaction: ''", "gws_replay: null"])
def test_an_empty_header_is_filled(header: str) -> None:
    """As a tool or a person left it; the file can be read afterwards."""
    new = parsed(scrubbed(f"{header}\n{ITEM.format('password=Nebelkrähe-3')}", ".yaml"), ".yaml")
    assert "all" == new["gws_replay_redaction"]["redaction"]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("gws_replay_redaction: yes please", "gws_replay_redaction is str, not a mapping"),
        ("gws_replay_redaction: [a]", "gws_replay_redaction is list, not a mapping"),
        ("gws_replay_redaction: {stand_ins: 7}", "gws_replay_redaction, stand_ins is no list"),
        ("gws_replay: text", "gws_replay: the field 'format' is missing"),
        ("gws_replay: {format: 1, users: [a]}", "gws_replay, user 0: it is str"),
        ("x: &a [*a]", "a value contains itself"),
    ],
)
def test_what_cannot_be_read_is_reported_and_the_file_stays(header: str, problem: str, tmp_path: Path) -> None:
    """With the file, the field, and what to do."""
    path = tmp_path / "a.yaml"
    text = f"{ITEM.format('password=Nebelkrähe-3')}{header}\n"
    path.write_text(text, "utf-8")
    ended = command_line("scrub", path)
    assert (2, text) == (ended.code, path.read_text("utf-8"))
    assert problem in ended.err
