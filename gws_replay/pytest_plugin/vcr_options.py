"""vcrpy's configuration, as far as it makes sense here: the dict that the fixture `gws_vcr_config` returns is read.

A key that does not make sense is refused by name, with what to use instead: taken and not obeyed, it would mislead.
What the hooks and filters see has been redacted before. Requests pass through hooks as vcrpy's own `Request`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from gws_replay.core import lossless_json
from gws_replay.core.model import Request, Response
from gws_replay.core.replay.request_fields import ChangeParameter, Step, changed_form, changed_json, changed_query
from gws_replay.core.replay.request_key import WHOLE, Matching
from gws_replay.errors import GwsReplayError
from gws_replay.pytest_plugin.vcr_hooks import changed_request, hook_request, request_through, response_through

if TYPE_CHECKING:
    from vcr.request import Request as HookRequest

PARTS: Final = ("method", "path", "query", "body")
_LOCALHOST: Final = ("localhost", "0.0.0.0", "127.0.0.1", "::1")  # noqa: S104 (what vcrpy takes for it)

# What stands for a value: a text, None to leave it out, or a function of key=, value= and request= that returns either.
Replacement: TypeAlias = str | Callable[..., str | None] | None
Filters: TypeAlias = tuple[tuple[str, Replacement], ...]

_HOST = "a cassette recorded from staging responds to a client that talks to localhost, so the host never counts"
_NO_PART: Final = {
    **dict.fromkeys(("host", "port", "scheme"), _HOST),
    **dict.fromkeys(("uri", "url"), f"{_HOST}: use path and query"),
    "headers": "they hold credentials, which are redacted, and what the HTTP library adds",
    "raw_body": "JSON is compared as JSON, whatever its spelling: use body",
}
_LEAVE = "leave it out"
_NO_KEY: Final = {
    "record_mode": "use --gws-record, the marker's record_mode, or gws_record in the configuration file",
    "cassette_library_dir": "use --gws-cassette-dir, or override the fixture gws_cassette_dir",
    "path_transformer": "give the marker the cassette's name",
    "func_path_generator": "give the marker the cassette's name",
    "serializer": "the cassette's name decides: it ends in .yaml or .json",
    "persister": "cassettes are files: override the fixture gws_cassette_dir to keep them elsewhere",
    "allow_playback_repeats": f"what reads may be repeated anyway, and nothing else may: {_LEAVE}",
    "decode_compressed_response": f"bodies are always stored decoded: {_LEAVE}",
    "custom_patches": "other HTTP libraries are played to through the fixture gws_server",
    "skip_patchers": "use ignore_hosts for what is to go live",
    "record_on_exception": f"a failed test never takes its cassette's place: {_LEAVE}",
    "drop_unused_requests": "use --gws-record=rewrite",
    "inject_cassette": "use the fixture gws",
    "filter_sensitive_data": "secrets are redacted anyway; use the other filters or before_record_request for more",
    "filter_nested_post_data_parameters": "use before_record_request for what stands deeper",
    "before_record": "use before_record_request, its new name",
    "before_save_interaction": "use before_record_request and before_record_response",
    "after_load_interaction": f"a cassette is replayed as it stands in its file: {_LEAVE}",
    "additional_matchers": "use match_on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VcrConfig:
    """The options of a configuration; the default changes nothing."""

    match_on: frozenset[str] = frozenset(PARTS)
    filter_headers: Filters = ()
    filter_query_parameters: Filters = ()
    filter_post_data_parameters: Filters = ()
    before_record_request: tuple[Callable[["HookRequest"], Any], ...] = ()
    before_record_response: tuple[Callable[[dict[str, Any]], Any], ...] = ()
    ignored_hosts: frozenset[str] = frozenset()

    def request(self, request: Request) -> Request | None:
        """Return a live request as it is to be matched or recorded; None if the cassette ignores it."""
        if urlsplit(request.uri).hostname in self.ignored_hosts:
            return None
        hooked: HookRequest | None = self._filtered(request)
        for hook in self.before_record_request:
            if hooked is None:
                break
            hooked = request_through(hook, hooked)
        return None if hooked is None else changed_request(hooked, request)

    def response(self, response: Response) -> Response | None:
        """Return a response as it is to be recorded; None for one whose exchange is left out."""
        filtered: Response | None = response
        for hook in self.before_record_response:
            if filtered is None:
                break
            filtered = response_through(hook, filtered)
        return filtered

    def recorded(self, request: Request) -> Request:
        """Return a request of a cassette as a live one, filtered, is compared with it.

        Removals and fixed texts do no harm twice, so a filter that is newer than the cassette counts; functions ran
        when it was recorded, and do not run again.
        """
        return changed_request(self._filtered(request, again=True), request)

    def _filtered(self, request: Request, *, again: bool = False) -> "HookRequest":
        hooked = hook_request(request)
        for filters, apply in (
            (self.filter_headers, _filter_headers),
            (self.filter_query_parameters, _filter_query),
            (self.filter_post_data_parameters, _filter_body),
        ):
            chosen = {name: value for name, value in filters if not (again and callable(value))}
            if chosen:
                apply(hooked, chosen)
        return hooked

    @property
    def matching(self) -> Matching:
        """How requests are compared."""
        return WHOLE if self == PLAIN else Matching(self.match_on, self.request, self.recorded)


PLAIN = VcrConfig()


def read_vcr_config(given: object) -> VcrConfig:
    """Read a configuration. Raises GwsReplayError that names every key which cannot be obeyed, and what to use."""
    if not isinstance(given, Mapping):
        raise GwsReplayError(f"gws_vcr_config returns a dict with keys of vcrpy, not {type(given).__name__}")
    unknown = f"no such key is known; there are {', '.join(_READERS)}"
    refused = [f"{key}: {_NO_KEY.get(key, unknown)}" for key in given if key not in _READERS]
    if refused:
        raise GwsReplayError(f"gws_vcr_config cannot have {'; '.join(refused)}")
    read = {key: _READERS[key](key, value) for key, value in given.items()}
    hosts = read.pop("ignore_hosts", frozenset()) | read.pop("ignore_localhost", frozenset())
    return VcrConfig(**read, ignored_hosts=hosts)


def _wrong(key: str, wanted: str) -> GwsReplayError:
    return GwsReplayError(f"gws_vcr_config: {key} is {wanted}")


def _items(key: str, value: object, wanted: str) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise _wrong(key, wanted)
    return list(value)


def _parts(key: str, value: object) -> frozenset[str]:
    parts = _items(key, value, f"a list of {', '.join(PARTS)}")
    refused = [f"{part}: {_NO_PART.get(str(part), 'no such part is known')}" for part in parts if part not in PARTS]
    if refused:
        raise _wrong(key, f"a list of {', '.join(PARTS)}, and cannot have {'; '.join(refused)}")
    if not parts:
        raise _wrong(key, f"empty, so that any request would get any response: name some of {', '.join(PARTS)}")
    return frozenset(parts)


def _filters(key: str, value: object) -> Filters:
    wanted = "a list of names, or of (name, replacement) with a text, None or a function"
    found: list[tuple[str, Replacement]] = []
    for item in _items(key, value, wanted):
        match (item, None) if isinstance(item, str) else item:
            case (str(name), replacement) if replacement is None or isinstance(replacement, str):
                found.append((name, replacement))
            case (str(name), replacement) if callable(replacement):
                found.append((name, replacement))
            case _:
                raise _wrong(key, wanted)
    return tuple(found)


def _hooks(key: str, value: object) -> tuple[Callable[..., Any], ...]:
    wanted = "a function, or a list of functions"
    hooks = [] if value is None else [value] if callable(value) else _items(key, value, wanted)
    if not all(map(callable, hooks)):
        raise _wrong(key, wanted)
    return tuple(hooks)


def _hosts(key: str, value: object) -> frozenset[str]:
    wanted = "a list of host names or addresses; the sockets beneath are opened by name, so a pattern cannot be obeyed"
    hosts = _items(key, value, wanted)
    if not all(isinstance(host, str) for host in hosts):
        raise _wrong(key, wanted)
    return frozenset(host.lower() for host in hosts)


def _localhost(key: str, value: object) -> frozenset[str]:
    if not isinstance(value, bool):
        raise _wrong(key, "True or False")
    return frozenset(_LOCALHOST if value else ())


_READERS: Final[Mapping[str, Callable[[str, object], Any]]] = {
    "match_on": _parts,
    "filter_headers": _filters,
    "filter_query_parameters": _filters,
    "filter_post_data_parameters": _filters,
    "before_record_request": _hooks,
    "before_record_response": _hooks,
    "ignore_hosts": _hosts,
    "ignore_localhost": _localhost,
}


def _replaced(key: str, value: Any, by: Replacement, hooked: "HookRequest") -> str | None:
    return by(key=key, value=value, request=hooked) if callable(by) else by


def _filter_headers(hooked: "HookRequest", filters: Mapping[str, Replacement]) -> None:
    for name, by in filters.items():
        if name in hooked.headers:
            value = _replaced(name, hooked.headers.pop(name), by, hooked)
            if value is not None:
                hooked.headers[name] = value


def _filter_query(hooked: "HookRequest", filters: Mapping[str, Replacement]) -> None:
    hooked.uri = changed_query(hooked.uri, _change(filters, hooked))


def _filter_body(hooked: "HookRequest", filters: Mapping[str, Replacement]) -> None:
    """Filter the fields that stand at the top of a JSON object, or in a form; all else keeps its spelling."""
    body = hooked.body if isinstance(hooked.body, bytes) else b""
    if isinstance(fields := lossless_json.loads_or_none(body), dict) and not fields.keys().isdisjoint(filters):
        hooked.body = _filtered_json(body.decode(), filters, hooked)
    elif "form-urlencoded" in hooked.headers.get("Content-Type", ""):
        form = changed_form(body.decode("utf-8", "surrogateescape"), _change(filters, hooked))
        hooked.body = form.encode("utf-8", "surrogateescape")


def _change(filters: Mapping[str, Replacement], hooked: "HookRequest") -> ChangeParameter:
    return lambda name, value: _replaced(name, value, filters[name], hooked) if name in filters else value


def _filtered_json(text: str, filters: Mapping[str, Replacement], hooked: "HookRequest") -> bytes:
    for name, by in filters.items():
        text = changed_json(text, (Step(name),), partial(_changed_member, name, by, hooked))
    return text.encode()


def _changed_member(name: str, by: Replacement, hooked: "HookRequest", written: str) -> str | None:
    value = _replaced(name, lossless_json.loads(written), by, hooked)
    return None if value is None else lossless_json.dumps(value)
