"""`gws-replay verify`: the verdicts, the exit codes, and what is reported at each level of detail."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Notification
from tests.support.builders import CAPTURES, SESSIONS, TOPIC, cassette, exchange, get, push, update
from tests.support.commands import BEFORE, NOT_COMPARED, captured, command_line, refused, saved, small

WRONG = cassette(get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push({"A": 2, "B": "c"}, seen=2.0))
UNKNOWN = cassette(update({"A": 2}, began=1.0), push({"A": 2}, seen=2.0))
NOTHING = cassette(get(BEFORE, began=0.0))
CASSETTES = {"good": small(), "wrong": WRONG, "unknown": UNKNOWN, "nothing": NOTHING}


def verified(played: Cassette, folder: Path, *options: str) -> tuple[object, str]:
    """The exit code and the output for one cassette."""
    ended = command_line("verify", *options, saved(played, folder / "x.yaml"))
    return ended.code, ended.out


@pytest.fixture(autouse=True)
def no_progress_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show progress only where a test wants it, however slow the machine is."""
    monkeypatch.setattr("gws_replay.cli.options._FIRST_SHOWN", float("inf"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cassette of each kind, and a broken one."""
    for name, played in CASSETTES.items():
        saved(played, tmp_path / f"{name}.yaml")
    (tmp_path / "broken.yaml").write_text("version: 1\n")
    return tmp_path


@pytest.mark.parametrize("suffix", [".flow", ".har"])
def test_every_operation_of_the_captures_is_correct(suffix: str, tmp_path: Path) -> None:
    """Seven captures, converted: 24 operations, all judged, all passed."""
    for name in CAPTURES:
        source = Path(__file__).parents[2] / "data" / "captures" / f"{name}{suffix}"
        assert 0 == command_line("convert", source, tmp_path / f"{name}.yaml", "-q").code
    ended = command_line("verify", tmp_path)
    assert (0, "") == (ended.code, ended.err)
    tally = "24 userData operations in 7 cassettes: 24 passed, 0 failed, 0 cannot tell"
    assert tally == ended.out.splitlines()[-1]
    assert 24 == sum(line.startswith("  passed ") for line in ended.out.splitlines())


@pytest.mark.parametrize(
    ("names", "options", "code"),
    [
        (["good"], [], 0),
        (["good", "nothing"], [], 0),
        (["wrong"], [], 1),
        (["good", "wrong"], [], 1),
        (["unknown"], [], 1),
        (["unknown"], ["--allow-unknown"], 0),
        (["unknown", "wrong"], ["--allow-unknown"], 1),
        (["broken"], [], 2),
        (["good", "broken", "wrong"], [], 2),
        (["nothing"], [], 5),
        (["nothing", "nothing"], ["--json"], 5),
    ],
)
@pytest.mark.parametrize("quiet", [[], ["-q"], ["-v"], ["--json"]], ids=" ".join)
def test_exit_code_is_the_worst(
    names: list[str], options: list[str], code: int, quiet: list[str], folder: Path
) -> None:
    """0 passed, 1 failed or cannot tell, 2 not a cassette, 5 nothing to judge; at any level of detail."""
    paths = [folder / f"{name}.yaml" for name in names]
    assert code == command_line("verify", *options, *quiet, *paths).code


def test_text_of_each_verdict(folder: Path) -> None:
    """A folder is searched in a stable order; each operation has a line, a failure its reasons and the next command."""
    ended = command_line("verify", folder)
    assert 2 == ended.code
    assert [
        f"{folder}/good.yaml",
        "  passed      interaction 1  UpdateUserData S1: exactly A changed",
        f"{folder}/nothing.yaml: no userData operation",
        f"{folder}/unknown.yaml",
        "  cannot tell interaction 0  UpdateUserData S1",
        "              no userData of it was seen before: GET /me/facebooksessions?fields=* first",
        f"{folder}/wrong.yaml",
        "  FAILED      interaction 1  UpdateUserData S1",
        '              changed besides: B: "b" -> "c"',
        "              before: interaction 0, after: notification 0",
        f"              more: gws-replay show {folder}/wrong.yaml",
        "3 userData operations in 5 cassettes: 1 passed, 1 failed, 1 cannot tell; 1 could not be read",
    ] == ended.out.splitlines()
    why = "the field 'interactions' is missing; record the cassette again"
    assert f"Error: {folder}/broken.yaml, the file: {why}; {NOT_COMPARED}\n" == ended.err


def test_quiet_shows_only_what_did_not_pass(folder: Path) -> None:
    """-q: only failed and unknown operations, and no summary."""
    paths = [folder / f"{name}.yaml" for name in CASSETTES]
    shown = command_line("verify", "-q", *paths).out
    assert (True, True) == ("FAILED" in shown, "cannot tell" in shown)
    assert [] == [line for line in shown.splitlines() if "good" in line or "passed" in line or "nothing" in line]
    assert "" == command_line("verify", "-q", folder / "good.yaml").out


def test_verbose_shows_what_changed(folder: Path) -> None:
    """-v: also the change and its two places for each operation that passed."""
    assert [
        f"{folder}/good.yaml",
        "  passed      interaction 1  UpdateUserData S1: exactly A changed",
        "              A: 1 -> 2",
        "              before: interaction 0, after: notification 0",
        "1 userData operation in 1 cassette: 1 passed, 0 failed, 0 cannot tell",
    ] == command_line("verify", "-v", folder / "good.yaml").out.splitlines()


def test_json_is_one_document_a_line(folder: Path) -> None:
    """One for each cassette, and a summary at the end, which lists broken files."""
    ended = command_line("verify", "--json", folder)
    documents = [json.loads(line) for line in ended.out.splitlines()]
    names = ["good", "nothing", "unknown", "wrong"]
    assert [f"{folder}/{name}.yaml" for name in names] == [each["cassette"] for each in documents[:-1]]
    assert [1, 0, 1, 1] == [len(each["updates"]) for each in documents[:-1]]
    assert {
        "interaction": 1,
        "operation": "UpdateUserData",
        "resource": "S1",
        "sent": {"operationName": "UpdateUserData", "userData": {"A": 2}},
        "verdict": "failed",
        "reasons": ['changed besides: B: "b" -> "c"'],
        "ignored": [],
        "coerced": [],
        "changes": [
            {"path": ["A"], "kind": "changed", "before": 1, "after": 2},
            {"path": ["B"], "kind": "changed", "before": "b", "after": "c"},
        ],
        "before": "interaction 0",
        "after": "notification 0",
    } == documents[3]["updates"][0]
    assert {"passed": 1, "failed": 1, "unknown": 1} == {
        key: value for key, value in documents[-1].items() if key != "broken"
    }
    assert [f"{folder}/broken.yaml"] == [problem.split(",")[0] for problem in documents[-1]["broken"]]


def test_paths_may_be_mixed(folder: Path, tmp_path: Path) -> None:
    """Files and folders, nested folders, JSON and YAML; files with another suffix in a folder are ignored."""
    inner = tmp_path / "more" / "inner"
    saved(small(), inner / "a.json")
    saved(small(), inner / "b.yml")
    (inner / "notes.txt").write_text("no cassette")
    ended = command_line("verify", inner.parent, folder / "good.yaml")
    assert (0, "3 userData operations in 3 cassettes: 3 passed, 0 failed, 0 cannot tell") == (
        ended.code,
        ended.out.splitlines()[-1],
    )


def test_empty_folder_is_5(tmp_path: Path) -> None:
    """No cassette found is not a success."""
    ended = command_line("verify", tmp_path)
    assert (5, "0 userData operations in 0 cassettes: 0 passed, 0 failed, 0 cannot tell\n") == (ended.code, ended.out)


@pytest.mark.parametrize("place", [0, 1])
def test_path_that_does_not_exist_is_2(place: int, folder: Path) -> None:
    """A wrong path is reported before anything is judged, at any position."""
    paths = [folder / "good.yaml"]
    paths.insert(place, folder / "elsewhere.yaml")
    assert f"{folder}/elsewhere.yaml does not exist" == refused(command_line("verify", *paths))


def test_userdata_with_a_repeated_key_is_judged_and_reported(tmp_path: Path) -> None:
    """A duplicate key from the server is a failure, in text and in JSON."""
    data = '{"notificationType":"PropertiesUpdated","facebooksession":{"id":"S1","userData":{"A":1,"A":2,"B":"b"}}}'
    push = Notification(channel=TOPIC, data=data, seen=2.0)
    played = cassette(get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push)
    for options in ([], ["--json"]):
        code, out = verified(played, tmp_path, *options)
        assert (1, True) == (code, "repeated key" in out)


@pytest.mark.parametrize("options", [(), ("-v",), ("-q",)], ids=" ".join)
def test_nothing_recorded_can_steer_a_terminal(options: tuple[str, ...], tmp_path: Path) -> None:
    """Keys, values, ids and operations with control characters are shown escaped, in any verdict."""
    key = "\x1b[31m\x9b2J"
    for after in ({key: 2}, {key: 2, "\x1b]0;x\x07": 1}, {key: "\x1b[2J"}):
        played = cassette(
            get({key: 1}, began=0.0, session="\x1b[1m"),
            update({key: 2}, began=1.0, session="\x1b[1m"),
            push(after, seen=2.0, session="\x1b[1m"),
        )
        _, out = verified(played, tmp_path, *options)
        assert [] == [character for character in out if character != "\n" and not character.isprintable()]


def test_captured_session_is_named_by_its_operation(tmp_path: Path) -> None:
    """Every kind of operation of the family capture has its line."""
    _, out = verified(captured("longpoll-js-family").cassette, tmp_path)
    names = ["AttachUserData", "UpdateUserData", "AddComment", "UpdateUserData", "DeleteUserData", "SetDisposition"]
    assert names == [line.split()[3] for line in out.splitlines() if line.startswith("  passed")]
    assert SESSIONS not in out


def test_refused_update_passes_if_nothing_changed(tmp_path: Path) -> None:
    """One that changed something fails."""
    refusal = {"statusCode": 2}
    good = [get(BEFORE, began=0.0), update({"A": 2}, began=1.0, response=refusal)]
    assert 0 == verified(cassette(*good, get(BEFORE, began=2.0)), tmp_path)[0]
    code, out = verified(cassette(*good, get({**BEFORE, "A": 2}, began=2.0)), tmp_path)
    assert (1, True) == (code, "changed though it was refused: A: 1 -> 2" in out)
    assert 5 == verified(cassette(exchange("GET", "/x", None, b"", status=500)), tmp_path)[0]


def test_ignored_keys_are_reported(folder: Path) -> None:
    """A key that the server changes by itself does not count, by name or pattern, and the report lists it."""
    path = folder / "wrong.yaml"
    for pattern in ("B", "[B]", "*"):
        ended = command_line("verify", "--ignore", "Z*", "--ignore", pattern, path)
        line = "  passed      interaction 1  UpdateUserData S1: exactly A changed; ignored: B"
        assert (0, line) == (ended.code, ended.out.splitlines()[1])
    (found_update,) = json.loads(command_line("verify", "--json", "--ignore", "B", path).out.splitlines()[0])["updates"]
    assert ("passed", ["B"]) == (found_update["verdict"], found_update["ignored"])
    assert 1 == command_line("verify", "--ignore", "A", path).code


def test_number_of_processes_changes_nothing(folder: Path) -> None:
    """Same text, same order, same exit code."""
    paths = [folder, folder / "good.yaml", folder / "wrong.yaml"]
    alone = command_line("verify", "-v", *paths)
    assert alone == command_line("verify", "-v", "--jobs", "3", *paths)


def test_all_processes_use_the_same_stand_ins(folder: Path) -> None:
    """In unredacted cassettes: the processes share one key."""
    wrong = cassette(
        get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push({**BEFORE, "A": 2, "LastName": "Onv"}, seen=2.0)
    )
    paths = [saved(wrong, folder / "several" / f"{number}.yaml") for number in range(2)]
    lines = command_line("verify", "--jobs", "2", *paths).out.splitlines()
    one, other = (line for line in lines if "LastName: added" in line)
    assert one == other
    assert "Onv" not in one


def test_slow_run_shows_its_progress_on_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr, removed before each result, and never with -q or in a pipe."""
    monkeypatch.setattr("gws_replay.cli.options._FIRST_SHOWN", 0.0)
    paths = folder / "good.yaml", folder / "wrong.yaml"
    shown = command_line("verify", *paths, watched=True).err
    assert f"\r\x1b[K0 of 2 cassettes: {folder}/good.yaml\r\x1b[K" == shown
    assert "" == command_line("verify", "-q", *paths, watched=True).err
    assert "" == command_line("verify", *paths).err


def test_killed_worker_process_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when memory is full: one sentence for each cassette that it was reading."""
    monkeypatch.setattr("gws_replay.batch.processes._end_at_once", os.abort)
    paths = [folder / "good.yaml", folder / "wrong.yaml"]
    ended = command_line("verify", "--jobs", "2", *paths)
    lost = f"the process that read it was killed, perhaps for lack of memory: try fewer --jobs; {NOT_COMPARED}"
    assert 2 == ended.code
    assert [f"Error: {path}: {lost}" for path in paths] == ended.err.splitlines()


def test_reports_for_ci(folder: Path, tmp_path: Path) -> None:
    """JUnit has a case for each operation; unknown ones fail unless allowed; annotations name the line."""
    path = tmp_path / "reports" / "out"
    names = [folder / f"{name}.yaml" for name in ("good", "wrong", "unknown")]
    tally = "3 userData operations in 3 cassettes: 1 passed, 1 failed, 1 cannot tell"
    for options, failures in (((), "2"), (("--allow-unknown",), "1")):
        ended = command_line("verify", "--format", "junit", "--output", path, *options, *names)
        assert f"{tally}; written to {path}\n" == ended.out
        suites = ET.fromstring(path.read_text())
        assert ("3", failures) == (suites.get("tests"), suites.get("failures"))
    printed = command_line("verify", "--format", "github", *names).out
    text = names[1].read_text().splitlines()
    line = [number for number, row in enumerate(text, 1) if row.startswith("- request:")][1]
    assert (
        f"::error file={names[1]},line={line},title=gws-replay%3A failed::UpdateUserData S1: changed besides" in printed
    )
    assert f"::warning file={names[2]}," in printed
    started = command_line("verify", *names, environment={"GITHUB_ACTIONS": "true"})
    assert printed == started.err


def test_text_and_json_go_to_a_file_too(folder: Path, tmp_path: Path) -> None:
    """The same text as on stdout."""
    for name in ("text", "json", "markdown", "sarif"):
        printed = command_line("verify", "--format", name, folder / "wrong.yaml").out
        command_line("verify", "--format", name, "--output", tmp_path / "out", folder / "wrong.yaml")
        assert printed == (tmp_path / "out").read_text()


def test_evidence_behind_a_verdict_is_explained(tmp_path: Path) -> None:
    """For the operation that --explain names; as lines and as JSON."""
    code, out = verified(WRONG, tmp_path, "--explain", "1")
    lines = [line.split(maxsplit=1) for line in out.splitlines()]
    evidence = [(words[0], words[1]) for words in lines if len(words) == 2]
    assert 1 == code
    assert ("sent", "UpdateUserData at 1.000 s: A = 2") in evidence
    assert ("response", "accepted") in evidence
    assert ("other", "no other operation wrote to it at that time") in evidence
    assert any(word == "view" and 'against before: A: 1 -> 2; B: "b" -> "c"' in text for word, text in evidence)
    assert ("verdict", 'changed besides: B: "b" -> "c"') in evidence
    as_json = json.loads(verified(WRONG, tmp_path, "--explain", "1", "--json")[1].splitlines()[0])
    assert {"about": "response", "text": "accepted"} in as_json["updates"][0]["evidence"]


def test_explain_of_another_interaction_names_the_operations(tmp_path: Path) -> None:
    """The error is one sentence, and the exit code is 2."""
    file = saved(WRONG, tmp_path / "x.yaml")
    ended = command_line("verify", "--explain", "0", file)
    why = "interaction 0 is not a userData operation: give --explain one of 1"
    assert (2, f"Error: {file}: {why}\n") == (ended.code, ended.err)


def test_explain_says_that_a_cassette_has_no_operation(tmp_path: Path) -> None:
    """A cassette with a GET alone."""
    ended = command_line("verify", "--explain", "0", saved(cassette(get(BEFORE, began=0.0)), tmp_path / "x.yaml"))
    assert (2, True) == (ended.code, ended.err.endswith("this cassette has none, so leave --explain out\n"))


@pytest.mark.parametrize(
    ("options", "code"),
    [([], 1), (["--coerce", "string"], 0), (["--coerce", "string:A*"], 0), (["--coerce", "string:B"], 1)],
)
def test_server_may_keep_values_as_strings(options: list[str], code: int, tmp_path: Path) -> None:
    """For all keys, or for those that are named; it is reported."""
    kept = cassette(get(BEFORE, began=0.0), update({"A": 2}, began=1.0), push({**BEFORE, "A": "2"}, seen=2.0))
    ended, out = verified(kept, tmp_path, *options)
    assert code == ended
    assert ("; coerced: A" in out) == (code == 0)


@pytest.mark.parametrize("value", ["int", "string:", "number:A"])
def test_coerce_takes_strings_only(value: str, tmp_path: Path) -> None:
    """Another word is a usage error."""
    ended = command_line("verify", "--coerce", value, saved(WRONG, tmp_path / "x.yaml"))
    assert (2, True) == (ended.code, "needs string or string:NAME" in ended.err)


def test_update_to_the_same_values_is_reported_as_no_change(tmp_path: Path) -> None:
    """An update to the values that were there."""
    same = cassette(get(BEFORE, began=0.0), update({"A": BEFORE["A"]}, began=1.0), push(BEFORE, seen=2.0))
    assert ": nothing changed\n" in verified(same, tmp_path)[1]
