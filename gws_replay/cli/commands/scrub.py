"""`gws-replay scrub`: redact cassettes that exist, or check that nothing is left to redact."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from gws_replay.cli.options import (
    IN_PLACE,
    PATH,
    Output,
    keep_option,
    output_options,
    redact_option,
    warn_if_unredacted,
)
from gws_replay.core.json_compare import printable
from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.formats.vcr import edit as vcr_edit
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.formats.vcr.scrub import FoundSecret, Scrub
from gws_replay.settings.redaction import policy_of, redactor
from gws_replay.storage.files import cassettes_in, read_text, write_whole

_FOUND = 3
Accepted = Mapping[str, Sequence[Mapping[str, str]]]


@click.command()
@click.argument("paths", type=IN_PLACE, nargs=-1, required=True, metavar="PATH...")
@redact_option
@keep_option
@click.option("--dry-run", is_flag=True, help="Show what would be redacted; write nothing.")
@click.option("--check", is_flag=True, help="As --dry-run, and end with 3 if there is anything: for CI and hooks.")
@click.option("--baseline", type=PATH, help="A file of findings that are accepted: --check passes them over.")
@click.option("--update-baseline", is_flag=True, help="Write all that is found now to the --baseline file.")
@output_options("No line for what was found.", "Also name the cassettes that hold nothing to redact.")
def scrub(
    *,
    output: Output,
    paths: Sequence[Path],
    redact: str,
    keep: tuple[str, ...],
    dry_run: bool,
    check: bool,
    baseline: Path | None,
    update_baseline: bool,
) -> int:
    """Redact cassettes (files or folders), ours or plain vcrpy's, in place; all else in them stays as it is.

    They are files on this machine: what is on storage is not rewritten.

    What is found is named by file, interaction and rule, never by its value. Own rules stand in pyproject.toml under
    [tool.gws_replay.redact].

    Exit codes: 0 done, or nothing found; 2 a file is no cassette; 3 something was found by --check.
    """
    if update_baseline and baseline is None:
        raise GwsReplayError("--update-baseline needs --baseline FILE: that file is written")
    warn_if_unredacted(redact)
    policy = policy_of(redact, {"keep": keep}, "--keep")
    accepted = _read(baseline) if baseline and not update_baseline else {}
    writes = not (dry_run or check or update_baseline)
    found: dict[str, list[FoundSecret]] = {}
    broken: list[str] = []
    for path in list(cassettes_in(paths)):
        try:
            findings = _scrub(path, policy, writes=writes)
        except CassetteError as error:
            broken.append(str(error))
            continue
        known = {(each.get("place"), each.get("rule")) for each in accepted.get(path.as_posix(), ())}
        found[path.as_posix()] = [each for each in findings if (each.place, each.rule) not in known]
        _report(path, found[path.as_posix()], output)
    for problem in broken:
        click.echo(f"Error: {problem}", err=True)
    if baseline and update_baseline:
        write_whole(baseline, [json.dumps(_spelled(found), indent=2) + "\n"])
    if broken:
        return 2
    return _FOUND if check and any(found.values()) else 0


def _scrub(path: Path, policy: Policy, *, writes: bool) -> list[FoundSecret]:
    as_json, source = path.suffix == ".json", str(path)
    text = vcr_yaml.whole_lines(read_text(path), source, as_json=as_json)
    document = vcr_yaml.parse(text, source, as_json=as_json)
    done = Scrub(document, source, partial(redactor, policy)).run()
    if writes and done.changes:
        write_whole(path, [vcr_edit.edited(text, done, as_json=as_json)])
    return done.findings


def _report(path: Path, findings: Sequence[FoundSecret], output: Output) -> None:
    if output.as_json:
        output.result("", {"path": str(path), "findings": _spelled({"": findings})[""]})
        return
    if not output.quiet:
        for finding in findings:
            click.echo(printable(f"{path}: {finding.place}: {finding.rule}"))
    if not findings:
        output.detail(f"{path}: nothing to redact")


def _spelled(found: Mapping[str, Sequence[FoundSecret]]) -> dict[str, list[dict[str, str]]]:
    return {
        path: [{"place": each.place, "rule": each.rule} for each in findings]
        for path, findings in found.items()
        if findings or not path
    }


def _read(baseline: Path) -> Accepted:
    try:
        found: Accepted = json.loads(read_text(baseline))
        if all(isinstance(each, dict) for listed in found.values() for each in listed):
            return found
    except (ValueError, AttributeError, TypeError):
        pass
    raise GwsReplayError(f"{baseline} is no baseline: write it with --update-baseline")
