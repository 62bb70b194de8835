"""What a person sees while traffic is recorded, and the summary at the end. Only redacted values come here."""

from collections import Counter
from collections.abc import Iterator

from gws_replay.core import lossless_json
from gws_replay.core.api import dialects as api
from gws_replay.core.bayeux import recorded as bayeux_text
from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.compiler import Compiled
from gws_replay.core.counted import counted
from gws_replay.core.json_compare import printable
from gws_replay.core.model import Request, Response


def exchange_line(request: Request, response: Response, seconds: float) -> str:
    """Describe an exchange in one line: the operation if there is one, else method and path."""
    # A desktop sends thousands of requests without an operation: their bodies are not parsed.
    sent = lossless_json.loads_or_none(request.body) if api.names_operation(request) else None
    call = api.call_of(request, sent)
    if call.operation:
        content = lossless_json.loads_or_none(api.status_part(response.body))
        taken = api.succeeded(response.status, content)
        status_text = api.code_of(content) or f"HTTP {response.status}"
        what = printable(f"{call.operation} {call.resource_id or request.path}")
        return f"{'-->' if taken else '!!!'} {what}  {status_text}  {seconds * 1000:.0f} ms"
    arrow = "-->" if response.status < 400 else "!!!"
    return f"{arrow} {printable(f'{request.method} {request.path}')}  HTTP {response.status}  {seconds * 1000:.0f} ms"


def failure_line(request: Request, problem: str) -> str:
    """Return the line for a request that got no response, with the reason."""
    return printable(f"!!! {request.method} {request.path}  no response: {problem}")


def notification_lines(body: bytes | str) -> Iterator[str]:
    """Yield a line for each notification in a CometD response or WebSocket message."""
    for message in bayeux_text.messages_in(body) or ():
        if message.is_notification:
            data = lossless_json.loads(message.fields["data"])
            subject = api.subject_of(data)
            parts = [api.kind_of(data) or "notification", subject.resource_id if subject else ""]
            where = f" on {message.channel}{api.spelled_reference(data)}"
            yield printable(" ".join(["<--", *filter(None, parts), where]))


def _messages(cassette: Cassette) -> str:
    return f", {counted(len(cassette.messages), 'other WebSocket message')}" if cassette.messages else ""


def summary(compiled: Compiled, path: str) -> str:
    """Say what was saved, with the evidence for the causes, and what a person should look at."""
    cassette = compiled.cassette
    rules = Counter(each.cause.rule if each.cause else "unsolicited" for each in cassette.notifications)
    causes = f" ({', '.join(f'{count} {rule}' for rule, count in rules.most_common())})" if rules else ""
    saved = (
        f"saved {path}: {counted(len(cassette.interactions), 'exchange')}, "
        f"{counted(len(cassette.notifications), 'notification')}{causes}{_messages(cassette)}"
    )
    return "\n".join([saved, *(printable(f"note: {note}") for note in compiled.notes)])
