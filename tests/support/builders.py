"""Small builders of exchanges, notifications and cassettes, and a model of a server, for several test files."""

import gc
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from hypothesis import strategies as st

from gws_replay.core.cassette import Cassette
from gws_replay.core.compile.causes import attribute
from gws_replay.core.model import Exchange, Headers, Notification, Request, Response

DATA = Path(__file__).parents[1] / "data"
CAPTURES = tuple(sorted(path.stem for path in (DATA / "captures").glob("*.flow")))
HOST = "http://gws.example"
SESSIONS = "/api/v2/me/facebooksessions"
TOPIC = "/v2/me/facebooksession"
NOTIFICATIONS = "/api/v2/notifications"

Pairs = Sequence[tuple[str, str]]

# No negative zero and nothing near infinity: json spells those apart though they are equal.
FLOATS = st.sampled_from([0.0, 1.0, 1.5, 1e300, -2.25])
SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 2) | FLOATS | st.sampled_from(["", "1", "true", "null", "ä\x1b[1m"])
)
KEYS = st.sampled_from(["A", "B", "C", "__class__", "__x", "a.b", 'it\'s "x"', "[0]", "root['A']", "User Data 1"])
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
USER_DATA = st.dictionaries(KEYS, JSON, max_size=5)


def spelled(value: Any) -> str:
    """Return a text of a JSON value; two texts are equal exactly when value and types are.

    Uses no code of the package.
    """
    return json.dumps(value, sort_keys=True)


def body(value: Any) -> bytes:
    """JSON on one line, as it goes over the wire; nothing for None."""
    return b"" if value is None else json.dumps(value, separators=(",", ":")).encode()


def exchange(
    method: str = "GET",
    path: str = "/api/v2/me",
    sent: Any = None,
    response: Any = None,
    *,
    began: float = 0.0,
    ended: float | None = None,
    status: int = 200,
    request_headers: Pairs = (),
    response_headers: Pairs = (),
) -> Exchange:
    """An exchange; JSON values are encoded, bytes are taken as they are."""
    return Exchange(
        request=Request(
            method=method,
            uri=HOST + path,
            headers=Headers(tuple(request_headers)),
            body=sent if isinstance(sent, bytes) else body(sent),
        ),
        response=Response(
            status=status,
            reason="OK" if status == 200 else "",
            headers=Headers(tuple(response_headers)),
            body=response if isinstance(response, bytes) else body(response),
        ),
        began=began,
        ended=began + 0.1 if ended is None else ended,
    )


def operation(
    name: str, *, began: float, ended: float | None = None, session: str = "S1", response: Any = None, **fields: Any
) -> Exchange:
    """A POST of an operation to a Facebook session, taken by the server unless `answer` says otherwise."""
    sent = {"operationName": name, **fields}
    taken = {"statusCode": 0} if response is None else response
    return exchange("POST", f"{SESSIONS}/{session}", sent, taken, began=began, ended=ended)


def update(user_data: Mapping[str, Any], *, began: float, **more: Any) -> Exchange:
    """An UpdateUserData."""
    return operation("UpdateUserData", began=began, userData=user_data, **more)


def get(user_data: Mapping[str, Any], *, began: float, ended: float | None = None, session: str = "S1") -> Exchange:
    """A GET of all sessions that shows one."""
    shown = {"statusCode": 0, "facebooksessions": [{"id": session, "userData": user_data}]}
    return exchange("GET", f"{SESSIONS}?fields=*", None, shown, began=began, ended=ended)


def push(
    user_data: Mapping[str, Any] | None,
    *,
    seen: float,
    kind: str = "PropertiesUpdated",
    session: str = "S1",
    reference: Any = None,
    **resource: Any,
) -> Notification:
    """A notification of a Facebook session, without userData for None, and without a cause."""
    shown = {"id": session, **resource, **({} if user_data is None else {"userData": user_data})}
    data: dict[str, Any] = {"notificationType": kind, "facebooksession": shown}
    if reference is not None:
        data["referenceId"] = reference
    return Notification(channel=TOPIC, data=json.dumps(data), seen=seen)


def cassette(*moments: Exchange | Notification, attributed: bool = True) -> Cassette:
    """A cassette of exchanges and notifications, which are put in order and given their causes."""
    exchanges = sorted((m for m in moments if isinstance(m, Exchange)), key=lambda e: e.began)
    notifications: Sequence[Notification] = sorted(
        (m for m in moments if isinstance(m, Notification)), key=lambda n: n.seen
    )
    if attributed:
        notifications = attribute(exchanges, notifications)
    return Cassette(interactions=tuple(exchanges), notifications=tuple(notifications), header={"format": 1})


def poll(*answered: Any, began: float = 0.0, ended: float = 1.0, client_id: str = "c1") -> Exchange:
    """A CometD poll and what came in its response."""
    sent = [{"channel": "/meta/connect", "clientId": client_id, "connectionType": "long-polling"}]
    return exchange("POST", NOTIFICATIONS, sent, list(answered), began=began, ended=ended)


def bayeux(notification: Notification, **fields: Any) -> dict[str, Any]:
    """The Bayeux message that carries a notification."""
    return {"channel": notification.channel, "data": json.loads(notification.data), **fields}


def growth(work: Callable[[int], object], size: int) -> float:
    """How many times longer four times the work takes: 4 when it is linear, 16 when it is quadratic.

    The processor's time of this thread is what counts, so that other work on the machine does not.
    """

    def best(count: int) -> float:
        times = []
        for _ in range(3):
            start = time.thread_time()
            work(count)
            times.append(time.thread_time() - start)
        return min(times)

    gc.disable()
    try:
        return best(4 * size) / best(size)
    finally:
        gc.enable()


@dataclass(frozen=True)
class Step:
    """One request that a client sends to the model server, and how long each part takes, in ticks.

    `name` is an operation, or GET. `keys` are written (or deleted); the value is unique to the step.
    """

    name: str
    keys: tuple[str, ...] = ()
    session: str = "S1"
    pause: int = 1
    up: int = 1
    down: int = 1
    push: int = 1
    refused: bool = False


@dataclass
class Server:
    """A model of a correct server: it carries out requests as they arrive, and sends notifications in the same order.

    `snapshot` is the state that a notification shows: after the `operation`, or at the `push`. The notifications of the
    steps in `lost` never arrive; with `reordered`, notifications overtake each other.
    """

    steps: Sequence[Step]
    snapshot: Literal["operation", "push"] = "operation"
    lost: frozenset[int] = frozenset()
    reordered: bool = False
    states: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self) -> tuple[list[Exchange], list[tuple[Notification, int]]]:
        """Return the exchanges in order of begin, and the notifications as seen, each with its true cause."""
        exchanges: dict[int, Exchange] = {}
        notifications: list[tuple[Notification, int]] = []
        events: list[tuple[float, int, str]] = []
        began: list[float] = []
        for index, step in enumerate(self.steps):
            began.append((began[-1] if began else 0.0) + step.pause)
            events.append((began[index] + step.up, index, "arrive"))
        last_push = 0.0
        kept: dict[int, dict[str, Any]] = {}
        while events:
            events.sort()
            now, index, what = events.pop(0)
            step = self.steps[index]
            state = self.states.setdefault(step.session, {"A": 0, "Z": "still"})
            if what == "push":
                shown = kept[index] if self.snapshot == "operation" else dict(state)
                notifications.append((push(shown, seen=now, session=step.session), index))
                continue
            exchanges[index] = replace(self._take(index, step, state), began=began[index], ended=now + step.down)
            if step.name != "GET" and not step.refused and index not in self.lost:
                kept[index] = dict(state)
                pushed = now + step.push + 0.001 * (index + 1)
                last_push = pushed if self.reordered else max(pushed, last_push + 0.0001)
                events.append((last_push, index, "push"))
        return [exchanges[index] for index in range(len(self.steps))], notifications

    def _take(self, index: int, step: Step, state: dict[str, Any]) -> Exchange:
        """Apply a step to the state, and answer it."""
        if step.name == "GET":
            return get(dict(state), began=0.0, session=step.session)
        fields: dict[str, Any]
        writes = {key: f"value {index} {key}" for key in step.keys}
        if step.name == "DeleteUserData":
            fields = {"keys": list(step.keys)}
        elif step.name == "SetDisposition":
            writes = {"DispositionCode": f"value {index}"}
            fields = {"disposition": f"value {index}", "dispositionKey": "DispositionCode"}
        else:
            fields = {"userData": writes}
        if step.refused:
            response = {"statusCode": 2, "statusMessage": "no"}
            return operation(step.name, began=0.0, session=step.session, response=response, **fields)
        if step.name == "DeleteUserData":
            for key in step.keys:
                state.pop(key, None)
        else:
            state.update(writes)
        return operation(step.name, began=0.0, session=step.session, **fields)


def steps(
    names: Sequence[str], *, sessions: Sequence[str] = ("S1",), refusals: bool = False
) -> st.SearchStrategy[Step]:
    """Steps with random keys, sessions and delays."""
    ticks = st.integers(1, 6)
    return st.builds(
        Step,
        name=st.sampled_from(names),
        keys=st.lists(st.sampled_from("ABCD"), min_size=1, max_size=3, unique=True).map(tuple),
        session=st.sampled_from(sessions),
        pause=ticks,
        up=ticks,
        down=ticks,
        push=ticks,
        refused=st.booleans() if refusals else st.just(False),
    )
