"""`gws-replay demo`: all steps with real parts, and the files that it leaves."""

import json
import signal
import sys
from pathlib import Path

from tests.support.proxies import GWS, Running, alive, run, wait_until

HIDING = (
    "import importlib.util, sys; real = importlib.util.find_spec;"
    "importlib.util.find_spec = lambda name, *a: None if name == {name!r} else real(name, *a);"
    "from gws_replay.cli import main; sys.argv = ['gws-replay', 'demo']; main()"
)
STORY = [
    "1. Record",
    "$ gws-replay record --upstream http://localhost:",
    "saved cassettes/update.yaml: 6 exchanges, 1 notification (1 content)",
    "2. Look",
    'UserData1: "DATA1" -> 987654321 (string to integer)',
    "3. Replay in pytest",
    "2 passed",
    "4. Prove",
    "exactly UserData1, UserData2 changed",
    "5. The same client",
    "and verify catches it",
    "FAILED      interaction 3  UpdateUserData",
    "changed besides: FirstName",
    "All of it is in gws-replay-demo/",
]


def test_demo_prints_its_steps_and_leaves_files_to_copy(tmp_path: Path) -> None:
    """In order, with the results; files of an earlier run are replaced, a foreign folder is not touched."""
    folder = tmp_path / "gws-replay-demo"
    folder.mkdir()
    (folder / "agent.py").write_text("of an earlier version")
    done = run(*GWS, "demo", "--json", cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    place = 0
    for part in STORY:
        place = done.stderr.find(part, place)
        assert place >= 0, part
    codes = json.loads(done.stdout)["exit_codes"]
    assert {"record": 0, "replay": 0, "verify": 0, "record faulty": 0, "verify faulty": 1} == codes
    names = {"agent.py", "test_agent.py", "pytest.ini", "cassettes"}
    assert names <= {path.name for path in folder.iterdir()}
    (folder / "mine.txt").write_text("precious")
    refused = run(*GWS, "demo", cwd=tmp_path)
    assert (2, True) == (refused.returncode, "holds other files (mine.txt)" in refused.stderr)


def test_missing_package_is_named(tmp_path: Path) -> None:
    """With the pip line."""
    for name in ("mitmproxy", "aiocometd_ng"):
        done = run(sys.executable, "-c", HIDING.format(name=name), cwd=tmp_path)
        assert 2 == done.returncode
        assert f"the demo needs {name}, which is not installed: pip install 'gws-replay[demo]'" in done.stderr
    assert [] == list(tmp_path.iterdir())


def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    """Sent while the proxy records, to the whole group, as a terminal does."""
    with Running([*GWS, "demo"], cwd=tmp_path, start_new_session=True) as demo:
        demo.line("Recording http://localhost:")
        children = [pid for pid in map(int, descendants(demo.process.pid)) if pid != demo.process.pid]
        assert len(children) >= 3
        for pid in [demo.process.pid, *children]:
            if in_group(pid, demo.process.pid):
                signal_to(pid)
        assert 130 == demo.finish()
        wait_until(lambda: not any(map(alive, children)), "the children to end")


def descendants(pid: int) -> list[str]:
    """The ids of all processes below one."""
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [*below, *(each for child in below for each in descendants(int(child)))]


def in_group(pid: int, group: int) -> bool:
    """Return whether the terminal's Ctrl-C reaches a process."""
    import os

    try:
        return os.getpgid(pid) == group
    except ProcessLookupError:
        return False


def signal_to(pid: int) -> None:
    """Send Ctrl-C."""
    import os
    from contextlib import suppress

    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
