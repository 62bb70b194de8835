"""Edge: the adapter of requests: a plain request is sent to the run directly, without urllib3.

The pool and the connection of urllib3 take longer than the run's decision. Whatever they would act on (retries,
proxies, certificates, a body in chunks, a log of their own) goes through them, see `urllib3_connection`.
"""

import logging
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from types import FunctionType, ModuleType
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter  # not by way of `requests`, which may be half imported
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ReadTimeout
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from gws_replay.core.content_coding import decoded
from gws_replay.core.model import Headers, Request, Response
from gws_replay.interception.interceptor import INTERCEPTOR, bytes_of, text_of
from gws_replay.interception.patching import Swap
from gws_replay.interception.urllib3_connection import IS_FIRST, KINDS, returned

_LOG = logging.getLogger("urllib3.connectionpool")
_PORTS = {"http": 80, "https": 443}


def swaps(adapters: ModuleType) -> Iterator[Swap]:
    """Yield the patches of adapters; none if requests uses urllib3 1."""
    if not IS_FIRST:
        yield Swap(HTTPAdapter, "send", partial(_sending, adapters))


def _sending(adapters: ModuleType, real: Callable[..., Any]) -> Callable[..., Any]:
    if not _is_of(adapters, real):  # somebody has replaced it, and responds
        return real

    def send(  # noqa: PLR0917 (the signature of requests)
        self: Any,
        request: Any,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Any:
        uri = _address(request.url)
        is_plain = uri and not cert and not proxies and (type(verify) is bool or uri.startswith("http:"))
        if is_plain and _is_timeout(timeout) and _is_plain(self, request) and INTERCEPTOR.replays_here:
            response = _decided(self, request, uri, timeout)
            if response is not None:
                return _built(self, request, uri, response, stream=stream)
        return real(self, request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies)

    return send


def _is_of(module: ModuleType, function: Any) -> bool:
    """Whether a function is a module's own, and not what an instrumentation or a mock has put in its place."""
    return type(function) is FunctionType and function.__code__.co_filename == module.__file__


def _is_plain(adapter: Any, request: Any) -> bool:
    """Whether urllib3 would only pass a request on, and its response back."""
    retries, body = adapter.max_retries, request.body
    return (
        type(adapter) is HTTPAdapter
        and type(retries) is urllib3.Retry
        and retries.total == 0
        and retries.read is False
        and not retries.status_forcelist
        and (body is None or (isinstance(body, bytes | str) and "Content-Length" in request.headers))
        and (HTTPConnectionPool.ConnectionCls, HTTPSConnectionPool.ConnectionCls) == KINDS
        and _is_of(urllib3.connectionpool, HTTPConnectionPool.urlopen)
        and not _LOG.isEnabledFor(logging.DEBUG)
    )


def _is_timeout(value: Any) -> bool:
    """Whether urllib3 would accept a timeout; it says what is wrong with any other."""
    if type(value) is tuple:
        return len(value) == 2 and all(map(_is_timeout, value)) and tuple not in map(type, value)
    return value is None or (type(value) in (int, float) and value > 0)


@lru_cache(1024)
def _address(url: Any) -> str:
    """Return the address of a request without the port that is usual; empty if it is spelled in an unusual way."""
    if not isinstance(url, str):
        return ""
    parts = urllib3.util.parse_url(url)
    host, port, scheme = parts.host or "", parts.port, parts.scheme or ""
    place = host if port is None else f"{host}:{port}"
    if scheme not in _PORTS or url != f"{scheme}://{place}{parts.request_uri}" or host.endswith((".", "]")):
        return ""
    return f"{scheme}://{host}{parts.request_uri}" if port == _PORTS[scheme] else url


@lru_cache(512)
def _fields(pairs: tuple[tuple[Any, Any], ...]) -> Headers:
    """Return header fields; equal ones of one session are one object, by which it is known."""
    return Headers(tuple((text_of(name), text_of(value)) for name, value in pairs))


def _decided(adapter: Any, request: Any, uri: str, timeout: Any) -> Response | None:
    """Return the run's response. Raises ReplayMiss, and what requests raises for a request that got no response."""
    headers, body = decoded(_fields(tuple(request.headers.items())), bytes_of(request.body))
    try:
        return INTERCEPTOR.decide(Request(method=request.method, uri=uri, headers=headers, body=body)).response
    except TimeoutError as error:
        pool = adapter.poolmanager.connection_from_url(uri)
        seconds = timeout[1] if isinstance(timeout, tuple) else timeout
        late = ReadTimeoutError(pool, request.path_url, f"Read timed out. (read timeout={seconds})")
        raise ReadTimeout(late, request=request) from error
    except ConnectionResetError as error:
        raise RequestsConnectionError(ProtocolError("Connection aborted.", error), request=request) from error


def _built(adapter: Any, request: Any, uri: str, response: Response, *, stream: bool) -> Any:
    raw = returned(request.method, uri, response, preload_content=False, decode_content=False)
    raw.retries = adapter.max_retries
    built = adapter.build_response(request, raw)
    if not stream:
        built._content, built._content_consumed = response.body, True  # noqa: SLF001 (or it reads it in pieces)
    return built
