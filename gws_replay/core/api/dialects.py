"""The meaning of messages and the words of all registered APIs; the message itself shows which API it belongs to.

Requests are recognised by their path, responses and notifications by their fields.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from gws_replay.core import lossless_json
from gws_replay.core.api.registry import APIS, FALLBACK
from gws_replay.core.api.schema import ERROR, Api, Call, Channel, Subject, Taken
from gws_replay.core.json_compare import show
from gws_replay.core.model import Request

_OTHERS = APIS[1:]
_BY_PART = tuple((part, api) for api in _OTHERS for part in api.paths)
# The fields of operations in UTF-8 or, with a zero beside each letter, in UTF-16.
_MARKS = tuple(
    text
    for api in APIS
    for name in (api.user_data.encode(), (api.operation_mark or b"").strip(b'"'))
    if name
    for text in (name, name.decode().encode("utf-16-le")[:-1])
)
_GATEWAY_ERRORS = (502, 503, 504)


def _all(words: Callable[[Api], Iterable[str]]) -> tuple[str, ...]:
    """Return the words of all APIs, each once, in order."""
    return tuple(dict.fromkeys(chain.from_iterable(map(words, APIS))))


CHANNELS = tuple(channel for api in APIS for channel in api.channels)
# The names under which resources stand in responses and notifications, and of what they may be nested in.
RESOURCE_NAMES = frozenset(name for channel in CHANNELS for name in (*channel.segments, *channel.keys))
ENVELOPES = frozenset(_all(lambda api: api.envelopes))
# Fields: a resource's id, its userData, and the key of a pair where userData is a list of pairs.
IDENTITIES = _all(lambda api: (api.identity,))
USER_DATA = frozenset(_all(lambda api: (api.user_data,)))
PAIR_KEYS = tuple(filter(None, _all(lambda api: (api.pair_key,))))
FRAMING_OPERATIONS = frozenset(_all(lambda api: api.framing_operations))
CREATING_OPERATIONS = frozenset(_all(lambda api: api.creating_operations))
# Parts of the paths of requests that are recorded by default.
RECORDED_PATHS = _all(lambda api: (*api.paths, *api.login_paths))
COMETD_PATHS = _all(lambda api: (api.cometd,))
# A regular expression for the start of an API's paths, after a deployment's own prefix.
ROOT = "|".join(_all(lambda api: (api.root,)))
_ROOT = re.compile(ROOT)
_ACCOUNT_PATHS = _all(lambda api: api.account_paths)
# Words that are never redacted, and the fields whose values are such words.
VOCABULARY = frozenset(
    {
        *_all(lambda api: (*api.operations, *api.framing_operations, *api.vocabulary)),
        *(kind for api in APIS for row in api.operations.values() for kind in row.answered_by),
        *(name for each in CHANNELS for name in (each.name, *each.segments, *each.keys, each.message_type)),
    }
)
PROTOCOL_KEYS = frozenset(_all(lambda api: api.protocol_keys))
SECRET_HEADERS = frozenset(_all(lambda api: api.secret_headers))
SECRET_KEYS = _all(lambda api: sorted(api.secret_keys))
PERSONAL_KEYS = _all(lambda api: api.personal_keys)
HARMLESS_HEADERS = _all(lambda api: api.harmless_headers)
CREDENTIAL_HEADERS = _all(lambda api: api.credential_headers)
SESSION_COOKIES = _all(lambda api: api.session_cookies)
CSRF_NAME_HEADERS = _all(lambda api: (api.csrf.name_header,) if api.csrf else ())
CSRF_HEADERS = _all(lambda api: (api.csrf.header,) if api.csrf else ())
# Patterns of attributes that differ between two messages about the same state, and further ones of two recordings.
VOLATILE = _all(lambda api: api.volatile)
_MOVED_BY = {kind: moved for api in APIS for kind, moved in api.moved_by.items()}
VOLATILE_BETWEEN_RECORDINGS = _all(lambda api: api.volatile_between_recordings)
VOLATILE_USER_DATA = _all(lambda api: api.volatile_user_data)


def api_at(path: str) -> Api:
    """Return the API that a request's path belongs to."""
    for part, api in _BY_PART:  # loops, here and below: generators would take twice as long, several times a request
        if part in path:
            return api
    return FALLBACK


def api_of(requests: Iterable[Request]) -> Api:
    """Return the API that requests are for."""
    return next((api for request in requests if (api := api_at(request.path)) is not FALLBACK), FALLBACK)


def call_of(request: Request, sent: Any) -> Call:
    """Read a request (`sent` is its parsed body) as an operation on a resource."""
    path = request.path
    return api_at(path).call_of(path, request.method, sent if isinstance(sent, dict) else {})


def names_operation(request: Request) -> bool:
    """Return whether the body of a request may name an operation; if not, it need not be parsed."""
    mark = api_at(request.path).operation_mark
    return mark is None or mark in request.body


def status_part(body: bytes) -> bytes:
    """Return a JSON text that is enough to read the status of a response from."""
    for api in APIS:
        body = api.status_part(body)
    return body


def subject_of(data: Any) -> Subject | None:
    """Find the resource that a notification's data shows."""
    return _of_notification(data).subject_of(data) if isinstance(data, dict) else None


def resources_in(answer: Any) -> Iterator[Subject]:
    """Yield the resources of the response to a GET."""
    return _of_response(answer).resources_in(answer) if isinstance(answer, dict) else iter(())


def user_data_in(resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the userData that a resource shows; None if it shows none."""
    shown = (api.user_data_of(resource[api.user_data]) for api in APIS if api.user_data in resource)
    return next((each for each in shown if each is not None), None)


def id_in(resource: Mapping[str, Any]) -> str | None:
    """Return the id of a resource, or None."""
    return next((str(resource[name]) for name in IDENTITIES if resource.get(name)), None)


def kind_of(data: Any) -> str:
    """Return the kind of a notification, from its data; empty if they do not name one."""
    return _of_notification(data).kind_of(data) if isinstance(data, Mapping) else ""


def message_type_of(data: Mapping[str, Any]) -> str:
    """Return the message type that names a notification's channel; empty if it has none."""
    return str(data.get(_of_notification(data).message_type, ""))


def reports_error(data: Any) -> bool:
    """Return whether a notification reports that an operation failed."""
    return isinstance(data, dict) and (kind_of(data) == ERROR or any(api.reports_error(data) for api in APIS))


def attributes_moved_by(kind: str) -> tuple[str, ...]:
    """Return attributes (patterns) that notifications of a kind report as changed without showing whole values."""
    return _MOVED_BY.get(kind, ())


def reference_of(message: Any) -> int | str | None:
    """Return the reference that links a request or response with its notification; None if there is none."""
    if isinstance(message, Mapping):
        for api in APIS:
            value = message.get(api.reference)
            if type(value) is api.reference_type and value != "":
                return value
    return None


def spelled_reference(message: Any) -> str:
    """Return the reference of a message as text with its field, after a space; empty if there is none."""
    names = (api.reference for api in APIS) if isinstance(message, Mapping) else ()
    return next((f" {name} {message[name]}" for name in names if name in message), "")


def carries_user_data(body: bytes) -> bool:
    """Return whether a body, even if it cannot be parsed, contains the name of an operation or userData."""
    return any(mark in body for mark in _MARKS)


def taken(status: int, answer: Any) -> Taken:
    """Return whether a response says that the operation was accepted.

    If a gateway got no response (502, 503, 504), it is unclear whether the operation was carried out.
    """
    if status in _GATEWAY_ERRORS:
        return "unclear"
    if status >= 400:
        return "refused"
    return _of_response(answer).taken(answer) if isinstance(answer, dict) else "taken"


def is_unauthenticated(status: int, answer: Any) -> bool:
    """Return whether a response says that the credentials are missing or wrong."""
    return status == 401 or (isinstance(answer, dict) and _of_response(answer).is_unauthenticated(answer))


def account_in(path: str, body: bytes) -> Mapping[str, Any]:
    """Return the account that a response shows as the one that is logged in; empty if it shows none."""
    if path.rstrip("/").endswith(_ACCOUNT_PATHS):
        answer = lossless_json.loads_or_none(body)
        account = _of_response(answer).account_of(answer) if isinstance(answer, dict) else None
        return account if isinstance(account, dict) else {}
    return {}


def succeeded(status: int, answer: Any) -> bool:
    """Return whether a response says that the operation was accepted, at least in part."""
    return taken(status, answer) in ("taken", "partly")


def may_be_done(status: int, answer: Any) -> bool:
    """Return whether the operation may have been carried out: it was not refused."""
    return taken(status, answer) != "refused"


def code_of(answer: Any) -> str | None:
    """Return the status in a response's body as text with its field; None if there is none."""
    code = _of_response(answer).code_of(answer) if isinstance(answer, dict) else None
    return f"{code[0]} {show(code[1])}" if code else None


def get_resources(channel: Channel | None) -> str:
    """Return the request that shows the resources of a channel, as text for messages."""
    api = next((api for api in APIS if channel in api.channels), None)
    return api.get_resources(channel) if api and channel else "GET it"


def error_body(text: str, path: str = "") -> Mapping[str, Any]:
    """Return the body of an error response with this text, in the form of the API that the path belongs to."""
    return api_at(path).error_body(text)


def prefix_of(path: str) -> str | None:
    """Return what a deployment has before the API's own path (`/cloud-web`); None for a path of no API."""
    match = _ROOT.search(path)
    return path[: match.start()] if match else None


def _of_response(answer: Mapping[str, Any]) -> Api:
    for api in _OTHERS:
        if api.is_response(answer):
            return api
    return FALLBACK


def _of_notification(data: Mapping[str, Any]) -> Api:
    for api in _OTHERS:
        if api.is_notification(data):
            return api
    return FALLBACK
