"""One client of the Bayeux server: its subscriptions, what waits for it, and what it has not acknowledged.

Acknowledgement is the CometD extension of that name: each reply to a connect brings a batch with a number, and
the next connect names the last batch that arrived.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from gws_replay.core.bayeux.messages import Message


@dataclass(slots=True, kw_only=True)
class Client:
    """A client: its subscriptions, what waits for it, and the ticket of its held connect.

    `unconfirmed` are, for a client that acknowledges, the notifications sent and the batch that each was sent in.
    """

    id: str
    seen: float
    acknowledges: bool = False
    connected: bool = False
    patterns: set[str] = field(default_factory=set)
    queue: deque[Message] = field(default_factory=deque)
    ticket: int | None = None
    was_notified: bool = False
    batch: int = 0
    unconfirmed: deque[tuple[int, Message]] = field(default_factory=deque)

    def drain(self, most: int | None = None) -> tuple[Message, ...]:
        """Take what waits (`most` at the most) out of the queue; a client that acknowledges gets it as a batch."""
        notifications = tuple(islice(self.queue, most))
        self.was_notified = bool(notifications)
        if len(notifications) == len(self.queue):
            self.queue.clear()
        else:
            for _ in notifications:
                self.queue.popleft()
        if self.acknowledges:
            self.batch += 1
            self.unconfirmed.extend((self.batch, each) for each in notifications)
        return notifications

    def confirm(self, batch: int) -> None:
        """Forget the batches that the client has, and queue again, in front, those that it has not."""
        lost = [each for number, each in self.unconfirmed if number > batch]
        self.unconfirmed.clear()
        self.queue.extendleft(reversed(lost))

    @property
    def backlog(self) -> int:
        """How many notifications are kept for it."""
        return len(self.queue) + len(self.unconfirmed)

    @property
    def acknowledgement(self) -> Message:
        """The fields of a reply that name its batch."""
        return {"ext": {"ack": self.batch}} if self.acknowledges else {}
