"""Which deliveries are one notification: to several CometD clients of a user, or once more to the same client.

A server delivers a notification to each client that was there when it was published. With the extension "ack" it
delivers a batch again that the client did not acknowledge: the request for it names an earlier batch.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable
from heapq import merge

from gws_replay.core.model import Notification

_UNKNOWN = -1


class Deliveries:
    """All deliveries of a recording, added in any order."""

    def __init__(self) -> None:
        self._clients: dict[str, int] = {}
        self._met: list[float] = []
        # Of each delivery: when, what, to which client, in which batch, and the number that says whose it is.
        self._seen = array("d")
        self._digest = array("Q")
        self._client = array("l")
        self._batch = array("l")
        self._owner = array("l")
        self._acknowledged: list[tuple[float, int, int]] = []

    def meet(self, client: str, at: float) -> None:
        """Note that a client existed at a time."""
        number = self._number(client)
        self._met[number] = min(self._met[number], at)

    def acknowledge(self, client: str, batch: int, at: float) -> None:
        """Note that a client connected again, and named the last batch that it has."""
        self._acknowledged.append((at, self._number(client), batch))

    def add(self, notification: Notification, client: str, batch: int | None, owner: int) -> int:
        """Add a delivery to a client (empty if unknown), and return its number."""
        content = f"{notification.channel}\n{notification.data}".encode("utf-8", "surrogatepass")
        self._seen.append(notification.seen)
        self._digest.append(int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big"))
        self._client.append(self._number(client) if client else _UNKNOWN)
        self._batch.append(_UNKNOWN if batch is None else batch)
        self._owner.append(owner)
        return len(self._seen) - 1

    def owner(self, number: int) -> int:
        """Return what was given as the owner of a delivery."""
        return self._owner[number]

    def repeated(self, user_of: Callable[[int], int]) -> frozenset[int]:
        """Return the deliveries that are not the first of their notification. `user_of` gives an owner's user."""
        if len(self._clients) < 2 and not self._acknowledged:
            return frozenset()
        deliveries = sorted(range(len(self._seen)), key=self._seen.__getitem__)
        events = merge(
            ((at, 0, client, batch) for at, client, batch in sorted(self._acknowledged)),
            ((self._seen[number], 1, number, 0) for number in deliveries),
        )
        again = _SentAgain()
        first: dict[tuple[int, int], list[tuple[float, set[int]]]] = {}
        repeated = set()
        for at, is_delivery, which, batch in events:
            if not is_delivery:
                again.acknowledge(which, batch)
                continue
            client, digest = self._client[which], self._digest[which]
            if client == _UNKNOWN:
                continue
            if again.is_repeated(client, digest, self._batch[which]):
                repeated.add(which)
                continue
            notifications = first.setdefault((user_of(self._owner[which]), digest), [])
            others = (clients for seen, clients in notifications if self._met[client] <= seen)
            same_client = next((clients for clients in others if client not in clients), None)
            if same_client is None:
                notifications.append((at, {client}))
            else:
                same_client.add(client)
                repeated.add(which)
        return frozenset(repeated)

    def _number(self, client: str) -> int:
        number = self._clients.setdefault(client, len(self._clients))
        if number == len(self._met):
            self._met.append(float("inf"))
        return number


class _SentAgain:
    """What each client has not acknowledged, and what it therefore gets once more."""

    def __init__(self) -> None:
        self._sent: dict[int, list[tuple[int, int]]] = {}
        self._expected: dict[int, Counter[int]] = {}
        self._last: dict[int, int] = {}

    def acknowledge(self, client: int, batch: int) -> None:
        sent = self._sent.pop(client, ())
        if batch >= self._last.get(client, 0):
            self._expected.pop(client, None)
        else:
            expected = self._expected.setdefault(client, Counter())
            expected.update(digest for number, digest in sent if number > batch)

    def is_repeated(self, client: int, digest: int, batch: int) -> bool:
        if batch != _UNKNOWN:
            self._sent.setdefault(client, []).append((batch, digest))
            self._last[client] = max(batch, self._last.get(client, 0))
        expected = self._expected.get(client)
        if not expected or not expected[digest]:
            return False
        expected[digest] -= 1
        return True
