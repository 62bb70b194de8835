"""`gws-replay convert`: other tools' recordings to cassettes."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

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
from gws_replay.core.model import CarriedOver, Observed, WebSocketMessage
from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.formats import har
from gws_replay.recording import live_lines as live
from gws_replay.recording.streaming_compile import StreamingCompile
from gws_replay.settings.redaction import policy_of, redactor
from gws_replay.settings.upstream import check_upstream, server_of
from gws_replay.storage.files import check_suffix, load_cassette, opened, reason, save_cassette

_FLOW_SUFFIXES = (".flow", ".flows", ".mitm", ".dump")
Reader: TypeAlias = Callable[[BinaryIO, str], Iterator[Observed]]


@dataclass(slots=True)
class _Skipped:
    """The entries of a HAR that cannot be used, with the reason of each."""

    reasons: dict[int, str] = field(default_factory=dict)

    def note(self) -> tuple[str, ...]:
        """Return a sentence with the reasons and their counts; nothing where there are none."""
        if not self.reasons:
            return ()
        counts = Counter(self.reasons.values()).most_common()
        listed = "; ".join(f"{count} because {reason}" for reason, count in counts)
        entries = "1 entry was" if len(self.reasons) == 1 else f"{len(self.reasons)} entries were"
        return (f"{entries} skipped: {listed} (-v lists them)",)


@click.command()
@click.argument("in_", type=PATH, metavar="IN")
@click.argument("out", type=PATH)
@click.option("--filter", "expression", metavar="EXPR", help="Keep only what matches this mitmproxy filter.")
@click.option("--upstream", metavar="URL", multiple=True, help="Keep only what went to this server (repeat for more).")
@click.option("--host", metavar="HOST", multiple=True, help="Keep only what went to this host (repeat for more).")
@redact_option
@keep_option
@force_option
@output_options("Print nothing but errors.", "Also say what IN is, and list the entries that were skipped.")
def convert(
    *,
    output: Output,
    in_: Path,
    out: Path,
    expression: str | None,
    upstream: tuple[str, ...],
    host: tuple[str, ...],
    redact: str,
    keep: tuple[str, ...],
    force: bool,
) -> None:
    """Convert a recording IN into a cassette OUT (.yaml or .json).

    IN is a mitmproxy flow file (.flow, .mitm), a HAR 1.2 of a browser, a proxy or Playwright (.har, or .zip with
    attached bodies; WebSocket messages included), or a VCR cassette (.yaml, .json). Notifications are split off and
    attributed to their causes. Entries of a HAR that cannot be used are skipped and counted.
    """
    check_suffix(out)
    if out.exists() and not force:
        raise GwsReplayError(f"{out} exists: choose another name, or replace it with --force")
    warn_if_unredacted(redact)
    policy = policy_of(redact, {"keep": keep}, "--keep")
    skipped = _Skipped()
    kind, read = _reader(in_, skipped)
    output.detail(f"{in_} is a {kind}")
    is_kept = _condition(expression, upstream, host)
    if read is None:
        compiled = _cassette(in_, policy, is_kept)
    else:
        compiled = _compiled(in_, read, policy, kind=kind, folder=out.parent, is_kept=is_kept)
    for number, why in skipped.reasons.items():
        output.detail(f"skipped entry {number}: {why}")
    compiled = replace(compiled, notes=(*compiled.notes, *skipped.note()))
    cassette = compiled.cassette
    if not (cassette.interactions or cassette.notifications or cassette.messages):
        what = "holds no exchange" if not (expression or upstream or host) else "holds no exchange that is kept"
        raise CassetteError("; ".join([f"{in_} {what}", *skipped.note()]), exit_code=5)
    save_cassette(cassette, out)
    if not output.quiet:
        output.result(
            live.summary(compiled, str(out)),
            {
                "path": str(out),
                "interactions": len(cassette.interactions),
                "notifications": len(cassette.notifications),
                "notes": list(compiled.notes),
            },
        )


def _condition(expression: str | None, servers: Sequence[str], hosts: Sequence[str]) -> Callable[[Observed], bool]:
    """Return what tells whether something is kept: what matches the filter, and one of the servers or hosts."""
    for server in servers:
        check_upstream(server)
    wanted = {server_of(server) for server in servers}
    names = {host.lower() for host in hosts}
    matches = _flow_module("--filter").matching if expression else None
    try:
        is_match = matches(expression) if matches and expression else None
    except ValueError as error:
        raise GwsReplayError(f"{expression!r} is not a mitmproxy filter: {error}") from None

    def is_kept(seen: Observed) -> bool:
        if wanted or names:
            server = server_of(re.sub("^ws", "http", _uri_of(seen)))
            host = server.partition("://")[2]
            if server not in wanted and host not in names and host.rpartition(":")[0] not in names:
                return False
        return is_match is None or is_match(seen)

    return is_kept


def _uri_of(seen: Observed) -> str:
    if isinstance(seen, CarriedOver):
        return seen.exchange.request.uri
    return seen.uri if isinstance(seen, WebSocketMessage) else seen.request.uri


def _reader(path: Path, skipped: _Skipped) -> tuple[str, Reader | None]:
    """Return what a file is, and what reads it if it is not a cassette."""
    if path.suffix in _FLOW_SUFFIXES:
        return "mitmproxy flow file", _flow_module(f"reading {path}").moments
    skip = skipped.reasons.__setitem__
    if path.suffix == ".zip":
        return "HAR with attached files", partial(har.moments_of_zip, skipped=skip)
    read = partial(har.moments, attached=partial(_attached, path.parent), skipped=skip)
    if path.suffix == ".har":
        return "HAR", read
    if path.suffix == ".json":
        with opened(path) as file:
            if har.is_har(file):
                return "HAR", read
    return "cassette", None


def _attached(folder: Path, name: str) -> bytes:
    """Read a body that Playwright has put into a file beside the HAR; a name never leads out of its folder."""
    if Path(name).name != name:
        raise KeyError(name)
    return (folder / name).read_bytes()


def _flow_module(what: str) -> Any:
    try:
        from gws_replay.formats import flow
    except ModuleNotFoundError:
        raise GwsReplayError(
            f"{what} needs mitmproxy, which is not installed: pip install 'gws-replay[record]'"
        ) from None
    return flow


def _cassette(path: Path, policy: Policy, is_kept: Callable[[Observed], bool]) -> Compiled:
    cassette = load_cassette(path)
    if not all(map(is_kept, cassette.interactions)):
        raise GwsReplayError(f"{path} is a cassette: --filter, --upstream and --host are for flow files and HAR files")
    using = redactor(policy, cassette.header.get("stand_ins", ()))
    return Compiled(cassette=laid_out(using.cassette(cassette)), notes=using.notes())


def _compiled(
    path: Path, read: Reader, policy: Policy, *, kind: str, folder: Path, is_kept: Callable[[Observed], bool]
) -> Compiled:
    """Compile a recording that may be larger than the memory: its file is read several times."""

    def moments() -> Iterator[Observed]:
        with opened(path) as file:
            yield from filter(is_kept, read(file, str(path)))

    using = redactor(policy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        spooled = StreamingCompile(moments, folder, using, is_raw=True)
    except OSError as error:
        raise GwsReplayError(f"cannot write in {folder}: {reason(error)}", exit_code=4) from None
    header = {"recorder": f"converted from a {kind}", **using.header}
    if isfinite(spooled.start):
        header["recorded"] = datetime.fromtimestamp(spooled.start, UTC).isoformat(timespec="seconds")
    compiled = spooled.compiled(header)
    return replace(compiled, notes=(*compiled.notes, *using.notes()))
