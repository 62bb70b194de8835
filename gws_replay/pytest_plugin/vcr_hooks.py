"""A request and a response as the hooks of vcrpy's users know them, so that such a hook works here as it is.

A request is vcrpy's own `Request`, a response the dict that vcrpy passes. vcrpy is imported when a filter or hook is
first used: it imports every HTTP library that it finds.
"""

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gws_replay.core.model import Headers, Request, Response
from gws_replay.errors import GwsReplayError

if TYPE_CHECKING:
    from vcr.request import Request as HookRequest


def hook_request(request: Request) -> "HookRequest":
    """Return a request as vcrpy's: `method`, `uri`, `headers` (repeated fields joined by commas), `body` as bytes."""
    from vcr.request import Request as HookRequest

    return HookRequest(request.method, request.uri, request.body, _joined(request.headers))


def changed_request(hooked: "HookRequest", before: Request) -> Request:
    """Return what filters and hooks made of a request; header fields that they left alone keep their repetitions."""
    fields = {str(name): str(value) for name, value in hooked.headers.items()}
    headers = before.headers if fields == _joined(before.headers) else Headers(tuple(fields.items()))
    return Request(method=hooked.method, uri=hooked.uri, headers=headers, body=hooked.body_bytes or b"")


def request_through(hook: Callable[["HookRequest"], Any], hooked: "HookRequest") -> "HookRequest | None":
    """Return what a hook makes of a request; None if it leaves it out."""
    result = hook(hooked)
    if result is None or isinstance(result, type(hooked)):
        return result
    raise GwsReplayError(_wrong(hook, "before_record_request", "request", result))


def _joined(headers: Headers) -> Mapping[str, str]:
    found: dict[str, tuple[str, str]] = {}
    for name, value in headers.pairs:
        first, values = found.get(name.lower(), (name, ""))
        found[name.lower()] = (first, f"{values}, {value}" if values else value)
    return dict(found.values())


def response_through(hook: Callable[[dict[str, Any]], Any], response: Response) -> Response | None:
    """Return what a hook makes of a response, which it gets as vcrpy's dict; None where it leaves it out."""
    headers: dict[str, list[str]] = {}
    for name, value in response.headers.pairs:
        headers.setdefault(name, []).append(value)
    given = {
        "status": {"code": response.status, "message": response.reason},
        "headers": headers,
        "body": {"string": response.body},
    }
    result = hook(copy.deepcopy(given))
    if result is None or result == given:
        return None if result is None else response
    try:
        status, body = result["status"], result["body"]["string"]
        pairs = tuple((str(n), str(v)) for n, values in result["headers"].items() for v in _several(values))
        return Response(
            status=int(status["code"]),
            reason=str(status["message"] or ""),
            headers=response.headers if result["headers"] == headers else Headers(pairs),
            body=body.encode() if isinstance(body, str) else bytes(body),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GwsReplayError(_wrong(hook, "before_record_response", "response", result)) from None


def _several(values: Any) -> list[Any]:
    return [values] if isinstance(values, str) else list(values)


def _wrong(hook: Callable[..., Any], key: str, what: str, returned: object) -> str:
    """Say what is wrong with what a hook returned, but never what stands in it."""
    name = getattr(hook, "__name__", type(hook).__name__)
    kind = type(returned).__name__
    return f"gws_vcr_config: {key} {name} returned {kind}: return the {what}, or None to leave it out"
