"""`gws-replay demo`: the whole story on the embedded sandbox, by the commands that a person would type."""

import importlib.util
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import click

from gws_replay.cli.options import PATH, Output, colour, output_options
from gws_replay.errors import GwsReplayError

_FILES = ("agent.py", "test_agent.py", "pytest.ini")
_OURS = {*_FILES, "cassettes", "__pycache__", ".pytest_cache"}
_PATIENCE = 30.0


@click.command()
@click.option("--dir", "folder", type=PATH, default="gws-replay-demo", show_default=True, help="The folder to use.")
@output_options("Only what the commands print.", "Also mitmproxy's own log.")
def demo(*, output: Output, folder: Path) -> int:
    """Record, show, replay and prove on the built-in sandbox; then record a faulty server, and find the fault.

    A real CometD client talks through mitmproxy to the sandbox. The cassettes, the client and its test are left in a
    folder, to look at and to copy. Exit code 1 if a step did not end as it should.
    """
    for module in ("mitmproxy", "aiocometd_ng"):
        if importlib.util.find_spec(module) is None:
            raise GwsReplayError(f"the demo needs {module}, which is not installed: pip install 'gws-replay[demo]'")
    _lay_out(folder)
    story = _Story(folder, output)
    story.tell(
        "1. Record: a CometD client logs in, subscribes, updates two of 83 userData keys, gets the notification."
    )
    recorded = story.record("update.yaml", fault=None)
    story.tell(
        "2. Look: operations and notifications with their causes, and what changed. "
        "No secret was written, and no person's data."
    )
    story.run("show", "cassettes/update.yaml")
    story.tell("3. Replay in pytest, REST and notification: the sandbox is gone and the network is closed.")
    replayed = story.call([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_agent.py"], "pytest")
    story.tell("4. Prove: exactly UserData1 and UserData2 changed, to exactly what was sent.")
    proved = story.run("verify", "cassettes/update.yaml")
    story.tell("5. The same client against a server that changes another key, too: each response says statusCode 0 ...")
    faulty = story.record("update-wrong-server.yaml", fault="extra-key")
    story.tell("   ... and verify catches it.")
    caught = story.run("verify", "cassettes/update-wrong-server.yaml")
    codes = {"record": recorded, "replay": replayed, "verify": proved, "record faulty": faulty, "verify faulty": caught}
    wanted = {"record": 0, "replay": 0, "verify": 0, "record faulty": 0, "verify faulty": 1}
    output.result("", {"folder": str(folder), "exit_codes": codes})
    if codes != wanted:
        wrong = ", ".join(f"{step} ended with {codes[step]}" for step in codes if codes[step] != wanted[step])
        raise GwsReplayError(f"the demo did not go as it should: {wrong}; look into {folder}", exit_code=1)
    story.tell(f"All of it is in {folder}/: agent.py, test_agent.py, cassettes/. Try: cd {folder} && pytest")
    return 0


class _Story:
    """Runs the steps in the folder, and shows each command as a person would type it."""

    def __init__(self, folder: Path, output: Output) -> None:
        self.folder = folder
        self.output = output

    def tell(self, text: str) -> None:
        """Tell the story where the commands print their results, so that the order holds in a file too."""
        if not self.output.quiet:
            click.secho(f"\n{text}", bold=True, err=self.output.as_json, color=colour())

    def run(self, *arguments: str) -> int:
        return self.call([sys.executable, "-m", "gws_replay", *arguments], "gws-replay", len(arguments))

    def record(self, cassette: str, *, fault: str | None) -> int:
        verbose = ["-v"] if self.output.verbose else []
        with _sandbox(fault) as url:
            target = ["--upstream", url, "--cassette", f"cassettes/{cassette}", "--force"]
            return self.run("record", *verbose, *target, "--", sys.executable, "agent.py")

    def call(self, command: Sequence[str], name: str, shown: int | None = None) -> int:
        words = [name, *command[len(command) - (shown if shown is not None else 1) :]]
        words = ["python" if word == sys.executable else word for word in words]
        if not self.output.quiet:
            click.secho(f"$ {shlex.join(words)}", fg="cyan", err=self.output.as_json, color=colour())
        # With --json, stdout belongs to our own result.
        stdout = sys.stderr if self.output.as_json else None
        return subprocess.run(command, cwd=self.folder, stdout=stdout, check=False).returncode


@contextmanager
def _sandbox(fault: str | None) -> Iterator[str]:
    """Run the sandbox in a process of its own, and give its URL."""
    arguments = ["sandbox", "--json", "-q", "--push-delay", "0.3", *(["--fault", fault] if fault else [])]
    with subprocess.Popen(
        [sys.executable, "-m", "gws_replay", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            first = process.stdout.readline() if process.stdout else ""
            if not first:
                raise GwsReplayError("the sandbox did not start: run `gws-replay sandbox` to see why")
            yield json.loads(first)["url"]
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _lay_out(folder: Path) -> None:
    """Write the client and its test; a folder that holds anything else is not ours to write into."""
    from gws_replay.storage.files import write_whole

    if folder.exists() and not folder.is_dir():
        raise GwsReplayError(f"{folder} is a file: name another folder with --dir")
    others = sorted(path.name for path in folder.iterdir() if path.name not in _OURS) if folder.exists() else []
    if others:
        raise GwsReplayError(f"{folder} holds other files ({', '.join(others[:3])}): name another folder with --dir")
    try:
        (folder / "cassettes").mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            text = resources.files("gws_replay.demo").joinpath(name).read_text("utf-8")
            write_whole(folder / name, [text])
    except OSError as error:
        raise GwsReplayError(f"cannot write to {folder}: {error.strerror}") from None
