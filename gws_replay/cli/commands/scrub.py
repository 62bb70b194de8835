"""`gws-replay scrub`: redact cassettes that exist, or check that nothing is left to redact."""

import json
from collections.abc import Iterator, Mapping, Sequence
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
from gws_replay.core.redaction import suspects as limits
from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.formats.vcr import edit as vcr_edit
from gws_replay.formats.vcr import yaml_text as vcr_yaml
from gws_replay.formats.vcr.scrub import RedactedPlace, Scrub
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
    """Redact existing cassettes (files or folders) in place, ours or plain vcrpy's; nothing else in them changes.

    Only files on this machine are rewritten, not object storage.

    A finding is shown with its file, interaction and rule, never with its value. Your own rules are in pyproject.toml
    under [tool.gws_replay.redact].

    Exit codes: 0 done, or nothing found; 2 a file is not a cassette; 3 --check found something.
    """
    if update_baseline and baseline is None:
        raise GwsReplayError("--update-baseline needs --baseline FILE: that file is written")
    warn_if_unredacted(redact)
    policy = policy_of(redact, {"keep": keep}, "--keep")
    accepted = _read(baseline) if baseline and not update_baseline else {}
    writes = not (dry_run or check or update_baseline)
    done: dict[str, Scrub] = {}
    found: dict[str, list[RedactedPlace]] = {}
    broken: list[str] = []
    for path in _cassettes(paths, writes=writes):
        try:
            scrubbed = _scrub(path, policy, writes=writes)
        except CassetteError as error:
            broken.append(str(error))
            continue
        done[str(path)] = scrubbed
        accepted_places = {(each.get("place"), each.get("rule")) for each in accepted.get(path.as_posix(), ())}
        found[path.as_posix()] = [each for each in scrubbed.findings if (each.place, each.rule) not in accepted_places]
        _report(path, scrubbed, found[path.as_posix()], output)
    if not output.as_json and not output.quiet:
        _report_limits(done)
    for problem in broken:
        click.echo(f"Error: {problem}", err=True)
    if baseline and update_baseline:
        write_whole(baseline, [json.dumps(_spelled(found), indent=2) + "\n"])
    if broken:
        return 2
    return _FOUND if check and any(found.values()) else 0


def _cassettes(paths: Sequence[Path], *, writes: bool) -> Iterator[Path]:
    """Yield the cassettes of paths; a link that leads out of the folder that was named is not written through."""
    for given in paths:
        for path in list(cassettes_in([given])):
            if writes and given.is_dir() and not path.resolve().is_relative_to(given.resolve()):
                click.echo(
                    f"{path} is a link to a file outside of {given}: it was left alone; to redact that file, name it",
                    err=True,
                )
            else:
                yield path


def _scrub(path: Path, policy: Policy, *, writes: bool) -> Scrub:
    as_json, source = path.suffix == ".json", str(path)
    content = read_text(path)
    text = vcr_yaml.whole_lines(content, source, as_json=as_json)
    document = vcr_yaml.parse(text, source, as_json=as_json)
    done = Scrub(document, source, partial(redactor, policy)).run()
    if writes and done.changes:
        mark = content[: len(content) - len(text)]  # a byte order mark
        write_whole(path, [mark, vcr_edit.edited(text, done, as_json=as_json)])
    return done


def _report(path: Path, done: Scrub, findings: Sequence[RedactedPlace], output: Output) -> None:
    if output.as_json:
        spelled = {
            "findings": _spelled({"": findings})[""],
            "not_examined": done.unread,
            "suspects": sorted(done.suspects),
        }
        output.result("", {"path": str(path), **spelled})
        return
    if not output.quiet:
        for finding in findings:
            click.echo(printable(f"{path}: {finding.place}: {finding.rule}"))
    if not findings:
        output.detail(f"{path}: nothing to redact")


def _report_limits(done: Mapping[str, Scrub]) -> None:
    """Say on stderr what could not be examined, and which keys sound as if a rule were missing for them."""
    for path, scrubbed in done.items():
        for place, kind in scrubbed.unread.items():
            click.echo(printable(f"{path}: {place}: not examined ({kind})"), err=True)
    lines = limits.rules_to_add({key for scrubbed in done.values() for key in scrubbed.suspects})
    for line in lines:
        click.echo(printable(line), err=True)


def _spelled(found: Mapping[str, Sequence[RedactedPlace]]) -> dict[str, list[dict[str, str]]]:
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
    raise GwsReplayError(f"{baseline} cannot be read as a baseline: write it with --update-baseline")
