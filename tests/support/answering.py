"""A server on 127.0.0.1 that returns what a test chose for each path, and keeps the requests that it received."""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OK = {"statusCode": 0}
DROPPED = object()


class _Handler(BaseHTTPRequestHandler):
    """Returns what its server's `answers` hold for a path: a status, or a JSON value."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        response = self.server.responses.get(self.path.partition("?")[0], OK)  # type: ignore[attr-defined]
        if callable(response):
            response = response()
        if response is DROPPED:
            self.close_connection = True
            return
        body = json.dumps(response).encode()
        if isinstance(response, int):
            self.send_response(response)
            self.send_header("Location", "/elsewhere")
        else:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        with suppress(ConnectionError):  # the client has not waited
            self.end_headers()
            self.wfile.write(body)

    do_DELETE = do_GET  # noqa: N815

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def answering(responses: Mapping[str, Any], tls: ssl.SSLContext | None = None) -> Iterator[Any]:
    """A server; `url` is its address, `seen` the requests that it received."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "https" if tls else "http"
        vars(server).update(responses=responses, seen=[], url=f"{scheme}://localhost:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
