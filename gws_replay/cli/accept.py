"""`gws-replay diff --accept`: rewrites the parts of a baseline that drifted, after a question."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gws_replay.core.comparison.accept import accepted, drifted
from gws_replay.core.comparison.finding import Finding
from gws_replay.errors import GwsReplayError
from gws_replay.formats.vcr import check as vcr_check
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.formats.vcr.splice import spliced
from gws_replay.storage.files import Location, load_cassette, read_text, write_whole

Drifted = tuple[Path, Location, Sequence[Finding]]


def accept_drift(found: Sequence[Drifted], *, yes: bool) -> Sequence[Finding]:
    """Rewrite baselines if a person agrees, or has agreed with --yes; return the findings that are settled by that.

    Raises GwsReplayError if there is no terminal to ask on, or if a baseline cannot be rewritten.
    """
    if not found:
        return ()
    count = sum(len({each.place for each in drifted(findings)}) for _, _, findings in found)
    question = f"Rewrite what drifted in {_files(found)} ({count} of its exchanges and notifications)"
    if not yes:
        if not sys.stdin.isatty():
            raise GwsReplayError(f"{question}: nobody can be asked here (no terminal): give --yes. Nothing was changed")
        if not click.confirm(f"{question}?", err=True):
            click.echo("Nothing was changed.", err=True)
            return ()
    # Every new text is computed before the first file is written.
    rewritten = [(baseline, _rewritten(baseline, candidate, findings)) for baseline, candidate, findings in found]
    for path, pieces in rewritten:
        write_whole(path, pieces)
    click.echo(f"Rewrote {_files(found)}.", err=True)
    return [each for _, _, findings in found for each in findings if each.kind != "order"]


def _rewritten(baseline: Path, candidate: Location, findings: Sequence[Finding]) -> list[str]:
    """Return the new text of a baseline, in pieces."""
    old, text = load_cassette(baseline), read_text(baseline)
    is_json = baseline.suffix == ".json"
    if not (json.loads(text).get("gws_replay") if is_json else "\ngws_replay:" in text):
        raise GwsReplayError(f"{baseline} was not written by gws-replay: convert it first (gws-replay convert)")
    try:
        new = accepted(old, load_cassette(candidate), findings)
    except ValueError as error:
        raise GwsReplayError(f"{baseline} cannot be rewritten: {error}") from None
    pieces = vcr_yaml.dump_json(new) if is_json else spliced(text, old, new)
    return list(vcr_check.checked(pieces, new, str(baseline), as_json=is_json))


def _files(found: Sequence[Drifted]) -> str:
    return str(found[0][0]) if len(found) == 1 else f"{len(found)} cassettes"
