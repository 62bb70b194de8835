"""Own rules from pyproject.toml, the key from the environment; errors are reported with file and line."""

from pathlib import Path

import pytest

from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import GwsReplayError
from gws_replay.settings.redaction import policy_of, redactor
from tests.cli.commands.test_scrub import small
from tests.support.commands import command_line

TABLE = "[tool.gws_replay.redact]"


def pyproject(folder: Path, *lines: str) -> Path:
    """A pyproject.toml."""
    path = folder / "pyproject.toml"
    path.write_text("\n".join(["[project]", 'name = "x"', *lines]) + "\n", "utf-8")
    return path


def test_rules_come_from_the_nearest_pyproject(tmp_path: Path) -> None:
    """In a folder above; the options of a command are added."""
    pyproject(
        tmp_path, TABLE, 'keep = ["Subject"]', 'secret = ["$.a.b", "header:x-a"]', 'personal = ["pattern:K[0-9]+"]'
    )
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    expected = Policy("all", ("Subject", "More"), ("$.a.b", "header:x-a"), ("pattern:K[0-9]+",))
    assert expected == policy_of("all", {"keep": ["More"]}, start=below)
    pyproject(below)
    assert Policy("secrets") == policy_of("secrets", start=below)


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (['secret = ["a", "pattern:("]'], 4, "secret: 'pattern:(': cannot be read as a regular expression"),
        (["keep = [", '  "$.a[0]",', "]"], 5, "keep: '$.a[0]' cannot be read as a path"),
        (['personal = ["$"]'], 4, "names the whole body"),
        (['personal = ["pattern:x*"]'], 4, "matches the empty text"),
        (['personal = ["pattern:(b+)+$"]'], 4, "'pattern:(b+)+$': takes too long"),
        (['personal = ["shape:nose"]'], 4, "'shape:nose' is unknown: there is shape:ip-address"),
        (['keep = ["pattern:x"]'], 4, "keep takes keys, paths and headers"),
        (['keep = "Subject"'], 4, "keep must be a list of strings"),
        (['keep = [""]'], 4, "a rule is empty"),
        (['forget = ["x"]'], 4, "'forget' is unknown: there are keep, secret, personal"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named_with_file_and_line(lines: list[str], line: int, message: str, tmp_path: Path) -> None:
    """And what is wrong with it."""
    path = pyproject(tmp_path, TABLE, *lines)
    with pytest.raises(GwsReplayError) as caught:
        policy_of(start=tmp_path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert message in str(caught.value)


def test_invalid_pyproject_is_reported(tmp_path: Path) -> None:
    """With its path; as is a value that is not a table."""
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool", "utf-8")
    with pytest.raises(GwsReplayError, match="cannot be parsed as TOML"):
        policy_of(start=tmp_path)
    path.write_text("tool.gws_replay.redact = 1", "utf-8")
    with pytest.raises(GwsReplayError, match="must be a table"):
        policy_of(start=tmp_path)
    with pytest.raises(GwsReplayError, match="the level of redaction is all or secrets or none, not 'some'"):
        policy_of("some", start=Path("/"))


def test_wrong_rule_ends_a_command_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, exit code 2; a correct rule is used."""
    path = small(tmp_path / "c.yaml")
    monkeypatch.chdir(tmp_path)
    pyproject(tmp_path, TABLE, 'secret = ["pattern:("]')
    ended = command_line("scrub", "--check", path)
    assert (2, True) == (ended.code, ", line 4: secret: 'pattern:('" in ended.err)
    pyproject(tmp_path, TABLE, 'keep = ["FirstName"]')
    assert 0 == command_line("scrub", "--check", path).code


def test_the_key_of_the_environment_makes_stand_ins_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it every recording has other stand-ins."""

    def stand_in() -> str:
        return redactor(Policy()).data('{"FirstName": "Vitaliy Onv"}')

    monkeypatch.delenv("GWS_REPLAY_KEY", raising=False)
    assert stand_in() != stand_in()
    monkeypatch.setenv("GWS_REPLAY_KEY", "a key of the team")
    assert stand_in() == stand_in()
