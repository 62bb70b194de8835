"""An upstream server on 127.0.0.1 that sends a response in pieces, and stops, resets or waits between two of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.support.proxies import PATIENCE, AbruptHandler, serving_sockets

Pieces = Iterator[bytes]


class Reset(Exception):  # noqa: N818 (what the server does, and no error)
    """Ends a response with a reset of the connection."""


@contextmanager
def broken_upstream(response: Callable[[str], Pieces]) -> Iterator[str]:
    """Serve the pieces that the function yields for a path, one write for each, then close the connection.

    Give the URL.
    """

    class Handler(AbruptHandler):
        timeout = PATIENCE

        def handle(self) -> None:
            with suppress(OSError):
                path = self.rfile.readline().split(b" ")[1].decode("latin-1")
                while self.rfile.readline().strip():
                    pass
                try:
                    for piece in response(path):
                        self.wfile.write(piece)
                except Reset:
                    self.reset()

    with serving_sockets(Handler) as port:
        yield f"http://localhost:{port}"
