"""`gws-replay pending`: the recordings of failed tests, which wait beside their cassettes for a decision."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import click

from gws_replay.cli.options import PATH, Output, output_options
from gws_replay.core.comparison.diff import diff
from gws_replay.core.counted import counted
from gws_replay.errors import GwsReplayError
from gws_replay.reports.terminal import findings as differences
from gws_replay.storage.files import load_cassette, pending_path, put_in_place, reason
from gws_replay.storage.names import CASSETTE_SUFFIXES

_MARK = ".pending"
_NOT_OURS = {"node_modules", "__pycache__"}
Action = Literal["list", "review", "accept", "reject"]


@click.command()
@click.argument("action", type=click.Choice(["list", "review", "accept", "reject"]), default="list")
@click.argument("paths", nargs=-1, type=PATH)
@output_options("Only what is asked for.", "Nothing more.")
def pending(*, output: Output, action: Action, paths: tuple[Path, ...]) -> int:
    """Show, accept or reject recordings of tests that failed while they were recorded.

    Such a recording is kept as NAME.pending.yaml, and its cassette stays as it was. `list` (the default) names them,
    `review` shows what differs from the cassette, `accept` makes them the cassettes, `reject` removes them. PATHS are
    folders, cassettes or pending files; the default is this folder and all below. Exit code 1 if `list` or `review`
    found any.
    """
    found = list(_found(paths or (Path(),)))
    for each in found:
        if action == "accept":
            _accept(each, output)
        elif action == "reject":
            _reject(each, output)
        else:
            _show(each, output, differs=action == "review")
    if not found:
        output.progress("nothing is pending")
    return 1 if found and action in ("list", "review") else 0


def _found(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from _below(path)
        elif _is_pending(path) and path.is_file():
            yield path
        elif pending_path(path).is_file():
            yield pending_path(path)
        else:
            raise GwsReplayError(f"{path}: nothing is pending there")


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NOT_OURS and not name.startswith("."))
        yield from (path for name in sorted(names) if _is_pending(path := Path(root, name)))


def _is_pending(path: Path) -> bool:
    return path.suffix in CASSETTE_SUFFIXES and path.stem.endswith(_MARK)


def _cassette_of(path: Path) -> Path:
    return path.with_name(f"{path.stem.removesuffix(_MARK)}{path.suffix}")


def _show(path: Path, output: Output, *, differs: bool) -> None:
    new, cassette = load_cassette(path), _cassette_of(path)
    what = f"{counted(len(new.interactions), 'exchange')}, {counted(len(new.notifications), 'notification')}"
    if not cassette.exists():
        text = f"{path}: {what}; there is no cassette {cassette.name} yet"
        output.result(text, {"path": str(path), "cassette": None})
        return
    found = [each for each in diff(load_cassette(cassette), new) if not each.suppressed]
    lines = list(differences.lines(found)) if differs else []
    text = f"{path}: {what}; {counted(len(found), 'difference')} from {cassette.name}"
    sentences = [differences.sentence(each) for each in found]
    value = {"path": str(path), "cassette": str(cassette), "differences": sentences}
    output.result("\n".join([text, *lines]), value)


def _accept(path: Path, output: Output) -> None:
    load_cassette(path)  # or a torn file would take the place of a whole one
    cassette = _cassette_of(path)
    put_in_place(path, cassette)
    output.result(f"{cassette}: recorded anew", {"accepted": str(cassette)})


def _reject(path: Path, output: Output) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise GwsReplayError(f"cannot remove {path}: {reason(error)}") from None
    output.result(f"{path}: removed", {"rejected": str(path)})
