"""Edge: HTTP to a live GWS server, as one client of it: its cookies, its CSRF token, its credentials.

What is sent are the recorded requests; the headers that belong to a session are the live ones.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from gws_replay.core.api import dialects as api
from gws_replay.core.bayeux.messages import Message, encoded
from gws_replay.core.bayeux.over_http import JSON_TYPE
from gws_replay.core.model import Headers, Request, Response
from gws_replay.core.redaction.found import PLACEHOLDER
from gws_replay.core.redaction.policy import Policy
from gws_replay.errors import GwsReplayError
from gws_replay.settings.upstream import Credentials, how_to_log_in, proxy_for, tls_problem

_PATIENCE = 60.0  # seconds to wait for a response
# They belong to a connection, or follow from the body; `accept-encoding` is what our own library can unpack.
_OURS = frozenset(
    {
        *("host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"),
        *("content-length", "content-encoding", "accept-encoding", "user-agent"),
    }
)
# What a recording would redact is of its session: it is left out of the request, too.
_RULES = Policy("secrets").rules


@dataclass(frozen=True, slots=True)
class Tls:
    """How the server's certificate is verified: by a context; None for not at all."""

    context: ssl.SSLContext | None


@dataclass(slots=True)
class _Sending:
    """A request on its way; `sent` is called when all of it has gone out."""

    writes: bool
    has_body: bool
    sent: Callable[[], None]
    attempts: int = 0


class LiveClient:
    """One user's client of a live server, as an async context manager. `user` is its number, 0 if there is one only."""

    def __init__(self, origin: str, credentials: Credentials | None, tls: Tls, *, user: int = 0) -> None:
        self.origin = origin
        self.how_to_log_in = how_to_log_in(urlsplit(origin).hostname or "", user)
        self._authorization = credentials.authorization if credentials else ""
        self._name = f"gws-replay/{version('gws-replay')}"
        self._tls = tls
        self._proxy = proxy_for(origin)
        self._csrf: tuple[str, str] | None = None

    async def __aenter__(self) -> Self:
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_create_start.append(_once)
        tracing.on_connection_reuseconn.append(_once)
        tracing.on_request_headers_sent.append(_headers_sent)
        tracing.on_request_chunk_sent.append(_body_sent)
        self._http = aiohttp.ClientSession(
            trace_configs=[tracing],
            connector=aiohttp.TCPConnector(ssl=self._tls.context or False),
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # servers that go by a bare address have cookies, too
            auto_decompress=True,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    @property
    def has_token(self) -> bool:
        """Whether the server has shown a CSRF token."""
        return self._csrf is not None

    def with_live_headers(self, request: Request) -> Request:
        """Return a request with the live headers instead of the recorded ones."""
        kept = [(name, value) for name, value in request.headers.pairs if _is_kept(name.lower(), value)]
        kept.append(("User-Agent", self._name))
        if self._authorization:
            kept.append(("Authorization", self._authorization))
        if self._csrf and not request.is_safe:
            kept.append(self._csrf)
        return replace(request, headers=Headers(tuple(kept)))

    def bayeux(self, path: str, messages: Iterable[Message]) -> Request:
        """Return the request that posts Bayeux messages."""
        headers = Headers((("Content-Type", JSON_TYPE),))
        body = encoded(messages).encode()
        return self.with_live_headers(Request(method="POST", uri=self.origin + path, headers=headers, body=body))

    async def send(
        self, request: Request, name: str, *, patience: float = _PATIENCE, sent: Callable[[], None] = lambda: None
    ) -> Response:
        """Send a request and return the whole response; `sent` is called when it goes out.

        `name` is what messages call it: its own address may show a person. Raises GwsReplayError if no response comes.
        """
        try:
            return await self._send(request, patience, sent)
        except TimeoutError:
            reason = f"no response to {name} within {patience:.0f} seconds"
        except aiohttp.ClientConnectorCertificateError as error:
            host = urlsplit(self.origin).hostname or ""
            problem = tls_problem(str(error.certificate_error), host) or str(error.certificate_error)
            raise GwsReplayError(problem) from None
        except aiohttp.ClientConnectorError as error:
            reason = error.os_error.strerror or str(error.os_error)
        except aiohttp.ClientHttpProxyError as error:
            reason = f"the proxy refused (HTTP {error.status} {error.message})"
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
            reason = f"{name}: {error}"
        except (aiohttp.ClientError, OSError, ValueError) as error:  # whose text may hold the address
            reason = f"{name}: {type(error).__name__}"
        through = " through the HTTP proxy of the environment" if self._proxy else ""
        raise GwsReplayError(f"cannot reach {self.origin}{through}: {reason}")

    async def _send(self, request: Request, patience: float, sent: Callable[[], None]) -> Response:
        async with (
            asyncio.timeout(patience),
            self._http.request(
                request.method,
                _exactly(request.uri),
                headers=request.headers.pairs,
                data=request.body or None,
                proxy=self._proxy,
                allow_redirects=False,  # a redirect is compared as it is, and credentials go to no other server
                skip_auto_headers=("Content-Type",),
                timeout=aiohttp.ClientTimeout(total=None),
                trace_request_ctx=_Sending(writes=not request.is_safe, has_body=bool(request.body), sent=sent),
            ) as got,
        ):
            body = await got.read()
        headers = Headers(tuple((name, value) for name, value in got.headers.items()))
        name = next(filter(None, map(headers.get, api.CSRF_NAME_HEADERS)), None)
        token = headers.get(name) if name else None
        if name and token:
            self._csrf = name, token
        plain = headers.without("content-encoding", "transfer-encoding").replacing("content-length", str(len(body)))
        return Response(status=got.status, reason=got.reason or "", headers=plain, body=body)


async def _once(_session: aiohttp.ClientSession, context: Any, _params: Any) -> None:
    """Keep aiohttp from sending a PUT or DELETE again by itself when the connection broke: it may have been done."""
    sending: _Sending = context.trace_request_ctx
    sending.attempts += 1
    if sending.attempts > 1 and sending.writes:
        raise aiohttp.ClientConnectionError("the connection broke")


async def _headers_sent(_session: aiohttp.ClientSession, context: Any, _params: Any) -> None:
    sending: _Sending = context.trace_request_ctx
    if not sending.has_body:
        sending.sent()


async def _body_sent(_session: aiohttp.ClientSession, context: Any, _params: Any) -> None:
    sending: _Sending = context.trace_request_ctx
    sending.sent()


def _is_kept(name: str, value: str) -> bool:
    return name not in _OURS and _RULES.of_header(name, in_request=True) != "secret" and PLACEHOLDER not in value


def _exactly(uri: str) -> Any:
    from yarl import URL  # noqa: PLC0415 (comes with aiohttp)

    return URL(uri, encoded=True)
