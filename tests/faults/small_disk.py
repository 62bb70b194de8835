"""Records on a small disk that becomes full, then read-only, then larger: `python -m tests.faults.small_disk FOLDER`.

It mounts that disk itself, so it must be root, at least in a namespace of its own (`unshare --user --mount`). Prints a
JSON object with the errors and the saved exchanges.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gws_replay.errors import GwsReplayError
from gws_replay.formats import journal_lines as journal
from gws_replay.recording.journal_file import JournalFile, recover
from gws_replay.storage.files import load_cassette, save_cassette
from tests.support.builders import cassette, exchange


def mount(folder: Path, options: str) -> None:
    """Mount a disk, or change the one that is there."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "gws-replay", folder], check=True)


def error_of(do: Callable[[], object]) -> str:
    """The sentence and the exit code of the error that a call raises."""
    try:
        do()
    except GwsReplayError as error:
        return f"{error.exit_code} {error}"
    return ""


def main(folder: Path) -> None:
    """Run all steps."""
    mount(folder, "size=128k")
    old = cassette(exchange(began=0))
    save_cassette(old, folder / "old.yaml")
    recording = JournalFile(folder / "c.yaml", {"recorder": "me"})
    written: list[int] = []

    def write() -> None:
        for number in range(1000):
            recording.append(journal.request_line(f"{number}", number, exchange(path=f"/{number}").request))
            recording.append(journal.response_line(f"{number}", number, exchange(response="x" * 1000).response))
            written.append(number)

    outcomes = {"written": error_of(write), "finished": error_of(recording.finish)}
    large = cassette(*(exchange(response="x" * 9000, began=number) for number in range(40)))
    outcomes["saved"] = error_of(lambda: save_cassette(large, folder / "old.yaml"))
    mount(folder, "remount,ro")
    outcomes["read-only"] = error_of(lambda: JournalFile(folder / "d.yaml", {}))
    outcomes["read-only save"] = error_of(lambda: save_cassette(old, folder / "old.yaml"))
    mount(folder, "remount,rw,size=2m")
    recovered = recover(recording.path, folder / "c.yaml")
    found = load_cassette(folder / "c.yaml").interactions
    kept = load_cassette(folder / "old.yaml").named(old.source) == old
    names = sorted(path.name for path in folder.iterdir())
    print(
        json.dumps(
            {
                **outcomes,
                "count": len(written),
                "found": len(found),
                "kept": kept,
                "names": names,
                "damaged": recovered.damaged,
                "cut": recovered.cut,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
