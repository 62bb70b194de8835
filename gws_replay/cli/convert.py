"""`gws-replay convert`: other tools' recordings to cassettes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from gws_replay.cli.common import (
    PATH,
    Output,
    force_option,
    keep_option,
    output_options,
    redact_option,
    warn_if_unredacted,
)
from gws_replay.core.compile import Compiled, compile_recording, laid_out
from gws_replay.core.model import Recording
from gws_replay.core.policy import Policy
from gws_replay.core.redact import Redactor
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.files import check_suffix, load_cassette, read_text, save_cassette
from gws_replay.formats import har
from gws_replay.redaction import policy_of, redactor
from gws_replay.reports import live

_FLOW_SUFFIXES = (".flow", ".flows", ".mitm", ".dump")


@click.command()
@click.argument("in_", type=PATH, metavar="IN")
@click.argument("out", type=PATH)
@redact_option
@keep_option
@force_option
@output_options("Print nothing but errors.", "Say what IN was taken for.")
def convert(*, output: Output, in_: Path, out: Path, redact: str, keep: tuple[str, ...], force: bool) -> None:
    """Make a cassette OUT (.yaml or .json) of a recording IN.

    IN is a mitmproxy flow file (.flow, .mitm), a HAR 1.2 of a browser or mitmproxy (.har, WebSocket messages
    included), or a VCR cassette (.yaml, .json). Notifications are split off and attributed to their causes.
    """
    check_suffix(out)
    if out.exists() and not force:
        raise GwsReplayError(f"{out} exists: choose another name, or replace it with --force")
    warn_if_unredacted(redact)
    kind, compiled = _read(in_, policy_of(redact, {"keep": keep}, "--keep"))
    output.detail(f"{in_} is {kind}")
    if not compiled.cassette.interactions and not compiled.cassette.notifications:
        raise CassetteError(f"{in_} holds no exchange", exit_code=5)
    save_cassette(compiled.cassette, out)
    if not output.quiet:
        cassette = compiled.cassette
        output.result(
            live.summary(compiled, str(out)),
            {
                "path": str(out),
                "interactions": len(cassette.interactions),
                "notifications": len(cassette.notifications),
                "notes": list(compiled.notes),
            },
        )


def _read(path: Path, policy: Policy) -> tuple[str, Compiled]:
    if path.suffix in _FLOW_SUFFIXES:
        return "a mitmproxy flow file", _compiled(_flows(path), redactor(policy), "mitmproxy flow file")
    if path.suffix == ".har" or (path.suffix == ".json" and har.is_har(_json(path))):
        return "a HAR", _compiled(har.load(read_text(path), str(path)), redactor(policy), "HAR")
    cassette = load_cassette(path)
    return "a cassette", Compiled(
        cassette=laid_out(redactor(policy, cassette.header.get("stand_ins", ())).cassette(cassette))
    )


def _compiled(recording: Recording, using: Redactor, kind: str) -> Compiled:
    recording = using.recording(recording)
    header = {"recorder": f"converted from a {kind}", **using.header}
    if recording.exchanges:
        began = min(exchange.began for exchange in recording.exchanges)
        header["recorded"] = datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds")
    return compile_recording(recording, header)


def _flows(path: Path) -> Recording:
    try:
        from gws_replay.formats import flow
    except ModuleNotFoundError:
        raise GwsReplayError(
            f"reading {path} needs mitmproxy, which is not installed: pip install 'gws-replay[record]'"
        ) from None
    try:
        with path.open("rb") as file:
            return flow.load(file, str(path))
    except OSError as error:
        raise CassetteError(f"cannot read {path}: {error.strerror}") from None


def _json(path: Path) -> object:
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError):
        return None
