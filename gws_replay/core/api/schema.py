"""The words in which every API is described: the API itself, its channels and operations, a request, a resource.

The module of an API fills these in. Nothing here knows a path or a field of one. Named tuples, as Python makes such a
class in a fifth of the time of a frozen dataclass, and every process waits for them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, NamedTuple, TypeAlias

from gws_replay.core.json_compare import same
from gws_replay.core.lossless_json import Repeated

Taken = Literal["taken", "partly", "refused", "unclear"]


class Absent(Enum):
    """The value that a deletion writes. It is not null."""

    ABSENT = "absent"
    ONE_LESS = "one less"  # one of the values of a repeated key is deleted


ABSENT = Absent.ABSENT
ONE_LESS = Absent.ONE_LESS


class Wild(Enum):
    """Keys that a request does not name."""

    ANY = "any key"  # the key that only the server's configuration knows
    ALL = "all keys"


ANY_KEY = Wild.ANY
ALL_KEYS = Wild.ALL
Key: TypeAlias = str | Wild


@dataclass(frozen=True, slots=True)
class Another:
    """One more value of a key, for channels on which attaching an existing key adds a second one."""

    value: Any


class Delete(Enum):
    """How the body of a deletion names the keys to delete."""

    KEYS = "keys"  # an array of names
    KEY = "key"  # one name
    ALL = "all"  # no argument


class Channel(NamedTuple):
    """One kind of interaction: its names in paths, responses and notifications, and how its operations differ.

    `names` are further names of its collection in paths and responses, `keys` further names of its resource in
    notifications; `depth` is the number of path segments after the collection, of which the last is the id.
    `userdata_kind` is the kind of notification that shows changed userData, `deletes` how each deletion names its keys.
    With `omits_empty` a message without userData means that there is none; with `repeats` attaching an existing key
    adds a second one.
    """

    name: str
    collection: str
    key: str
    topic: str
    message_type: str
    deletes: Mapping[str, Delete]
    names: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    depth: int = 1
    userdata_kind: str = "PropertiesUpdated"
    omits_empty: bool = False
    repeats: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        """All names of the collection in paths and responses."""
        return (self.collection, self.key, *self.names)


Writes = Callable[[Mapping[str, Any], Channel], Mapping[Key, Any]]
Shows = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
Sets = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Operation(NamedTuple):
    """One operation: the kinds of notifications that answer it, what it writes, and what else it may change.

    Without `answered_by`, notifications of the channel's `userdata_kind` answer it. `writes(sent, channel)` returns the
    userData keys that the request writes, with their values (ABSENT for a deletion); None if it writes no userData.
    `shows(sent, resource)` returns whether a resource shows the effect of the operation; None if none is documented.
    `sets(sent)` returns the attributes of the resource that the request sets, with their values; `may_change` are the
    attributes that it may change, as documented. With `may_show_part` a notification may show only the written keys. An
    operation with `reads` changes nothing.
    """

    name: str
    answered_by: tuple[str, ...] = ()
    writes: Writes | None = None
    shows: Shows | None = None
    sets: Sets | None = None
    may_show_part: bool = False
    may_change: frozenset[str] = frozenset()
    reads: bool = False


class Call(NamedTuple):
    """A request, read as an operation on a resource; each part may be unknown (None).

    `sent` is its body, `row` its row in the table of operations, `attached` the userData in its body, if there is any.
    """

    operation: str | None
    channel: Channel | None
    resource_id: str | None
    sent: Mapping[str, Any]
    row: Operation | None = None
    attached: Mapping[Any, Any] | None = None

    @property
    def writes(self) -> Mapping[Key, Any] | None:
        """The userData keys that the request writes; None if it is not a userData operation."""
        if self.row and self.row.writes and self.channel and self.resource_id:
            return self.row.writes(self.sent, self.channel)
        return None

    @property
    def sets(self) -> Mapping[str, Any]:
        """The attributes of the resource that the request sets."""
        return self.row.sets(self.sent) if self.row and self.row.sets else {}

    def answered_by(self, kind: str) -> bool:
        """Return whether notifications of a kind may answer it. Any kind may, if the operation is not in the table."""
        if self.row is None:
            return True
        if self.row.answered_by:
            return kind in self.row.answered_by
        return self.channel is not None and kind == self.channel.userdata_kind

    def shown_in(self, subject: "Subject") -> bool | None:
        """Return whether a message shows what the request wrote; None if that cannot be seen."""
        if self.row and self.row.shows:
            return self.row.shows(self.sent, subject.resource)
        writes = self.writes
        if writes is not None:
            shown = subject.user_data
            return shown is not None and all(shows_key(shown, key, value) for key, value in writes.items())
        return None


class Subject(NamedTuple):
    """The resource that a message shows; `user_data` is None if the message does not show it.

    The value of a repeated key in userData is a `Repeated`.
    """

    channel: Channel
    resource_id: str
    resource: Mapping[str, Any]
    user_data: Mapping[str, Any] | None = None


class Csrf(NamedTuple):
    """How an API prevents forged requests: a response names the header that must carry the token."""

    name_header: str  # its value is the name of the token's header
    header: str  # the usual name of the token's header
    path: str  # where a GET returns both


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Api:
    """One API: how its traffic is recognised, how it is read, its tables, and its words. Data are parsed JSON objects.

    Traffic. `paths` are parts of the paths of its requests, `login_paths` of those that log in or renew a token: both
    are recorded. `root` is a regular expression for the start of its paths, after a deployment's own prefix, and
    `cometd` the path of its CometD server. `is_response` and `is_notification` recognise its messages. One API is the
    `fallback`, which reads what no other recognises.

    Reading. `call_of(path, method, body)`, `subject_of(notification)`, `resources_in(response)`. `kind_of` returns what
    kind a notification is (`ERROR` for a failed operation), `taken(response)` whether the operation was accepted,
    `code_of(response)` the name and value of its status. `user_data_of(value)` reads the field `user_data`; if
    that is a list of pairs, `pair_key` is the name of a pair's key. `reference` is the field, of the type
    `reference_type`, that links an operation with its notification.

    Short cuts for long bodies: without `operation_mark` in it a body names no operation (None: the path names it), and
    `status_part(body)` returns a JSON text that is enough to read the status from.
    """

    name: str
    fallback: bool = False
    paths: tuple[str, ...]
    login_paths: tuple[str, ...] = ()
    account_paths: tuple[str, ...] = ()  # ends of the paths that show the account that is logged in
    root: str
    cometd: str
    is_response: Callable[[Mapping[str, Any]], bool]
    is_notification: Callable[[Mapping[str, Any]], bool]

    call_of: Callable[[str, str, Mapping[str, Any]], Call]
    subject_of: Callable[[Mapping[str, Any]], Subject | None]
    resources_in: Callable[[Mapping[str, Any]], Iterator[Subject]]
    kind_of: Callable[[Mapping[str, Any]], str]
    taken: Callable[[Mapping[str, Any]], Taken]
    code_of: Callable[[Mapping[str, Any]], tuple[str, Any] | None]
    is_unauthenticated: Callable[[Mapping[str, Any]], bool] = lambda _response: False
    account_of: Callable[[Mapping[str, Any]], Any] = lambda _response: None  # the account that a response shows
    reports_error: Callable[[Mapping[str, Any]], bool] = lambda _notification: False
    user_data_of: Callable[[Any], Mapping[str, Any] | None]
    operation_mark: bytes | None = None
    status_part: Callable[[bytes], bytes] = lambda body: body

    user_data: str
    pair_key: str = ""
    identity: str = "id"  # the field with a resource's id
    envelopes: frozenset[str] = frozenset()  # the fields that resources may be nested in
    message_type: str = ""  # the field of a notification that names its channel's `message_type`
    reference: str
    reference_type: type[int] | type[str] = str

    channels: tuple[Channel, ...]
    operations: Mapping[str, Operation]
    framing_operations: frozenset[str] = frozenset()  # they begin and end a session: each client may send them again
    creating_operations: frozenset[str] = frozenset()  # they create a resource, or bring one to the user
    get_resources: Callable[[Channel], str]  # the request that shows the resources of a channel, for messages
    error_body: Callable[[str], Mapping[str, Any]]  # the body of an internal error with this text

    vocabulary: frozenset[str] = frozenset()  # words besides the tables' that are never redacted
    protocol_keys: frozenset[str] = frozenset()  # the fields whose values are words of the API
    volatile: tuple[str, ...] = ()  # patterns of attributes that differ between two messages about the same state
    # Attributes (patterns) that a kind of notification reports as changed without showing their whole values.
    moved_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    volatile_between_recordings: tuple[str, ...] = ()  # further ones that differ between two recordings
    volatile_user_data: tuple[str, ...] = ()  # keys of userData that the server changes by itself
    secret_headers: frozenset[str] = frozenset()  # in lower case, as all names for redaction
    secret_keys: frozenset[str] = frozenset()
    personal_keys: tuple[str, ...] = ()
    credential_headers: tuple[str, ...] = ()  # headers that say who the user is, besides Authorization
    harmless_headers: tuple[str, ...] = ()
    session_cookies: tuple[str, ...] = ()
    csrf: Csrf | None = None


# What `Api.kind_of` returns for a notification that says that an operation failed.
ERROR = "Error"


def writes_nothing(_sent: Mapping[str, Any], _channel: Channel) -> Mapping[Key, Any]:
    """Return no keys: for an operation that changes no userData, but is judged by the attributes it sets."""
    return {}


def pairs_as_user_data(pairs: Any) -> Mapping[str, Any] | None:
    """Return a list of `{key, type, value}` as userData; nested lists ("kvlist") likewise. None for anything else.

    The value of a repeated key is a `Repeated`; the order of keys does not count.
    """
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) and "key" in pair for pair in pairs):
        return None
    found: dict[str, list[Any]] = {}
    for pair in pairs:
        value = pair.get("value")
        nested = pairs_as_user_data(value) if value or pair.get("type") == "kvlist" else None
        found.setdefault(str(pair["key"]), []).append(value if nested is None else nested)
    return {key: values[0] if len(values) == 1 else Repeated(tuple(values)) for key, values in found.items()}


def values_of(value: Any) -> Sequence[Any]:
    """Return the values of a key: several if it is repeated."""
    return value.values if isinstance(value, Repeated) else (value,)


def shows_key(user_data: Mapping[str, Any], key: Key, value: Any) -> bool:
    """Return whether userData shows a written key with its exact value, or without the key after a deletion."""
    if isinstance(key, Wild):
        return not user_data if key is ALL_KEYS else any(same(each, value) for each in user_data.values())
    if isinstance(value, Absent):
        return key not in user_data
    if key not in user_data:
        return False
    shown = user_data[key]
    if isinstance(value, Another):
        several = shown if isinstance(shown, list) else values_of(shown)
        return same(shown, value.value) or all(
            any(same(each, one) for each in several) for one in values_of(value.value)
        )
    return same(shown, value)
