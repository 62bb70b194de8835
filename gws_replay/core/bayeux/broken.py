"""A connection that breaks on purpose while Bayeux messages are responded to."""

from gws_replay.core.bayeux.server import Replies


class BrokenConnectionError(ConnectionResetError):
    """The connection breaks when `part` of the response (0 to 1) with these replies is written.

    With 1 the whole response has arrived.
    """

    def __init__(self, replies: Replies | None = None, part: float = 0.0) -> None:
        super().__init__("the connection broke, as this variant asks for")
        self.replies = replies or Replies(messages=())
        self.part = part
