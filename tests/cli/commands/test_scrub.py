"""`gws-replay scrub`: values are redacted, every other character stays; --check names the place, never the value."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gws_replay.storage.files import load_cassette
from tests.cli.commands.test_convert import by_plain_vcrpy, raw, secrets_of
from tests.support.builders import cassette, exchange, get, push, update
from tests.support.commands import command_line, refused, saved

NAME = "Vitaliy Onv"
REPOSITORY = Path(__file__).parents[3]

PLAIN = """\
# a comment of ours
interactions:
- request:
    body: '{"FirstName": "Vitaliy Onv", "it": "isn''t"}'   # single quotes
    headers:
      Accept: ['*/*']  # harmless
      Authorization: ["Basic a2xhdXM6Z2VoZWltMTIz"]
      X-Own: plain
    method: POST
    uri: http://klaus:geheim123@gws.example/api/v2/me?to=Vitaliy+Onv
  response:
    body:
      string: |-
        {
          "firstName": "Vitaliy Onv",

          "note": "geheim123, v.onv@genesyslab.de \u00fc\U0001f600"
        }
    headers:
      Content-Type: [application/json]
      Content-Length: ['99']
    status: {code: 200, message: OK}
version: 1
"""


def lines_of(text: str) -> list[str]:
    """The lines of a file."""
    return text.splitlines()


def small(path: Path) -> Path:
    """A cassette of ours with a name in it."""
    state = {"FirstName": NAME, "A": 1}
    return saved(cassette(get(state, began=0), update({"A": 2}, began=1), push({**state, "A": 2}, seen=1.5)), path)


def test_a_plain_cassette_is_changed_where_it_has_to_be(tmp_path: Path) -> None:
    """Comments, order, quotes, blocks stay; plain vcrpy reads the file as before; the second time nothing happens."""
    path = tmp_path / "plain.yaml"
    path.write_text(PLAIN, "utf-8")
    ended = command_line("scrub", path)
    assert (0, "") == (ended.code, ended.err)
    text = path.read_text("utf-8")
    gone = (NAME, "Vitaliy+Onv", "geheim123", "a2xhdXM", "genesyslab", "plain\n")
    assert [] == [each for each in gone if each in text]
    for old, new in zip(lines_of(PLAIN), lines_of(text), strict=False):
        assert re.sub(r"[\w.@<>:+]+", "", old) == re.sub(r"[\w.@<>:+]+", "", new) or "redacted" in new
    for kept in ("# a comment of ours", "# single quotes", "# harmless", "isn''t", "\u00fc\U0001f600", "['*/*']"):
        assert kept in text
    document = yaml.safe_load(text)
    replaced = json.loads(document["interactions"][0]["response"]["body"]["string"])["firstName"]
    assert replaced == json.loads(document["interactions"][0]["request"]["body"])["FirstName"]
    assert replaced in document["gws_replay_redaction"]["stand_ins"]
    assert "all" == load_cassette(path).header["redaction"]
    assert (0, "") == (command_line("scrub", path).code, command_line("scrub", path, "--check").out)
    assert text == path.read_text("utf-8")


def test_check_names_file_interaction_and_rule_and_writes_nothing(tmp_path: Path) -> None:
    """The value is never shown; the exit code is 3."""
    path = tmp_path / "plain.yaml"
    path.write_text(PLAIN, "utf-8")
    ended = command_line("scrub", "--check", path)
    found = lines_of(ended.out)
    assert 3 == ended.code
    for rule in (
        "interaction 0, request authorization: secret header authorization",
        "interaction 0, request .FirstName: personal FirstName",
        "interaction 0, request query to: personal to",
        "interaction 0, response .firstName: personal firstName",
        "interaction 0, response .note: known secret password",
        "interaction 0, response .note: personal value of the shape e-mail",
    ):
        assert f"{path}: {rule}" in found
    assert [] == [each for each in (NAME, "geheim123", "onv@") if each in ended.out]
    dry = command_line("scrub", "--dry-run", path)
    assert (0, ended.out, PLAIN) == (dry.code, dry.out, path.read_text("utf-8"))
    listed = json.loads(command_line("scrub", "--check", path, "--json").out)["findings"]
    assert found == [f"{path}: {each['place']}: {each['rule']}" for each in listed]


@pytest.mark.parametrize("name", ["ours.yaml", "ours.json"])
def test_our_own_cassettes(name: str, tmp_path: Path) -> None:
    """The header says what was done; updates get the same verdicts; a folder is searched."""
    path = small(tmp_path / name)
    before = load_cassette(path)
    assert 0 == command_line("scrub", tmp_path, "-q").code
    after = load_cassette(path)
    assert NAME not in path.read_text("utf-8")
    assert [each.verdict for each in before.updates()] == [each.verdict for each in after.updates()]
    assert ("all", 1) == (after.header["redaction"], len(after.header["stand_ins"]))
    assert 0 == command_line("scrub", "--check", path).code


def test_a_cassette_of_plain_vcrpy_is_scrubbed_and_replays(tmp_path: Path) -> None:
    """Packed bodies too: no secret is left, and every update can be judged as before."""
    recording = raw("longpoll-js-family")
    path = tmp_path / "plain.yaml"
    path.write_text(by_plain_vcrpy(recording), "utf-8")
    assert 0 == command_line("scrub", path, "-q").code
    text = path.read_text("utf-8")
    assert [] == [secret for secret in {*secrets_of(recording), "VitaliyOnv", "Hellomyfriend"} if secret in text]
    assert 0 == command_line("scrub", "--check", path).code
    assert 0 == command_line("verify", path).code


def test_a_packed_body_is_packed_again(tmp_path: Path) -> None:
    """Its header says so, and its length is right."""
    document: dict[str, Any] = yaml.safe_load(PLAIN)
    response = document["interactions"][0]["response"]
    response["body"]["string"] = gzip.compress(json.dumps({"firstName": NAME}).encode())
    response["headers"] |= {"Content-Encoding": ["gzip"]}
    path = tmp_path / "packed.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    assert 0 == command_line("scrub", path).code
    scrubbed = yaml.safe_load(path.read_text("utf-8"))["interactions"][0]["response"]
    packed = scrubbed["body"]["string"]
    assert NAME not in gzip.decompress(packed).decode()
    headers = scrubbed["headers"]
    assert (["gzip"], [str(len(packed))]) == (headers["Content-Encoding"], headers["Content-Length"])


def test_an_anchored_value_is_changed_once(tmp_path: Path) -> None:
    """YAML may point to it from elsewhere."""
    path = tmp_path / "anchored.yaml"
    path.write_text(PLAIN.replace('["Basic', '&token ["Basic').replace("X-Own: plain", "X-Own: *token"), "utf-8")
    assert 0 == command_line("scrub", path).code
    headers = yaml.safe_load(path.read_text("utf-8"))["interactions"][0]["request"]["headers"]
    assert headers["Authorization"] == headers["X-Own"]
    assert "a2xhdXM" not in path.read_text("utf-8")


def test_values_accepted_by_a_baseline_are_not_reported(tmp_path: Path) -> None:
    """Only new ones count; the file holds places and rules."""
    path, baseline = small(tmp_path / "c.yaml"), tmp_path / "baseline.json"
    assert 0 == command_line("scrub", path, "--baseline", baseline, "--update-baseline").code
    assert NAME not in baseline.read_text("utf-8")
    assert 0 == command_line("scrub", "--check", path, "--baseline", baseline).code
    path.write_text(path.read_text("utf-8").replace('"A": 2', '"A": "+49 30 1234567"'), "utf-8")
    ended = command_line("scrub", "--check", path, "--baseline", baseline)
    assert 3 == ended.code
    assert {"personal value of the shape phone"} == {line.rpartition(": ")[2] for line in lines_of(ended.out)}
    baseline.write_text("[1]", "utf-8")
    assert f"{baseline} cannot be read as a baseline" in refused(
        command_line("scrub", "--check", path, "--baseline", baseline)
    )
    assert "needs --baseline" in refused(command_line("scrub", path, "--update-baseline"))


def test_keep_and_levels(tmp_path: Path) -> None:
    """--keep leaves a key alone, --redact secrets all persons; --redact none changes nothing and warns."""
    path = small(tmp_path / "c.yaml")
    before = path.read_text("utf-8")
    for options in (["--keep", "FirstName"], ["--redact", "secrets"]):
        assert (0, "") == (command_line("scrub", path, *options).code, command_line("scrub", path, *options).out)
    ended = command_line("scrub", path, "--redact", "none")
    assert (0, True) == (ended.code, ended.err.startswith("Warning: --redact none"))
    assert before == path.read_text("utf-8")


def test_file_that_is_not_a_cassette_is_reported_by_scrub(tmp_path: Path) -> None:
    """The others are done."""
    good, bad = small(tmp_path / "a.yaml"), tmp_path / "b.yaml"
    bad.write_text("interactions: [1]\n", "utf-8")
    ended = command_line("scrub", tmp_path)
    assert (2, True) == (ended.code, ended.err.startswith(f"Error: {bad}"))
    assert NAME not in good.read_text("utf-8")


def test_the_hook_for_pre_commit() -> None:
    """It runs the check on cassettes."""
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert "gws-replay scrub --check" == hook["entry"]
    assert re.search(hook["files"], "tests/cassettes/a.yaml")


@pytest.mark.parametrize("uri", ["http://klaus:geheim123@gws.example/x", "http://gws.example/x;jsessionid=node0abcd"])
def test_secret_only_in_an_address_is_found(tmp_path: Path, uri: str) -> None:
    """By --check, and not after the scrub."""
    path = saved(cassette(get({"A": 1}, began=0)), tmp_path / "a.yaml")
    path.write_text(path.read_text("utf-8").replace("http://gws.example/api/v2", uri), "utf-8")
    assert uri in path.read_text("utf-8")
    found = command_line("scrub", "--check", "--redact", "secrets", path)
    assert (3, True) == (found.code, "request uri: secret " in found.out)
    assert [0, 0] == [command_line("scrub", *options, path).code for options in ((), ("--check",))]
    assert uri not in path.read_text("utf-8")


def test_a_link_out_of_the_folder_is_not_written_through(tmp_path: Path) -> None:
    """It is reported, and --check looks at it; the file itself can be named."""
    outside = small(tmp_path / "elsewhere" / "original.yaml")
    folder = tmp_path / "cassettes"
    small(folder / "own.yaml")
    (folder / "linked.yaml").symlink_to(outside)
    (folder / "inside.yaml").symlink_to(folder / "own.yaml")
    before = outside.read_text("utf-8")
    assert 3 == command_line("scrub", "--check", folder).code
    ended = command_line("scrub", folder)
    assert (0, before) == (ended.code, outside.read_text("utf-8"))
    assert f"{folder / 'linked.yaml'} is a link to a file outside of {folder}: it was left alone" in ended.err
    assert "inside.yaml is a link" not in ended.err
    assert NAME not in (folder / "own.yaml").read_text("utf-8")
    command_line("scrub", folder / "linked.yaml")
    assert NAME not in outside.read_text("utf-8")


def test_unexamined_body_is_reported_with_a_line_for_pyproject(tmp_path: Path) -> None:
    """Binary and packed bodies, unknown charsets, encrypted ones; keys that sound as if a rule were missing."""
    bodies = {
        "image/png": b"\x89PNG\r\n\x1a\n\x00\xff",
        "text/plain; charset=x-klingon": b"\x00\xff\xfe\x01",
        "application/pgp-encrypted": b"\x85\x01\x00\xff",
        "application/json": json.dumps({"SpouseBirthCity": "x", "DoorPin": "1", "queueName": "y"}).encode(),
    }
    exchanges = [
        exchange("GET", f"/{n}", None, body, response_headers=[("Content-Type", kind)], began=n)
        for n, (kind, body) in enumerate(bodies.items())
    ]
    packed = exchange("GET", "/z", None, b"\x1b\xff\x00", response_headers=[("Content-Encoding", "zstd")], began=9)
    path = saved(cassette(*exchanges, packed), tmp_path / "a.yaml")
    ended = command_line("scrub", "--check", path)
    for kind in ("binary image/png", "charset x-klingon is unknown", "encrypted", "packed with zstd"):
        assert f"response: not examined ({kind})" in ended.err
    assert '[tool.gws_replay.redact]\nsecret = ["DoorPin"]\npersonal = ["SpouseBirthCity"]\n' in ended.err
    listed = json.loads(command_line("scrub", "--check", path, "--json").out)
    assert ["DoorPin", "SpouseBirthCity"] == listed["suspects"]
    assert "binary image/png" == listed["not_examined"]["interaction 0, response"]


def test_names_of_users_are_stand_ins(tmp_path: Path) -> None:
    """The header lists them."""
    path = small(tmp_path / "a.yaml")
    text = path.read_text("utf-8")
    path.write_text(text.replace("\ngws_replay:\n", "\ngws_replay:\n  users: [{name: jutta.kern}, {}]\n"), "utf-8")
    assert 3 == command_line("scrub", "--check", path).code
    assert 0 == command_line("scrub", path).code
    users = load_cassette(path).header["users"]
    assert ([True, False], 2) == (["name" in each for each in users], len(users))
    assert "jutta" not in path.read_text("utf-8")


REPORTED = REPOSITORY / "tests" / "data" / "redaction"
VALUES = json.loads((REPORTED / "canaries.json").read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(VALUES))
def test_once_overlooked_values_are_found(name: str, tmp_path: Path) -> None:
    """Before, by --check; afterwards nothing of them is left, and the file can be shown."""
    path = tmp_path / name
    path.write_bytes((REPORTED / name).read_bytes())
    codes = [command_line("scrub", *option, path).code for option in (["--check"], [], ["--check"])]
    assert [3, 0, 0] == codes
    output = str(yaml.safe_load(path.read_text("utf-8")))
    assert [] == [each for each in VALUES[name] if each in output]
    assert 0 == command_line("show", path).code
