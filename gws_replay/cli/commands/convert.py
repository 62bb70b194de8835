"""`gws-replay convert`: other tools' recordings to cassettes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import BinaryIO, TypeAlias

import click

from gws_replay.cli.options import (
    PATH,
    Output,
    force_option,
    keep_option,
    output_options,
    redact_option,
    warn_if_unredacted,
)
from gws_replay.core.compile.compiler import Compiled, laid_out
from gws_replay.core.model import Observed
from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.formats import har
from gws_replay.recording import live_lines as live
from gws_replay.recording.streaming_compile import StreamingCompile
from gws_replay.settings.redaction import policy_of, redactor
from gws_replay.storage.files import check_suffix, load_cassette, opened, reason, save_cassette

_FLOW_SUFFIXES = (".flow", ".flows", ".mitm", ".dump")
Reader: TypeAlias = Callable[[BinaryIO, str], Iterator[Observed]]


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
    policy = policy_of(redact, {"keep": keep}, "--keep")
    kind, read = _reader(in_)
    output.detail(f"{in_} is a {kind}")
    compiled = _cassette(in_, policy) if read is None else _compiled(in_, read, policy, kind, out.parent)
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


def _reader(path: Path) -> tuple[str, Reader | None]:
    """Return what a file is, and what reads it if that is no cassette."""
    if path.suffix in _FLOW_SUFFIXES:
        return "mitmproxy flow file", _flow_reader(path)
    if path.suffix == ".har":
        return "HAR", har.moments
    if path.suffix == ".json":
        with opened(path) as file:
            if har.is_har(file):
                return "HAR", har.moments
    return "cassette", None


def _flow_reader(path: Path) -> Reader:
    try:
        from gws_replay.formats import flow
    except ModuleNotFoundError:
        raise GwsReplayError(
            f"reading {path} needs mitmproxy, which is not installed: pip install 'gws-replay[record]'"
        ) from None
    return flow.moments


def _cassette(path: Path, policy: Policy) -> Compiled:
    cassette = load_cassette(path)
    using = redactor(policy, cassette.header.get("stand_ins", ()))
    return Compiled(cassette=laid_out(using.cassette(cassette)))


def _compiled(path: Path, read: Reader, policy: Policy, kind: str, folder: Path) -> Compiled:
    """Compile a recording that may be larger than the memory: its file is read several times."""

    def moments() -> Iterator[Observed]:
        with opened(path) as file:
            yield from read(file, str(path))

    using = redactor(policy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        spooled = StreamingCompile(moments, folder, using, is_raw=True)
    except OSError as error:
        raise GwsReplayError(f"cannot write in {folder}: {reason(error)}", exit_code=4) from None
    header = {"recorder": f"converted from a {kind}", **using.header}
    if isfinite(spooled.start):
        header["recorded"] = datetime.fromtimestamp(spooled.start, UTC).isoformat(timespec="seconds")
    return spooled.compiled(header)
