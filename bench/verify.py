"""How long verifying takes: 10,000 updates of a session of 90 keys, judged, loaded, and by the whole command.

DeepDiff alone, on the same snapshots, stands beside it. Prints tables in Markdown.
Run: python bench/verify.py [UPDATES]
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from deepdiff import DeepDiff
from goals import Goal, Peer, met

from gws_replay.core.cassette import Cassette
from gws_replay.core.model import Cause, Exchange, Notification, Request, Response
from gws_replay.core.oracle.judge import judge
from gws_replay.storage.files import load_cassette, save_cassette

URL = "http://gws.example/api/v2/me/facebooksessions"


def recorded(updates: int) -> Cassette:
    """Return a session whose every update, of two of its keys, has a notification."""
    data: dict[str, object] = {f"Key {n}": f"value {n}" if n % 3 else n for n in range(90)}
    exchanges = [_get(data, 0.0)]
    pushed: list[Notification] = []
    for n in range(updates):
        written = {"Key 1": f"new {n}", "Key 3": n}
        data = {**data, **written}
        sent = json.dumps({"operationName": "UpdateUserData", "userData": written}).encode()
        request = Request(method="POST", uri=f"{URL}/S1", body=sent)
        reply = Response(status=200, body=b'{"statusCode": 0}')
        exchanges.append(Exchange(request=request, response=reply, began=n + 1.0, ended=n + 1.3))
        shown = {"id": "S1", "state": "Chatting", "capabilities": ["Leave"], "userData": data}
        text = json.dumps({"referenceId": n, "notificationType": "PropertiesUpdated", "facebooksession": shown})
        cause = Cause(interaction=n + 1, rule="content", after="response")
        pushed.append(Notification(channel="/v2/me/facebooksession", data=text, seen=n + 1.5, cause=cause))
    exchanges.append(_get(data, updates + 2.0))
    return Cassette(
        interactions=tuple(exchanges),
        notifications=tuple(pushed),
        header={"format": 1, "api": "gws-v2", "redaction": "all"},
    )


def _get(data: dict[str, object], began: float) -> Exchange:
    body = json.dumps({"statusCode": 0, "facebooksessions": [{"id": "S1", "state": "Chatting", "userData": data}]})
    request = Request(method="GET", uri=f"{URL}?fields=*")
    return Exchange(request=request, response=Response(status=200, body=body.encode()), began=began, ended=began + 0.2)


def timed(what: str, work: Callable[[], object]) -> float:
    """Print and return how many seconds something takes."""
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    print(f"| {what} | {took:.2f} s |", flush=True)
    return took


def deepdiff(cassette: Cassette) -> None:
    """Compare each snapshot with the one before it, and do no more."""
    shown = [each.value["facebooksession"]["userData"] for each in cassette.notifications]
    for before, after in pairwise(shown):
        if len(DeepDiff(before, after, view="tree")["values_changed"]) != 2:
            raise SystemExit("DeepDiff does not see the two changes")


def main() -> None:
    """Measure each part on its own."""
    cassette = recorded(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    print("| work | takes |\n|---|--:|")
    timed("parse the bodies", lambda: [(each.request_json, each.response_json) for each in cassette.interactions])
    timed("parse the notifications", lambda: [each.value for each in cassette.notifications])
    judged = timed("judge", lambda: judge(cassette))
    peer = timed("DeepDiff alone", lambda: deepdiff(cassette))
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".yaml", ".json"):
            path = Path(folder, f"big{suffix}")
            save_cassette(cassette, path)
            timed(f"load {path.name}", lambda path=path: load_cassette(path))  # type: ignore[misc]
            command = [sys.executable, "-m", "gws_replay", "verify", "-q", str(path)]
            timed(f"verify {path.name}", lambda command=command: subprocess.run(command, check=True))  # type: ignore[misc]
    what = f"judge {len(cassette.notifications):,} updates"
    met([Goal(what, judged, 1.5, " s", Peer("DeepDiff alone", peer, 6.4))])


if __name__ == "__main__":
    main()
