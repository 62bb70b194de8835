"""`gws-replay noise learn`: the file it writes, and `diff --noise`, which reads it."""

import json
from pathlib import Path

from tests.support.builders import cassette, push, update
from tests.support.commands import command_line, refused, saved


def recorded(folder: Path, *queues: str) -> list[Path]:
    """Runs in which routing chose these queues."""
    return [
        saved(cassette(update({"A": 2}, began=1.0), push({"A": 2, "RVQ": queue}, seen=2.0)), folder / f"{queue}.yaml")
        for queue in queues
    ]


def test_learned_noise_is_not_reported_as_a_finding(tmp_path: Path) -> None:
    """The file lists how often each place differed, for review; `diff` counts the noise and shows it on request."""
    first, second, third = recorded(tmp_path, "q1", "q2", "q3")
    path = tmp_path / "noise.json"
    ended = command_line("noise", "learn", first, second, "--output", path)
    where = "UpdateUserData  notification PropertiesUpdated.facebooksession.userData.RVQ"
    assert (0, f"  1 of 1  {where}\n1 place differed in 2 recordings: {path}\n") == (ended.code, ended.out)
    assert [str(first), str(second)] == json.loads(path.read_text())["learned_from"]
    assert 1 == command_line("diff", first, third).code
    ended = command_line("diff", first, third, "--noise", path, "-v")
    assert 0 == ended.code
    assert "  noise        value    UpdateUserData S1" in ended.out
    assert "1 suppressed (1 noise)" in ended.out


def test_noise_learn_refuses_wrong_input(tmp_path: Path) -> None:
    """A single recording; an existing file is kept; a file that is not a noise file is refused."""
    first, second = recorded(tmp_path, "q1", "q2")
    path = tmp_path / "noise.json"
    assert "give two of one scenario" in refused(command_line("noise", "learn", first, "--output", path), 5)
    assert "cannot read" in refused(command_line("diff", first, second, "--noise", path))
    path.write_text("{}")
    assert f"{path} exists: give --force" in refused(command_line("noise", "learn", first, second, "--output", path))
    assert "it is not a noise file of format 1" in refused(command_line("diff", first, second, "--noise", path))
    assert 0 == command_line("noise", "learn", first, second, "--output", path, "--force").code
