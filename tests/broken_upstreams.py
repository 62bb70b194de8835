"""An upstream server on 127.0.0.1 that answers in pieces, and breaks off, resets or waits between any two of them."""

import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Pieces = Iterator[bytes]
PATIENCE = 60.0


class Reset(Exception):  # noqa: N818 (what the server does, and no error)
    """Ends an answer with a reset of the connection."""


@contextmanager
def broken_upstream(answer: Callable[[str], Pieces]) -> Iterator[str]:
    """Serve what the function yields for a path, a write each, then close the connection; give the URL."""

    class Handler(socketserver.StreamRequestHandler):
        timeout = PATIENCE

        def handle(self) -> None:
            with suppress(OSError):
                path = self.rfile.readline().split(b" ")[1].decode("latin-1")
                while self.rfile.readline().strip():
                    pass
                try:
                    for piece in answer(path):
                        self.wfile.write(piece)
                except Reset:
                    linger = (1).to_bytes(4, sys.byteorder) + bytes(4)
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()
            self.request.close()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

        def shutdown_request(self, request: Any) -> None:
            request.close()  # and no orderly shutdown, which would turn a reset into an end

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://localhost:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
