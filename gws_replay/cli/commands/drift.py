"""`gws-replay drift`: where the responses of a live system differ from a cassette."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from gws_replay.cli.comparison import Rules, comparing_options, describe
from gws_replay.cli.options import PATH, Progress, force_option, ignore_options, keep_option, timing_option, tls_options
from gws_replay.cli.report import Report, report_options
from gws_replay.core.cassette import Cassette
from gws_replay.core.comparison.finding import SEVERITIES
from gws_replay.core.drift.plan import name_of, plan, refused
from gws_replay.core.json_compare import printable
from gws_replay.errors import CassetteError, GwsReplayError
from gws_replay.reports.cases import Issue
from gws_replay.reports.terminal import findings as differences
from gws_replay.storage.files import live_path, load_cassette

if TYPE_CHECKING:
    import ssl

    from gws_replay.core.drift.live_values import LiveValues
    from gws_replay.core.drift.plan import Plan
    from gws_replay.core.replay.request_fields import IgnoredFields
    from gws_replay.drift.http_client import LiveClient
    from gws_replay.drift.recording import LiveRecording
    from gws_replay.drift.run import Pace


@click.command()
@click.argument("cassette", type=PATH)
@click.option("--upstream", metavar="URL", required=True, help="The live GWS server.")
@click.option(
    "--candidate", type=PATH, help="Where to save its responses.  [default: beside the cassette, as NAME.drift.yaml]"
)
@click.option("--allow-writes", is_flag=True, help="Ask the operations that change something, too.")
@click.option(
    "--bind",
    "bound",
    multiple=True,
    metavar="RECORDED=LIVE",
    help="The live value for a recorded id or stand-in that no response shows. May be given several times.",
)
@timing_option(
    "Pauses between requests: none but the waits for what came before, as recorded, or recorded times a factor."
)
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="At most N requests a second.")
@click.option(
    "--wait",
    "patience",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a recorded notification is waited for.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run; no answered request is sent again.")
@tls_options
@keep_option
@force_option
@comparing_options
@ignore_options
@report_options("Only what differs.", "Also what is suppressed, and why.")
def drift(
    *,
    report: Report,
    rules: Rules,
    ignored: "IgnoredFields",
    cassette: Path,
    upstream: str,
    candidate: Path | None,
    allow_writes: bool,
    bound: Sequence[str],
    resume: bool,
    insecure: bool,
    upstream_ca: Path | None,
    client_cert: Path | None,
    force: bool,
    keep: Sequence[str],
    **options: Any,
) -> int:
    """Send a cassette's requests to a live system again, and compare the responses and notifications.

    Requests are sent in recorded order, each after the responses and notifications that came before it. Ids of the
    live system replace recorded ones. Only requests that change nothing are sent, unless --allow-writes is given; what
    depends on the others is not compared.

    Credentials are GWS_REPLAY_USER with GWS_REPLAY_PASSWORD, or GWS_REPLAY_TOKEN, or from netrc. They are neither
    stored nor shown. If the cassette has several users, those of user 2 are GWS_REPLAY_USER_2 and so on.

    Exit codes: 0 no finding above info; 1 findings; 2 the system cannot be reached, or bad input; 5 no request to send.
    """
    from gws_replay.core.drift.live_values import LiveValues, bindings
    from gws_replay.drift.recording import LiveRecording
    from gws_replay.settings.upstream import check_upstream, trusting

    check_upstream(upstream)
    baseline = load_cassette(cassette)
    planned = plan(baseline, writes=allow_writes)
    if not planned.requests:
        raise CassetteError(_nothing(cassette, planned), exit_code=5)
    values = LiveValues(baseline, bindings(bound, baseline))
    if refusal := refused(baseline, planned.requests, values):
        raise GwsReplayError(f"{cassette}, {refusal}")
    target = candidate or live_path(cassette)
    if target.resolve() == cassette.resolve():
        raise GwsReplayError(f"{target} is the cassette itself: name another file with --candidate")
    clients = _clients(baseline, upstream.rstrip("/"), None if insecure else trusting(upstream_ca, client_cert))
    facts = {"upstream": upstream.rstrip("/"), "writes": allow_writes}
    recording = LiveRecording(baseline, target, facts, keep=keep, force=force, resume=resume)
    run = _Run(baseline, planned, values, recording, _pace(**options))
    run.send(clients, Progress(quiet=report.output.quiet))
    return _compare(run, report, replace(rules, ignored=ignored), cassette, target)


class _Run:
    """One run, and what is left of it when it is interrupted."""

    def __init__(
        self, baseline: Cassette, planned: "Plan", values: "LiveValues", recording: "LiveRecording", pace: "Pace"
    ) -> None:
        from gws_replay.drift.run import Outcome

        self.baseline = baseline
        self.plan = planned
        self.recording = recording
        self.outcome = Outcome()
        self._values = values
        self.pace = pace

    def send(self, clients: "Mapping[int, LiveClient]", progress: Progress) -> None:
        """Send everything. Raises GwsReplayError, with the way to go on, if that is not possible."""
        try:
            asyncio.run(self._send(clients, progress))
        except GwsReplayError as error:
            progress.clear()
            hint = self._interrupted()
            raise GwsReplayError(f"{error}{hint and f'; {hint}'}", exit_code=error.exit_code) from None
        except BaseException:
            progress.clear()
            if hint := self._interrupted():
                click.echo(f"Interrupted {hint}", err=True)
            raise
        progress.clear()

    async def _send(self, clients: "Mapping[int, LiveClient]", progress: Progress) -> None:
        from gws_replay.drift.run import Drift

        def show(answered: int, received: int) -> None:
            total = len(self.plan.requests)
            progress.show(f"{answered} of {total} requests answered, {received} notifications received")

        async with AsyncExitStack() as stack:
            for client in clients.values():
                await stack.enter_async_context(client)
            drift = Drift(
                self.baseline,
                self.plan,
                self._values,
                self.recording,
                clients,
                pace=self.pace,
                show_progress=show,
            )
            self.outcome = drift.outcome
            await drift.run()

    def _interrupted(self) -> str:
        """Keep the journal if it holds anything; say how to go on."""
        outcome, earlier = self.outcome, self.recording.earlier
        holds = bool(outcome.answered or outcome.wrote or earlier.answered or earlier.unanswered)
        self.recording.close(discard=not holds)
        if not holds:
            return ""
        done = f"after {len(outcome.answered)} of {len(self.plan.requests)} requests"
        return f"{done}: go on with --resume, or save what there is with gws-replay recover {self.recording.journal}"


def _compare(run: _Run, report: Report, rules: Rules, cassette: Path, target: Path) -> int:
    """Save the candidate, and say what differs."""
    from gws_replay.core.drift.partial import sent_part

    outcome, planned = run.outcome, run.plan
    notes = list(_notes(run))
    for note in notes:
        report.output.progress(printable(note))
    if not outcome.answered:
        run.recording.close(discard=True)
        raise CassetteError(f"none of the requests of {cassette} could be sent", exit_code=5)
    run.recording.finish()
    candidate = load_cassette(target)
    part = sent_part(run.baseline, outcome.answered, outcome.not_received)
    both = run.recording.shown(part.part), candidate
    found = part.findings(rules.findings(*both), candidate)
    unasked = [Issue(level="info", rule="unasked", message=note, file=str(cassette)) for note in notes]
    described = describe((cassette, target), both, found, report.output, report.wants, unasked=unasked)
    report.add_lines(described.lines)
    report.add_cases(described.cases)
    report.add_parts(described.parts)
    counts = Counter(each.severity for each in found if not each.suppressed)
    total = len(planned.requests) + len(planned.skipped)
    facts: dict[str, Any] = {"asked": len(outcome.answered), "exchanges": total, "heard": len(candidate.notifications)}
    facts |= {level: counts[level] for level in SEVERITIES} | {"suppressed": len(found) - counts.total()}
    facts |= {
        "skipped": planned.skipped_names(run.baseline),
        "left": {str(n): why for n, why in outcome.left_out.items()},
    }
    report.finish(
        differences.tally(found, f"{len(outcome.answered)} of {total} exchanges sent again"), facts, heading="Findings"
    )
    return 1 if counts["error"] or counts["warning"] else 0


def _notes(run: _Run) -> Iterator[str]:
    """Say what was not sent: writing operations once for each kind, the others one by one."""
    if names := run.plan.skipped_names(run.baseline):
        listed = ", ".join(f"{name} ({count})" for name, count in names.items())
        yield f"Not sent, because they change something: {listed}; --allow-writes sends them"
    for index, why in sorted(run.outcome.left_out.items()):
        yield f"Not sent: interaction {index} ({name_of(run.baseline.interactions[index])}): {why}"
    if not run.outcome.ended_calm:
        yield f"Notifications still came {run.pace.patience:g} seconds after the last response, and were not waited for"


def _nothing(cassette: Path, planned: "Plan") -> str:
    if planned.skipped:
        return f"{cassette} holds only operations that change something: send them with --allow-writes"
    return f"{cassette} holds no exchanges: there is nothing to send"


def _clients(baseline: Cassette, origin: str, context: "ssl.SSLContext | None") -> "Mapping[int, LiveClient]":
    """Return a client for each user. Raises GwsReplayError if only some of them have credentials."""
    from gws_replay.drift.http_client import LiveClient, Tls
    from gws_replay.settings.upstream import credentials_for, how_to_log_in

    count = len(baseline.users)
    numbers = range(1, count + 1) if count > 1 else (0,)
    credentials = [credentials_for(origin, number) for number in numbers]
    for number, found in zip(numbers, credentials, strict=True):
        if found is None and any(credentials):
            host = urlsplit(origin).hostname or ""
            raise GwsReplayError(
                f"{baseline.source} has {count} users, and user {number} has no credentials: "
                f"{how_to_log_in(host, number)}"
            )
    pairs = zip(numbers, credentials, strict=True)
    return {user: LiveClient(origin, found, Tls(context), user=number) for user, (number, found) in enumerate(pairs)}


def _pace(timing: str, rate: float | None, patience: float) -> "Pace":
    from gws_replay.core.replay.push_schedule import factor_of
    from gws_replay.drift.run import Pace

    return Pace(factor=factor_of(timing), rate=rate, patience=patience)
