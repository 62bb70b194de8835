"""`gws-replay recover`: the cassette of a recording that was interrupted."""

from collections.abc import Iterator
from pathlib import Path

import click

from gws_replay.cli.options import PATH, Output, force_option, output_options
from gws_replay.core.counted import counted
from gws_replay.errors import GwsReplayError
from gws_replay.recording import live_lines as live
from gws_replay.recording.journal_file import Recovered, held
from gws_replay.recording.journal_file import recover as recover_journal
from gws_replay.storage.files import check_suffix, reason


@click.command()
@click.argument("journal", type=PATH)
@click.option("--cassette", type=PATH, help="Where to save. Default: the journal's name without .journal.")
@force_option
@output_options("No notes about the journal.", "Say where the journal went.")
def recover(*, output: Output, journal: Path, cassette: Path | None, force: bool) -> int:
    """Save the cassette of a recording that was interrupted, then remove the journal.

    It holds everything that was complete before the interruption. Exit code 4 if lines in the middle of the journal
    were damaged: the rest is saved, and the journal is kept.
    """
    if not journal.is_file():
        raise GwsReplayError(f"{journal} {'is not a file' if journal.exists() else 'does not exist'}")
    target = cassette or _default(journal)
    check_suffix(target)
    if target.resolve() == journal.resolve():
        raise GwsReplayError(f"{journal} cannot become its own cassette: name another file with --cassette")
    if target.exists() and not force:
        raise GwsReplayError(f"{target} exists: name another with --cassette, or replace it with --force")
    with held(journal):
        recovered = recover_journal(journal, target)
        if not recovered.damaged:
            _remove(journal, output)
    for sentence in _missing(recovered):
        output.progress(sentence)
    if recovered.damaged:
        lines = ", ".join(map(str, recovered.damaged))
        click.echo(f"Error: {journal} is damaged in line {lines}; the rest was saved, the journal was kept.", err=True)
    found = recovered.compiled
    output.result(
        live.summary(found, str(target)),
        {
            "path": str(target),
            "interactions": len(found.cassette.interactions),
            "notifications": len(found.cassette.notifications),
            "begun": len(recovered.begun),
            "cut": recovered.cut,
            "damaged": list(recovered.damaged),
            "notes": list(found.notes),
        },
    )
    return 4 if recovered.damaged else 0


def _missing(recovered: Recovered) -> Iterator[str]:
    """Say what the interruption has cost."""
    if recovered.cut:
        yield f"{recovered.cut} bytes at the end of the journal are half a line: that message is not in the cassette."
    if count := len(recovered.begun):
        yield f"{counted(count, 'request')} had begun and not ended: the recording was interrupted before the response."


def _remove(journal: Path, output: Output) -> None:
    try:
        journal.unlink()
    except OSError as error:
        raise GwsReplayError(f"the cassette was saved, but {journal} cannot be removed: {reason(error)}") from None
    output.detail(f"removed {journal}")


def _default(journal: Path) -> Path:
    if journal.suffix != ".journal":
        raise GwsReplayError(f"{journal} does not end in .journal: name the cassette with --cassette")
    return journal.with_suffix("")
