"""What does not count when requests are compared: options, and the table of pyproject.toml."""

from pathlib import Path

import pytest

from gws_replay.core.replay.request_fields import NOTHING_IGNORED, IgnoredFields
from gws_replay.errors import GwsReplayError
from gws_replay.settings.matching import ignored_fields

TABLE = '[tool.gws_replay.matching]\nignore_query = ["_"]\nignore_body = ["$.requestId"]\n'


def test_the_table_and_the_options_add_up(tmp_path: Path) -> None:
    """The nearest pyproject.toml counts, from a folder upwards."""
    (tmp_path / "pyproject.toml").write_text(TABLE)
    folder = tmp_path / "tests" / "unit"
    folder.mkdir(parents=True)
    expected = IgnoredFields(("_", "t"), ("$.requestId", "$..at"))
    assert expected == ignored_fields(["t"], ["$..at"], start=folder)


def test_a_file_without_the_table_ignores_nothing(tmp_path: Path) -> None:
    """Whatever else stands in it, even if it is not TOML."""
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert NOTHING_IGNORED == ignored_fields(start=tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("[tool.other\n")
    assert NOTHING_IGNORED == ignored_fields(start=other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TABLE.replace("_query", "_headers"), "takes ignore_query and ignore_body, each a list of strings"),
        (TABLE.replace('["_"]', '"_"'), "ignore_query must be a list of strings"),
        (TABLE.replace('["_"]', "[1]"), "ignore_query must be a list of strings"),
        (TABLE.replace("$.requestId", "requestId"), "ignore_body: 'requestId' cannot be parsed as a JSON path: write"),
        ("[tool.gws_replay]\nmatching = 1\n", "takes ignore_query and ignore_body"),
        ("[tool.gws_replay.matching\n", "cannot be parsed as TOML"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    """The error names the file and the valid content."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(GwsReplayError) as caught:
        ignored_fields(start=tmp_path)
    assert str(tmp_path / "pyproject.toml") in str(caught.value)
    assert message in str(caught.value)


def test_a_wrong_option_is_refused(tmp_path: Path) -> None:
    """With the way to write one."""
    with pytest.raises(GwsReplayError, match=r"--ignore-body: '\$' cannot be parsed as a JSON path: write \$\.name"):
        ignored_fields(body=["$"], start=tmp_path)
