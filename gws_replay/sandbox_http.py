"""The sandbox's edge: HTTP in and out, cookies, CSRF tokens, held connections and the push delay.

It is our own reading of the documentation. This file must never know what an operation does or when a notification may
leave: `sandbox_state` answers the one and `core.bayeux` the other. CometD messages are told apart by their channels,
never by the URL, because clients post them to different ones.
"""

import asyncio
import secrets
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeAlias

from aiohttp import web

from gws_replay.core.bayeux import Answer, BayeuxServer, Hold
from gws_replay.sandbox_state import (
    HttpSession,
    Json,
    Reply,
    Sandbox,
    access_denied,
    not_found,
    not_json,
)
from gws_replay.sandbox_wire import MAX_BODY, decode, encode, gist

_CHANNEL: Final = "/v2/me/facebooksession"  # singular, though the path in its uri is plural [FBMT]
_ME: Final = "/api/v2/me"
_COMETD: Final = "/api/v2/notifications"
_JSON: Final = {"Content-Type": "application/json;charset=UTF-8"}

# What a REST resource answers: the request, its HTTP session and its decoded body in, a reply out.
_Resource: TypeAlias = Callable[[web.Request, HttpSession, Any], Reply]


class Edge:
    """The aiohttp handlers of one sandbox, the connects they hold, and the notifications that are due."""

    def __init__(self, sandbox: Sandbox, *, push_delay: float, log: Callable[[str], None] | None) -> None:
        self._sandbox = sandbox
        self._push_delay = push_delay
        self._log = log
        self._bayeux = BayeuxServer(new_id=lambda: secrets.token_hex(20))
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._due: deque[Json] = deque()
        self._closing = False

    def application(self) -> web.Application:
        """Build the aiohttp application."""
        sandbox = self._sandbox
        application = web.Application(client_max_size=MAX_BODY, middlewares=[self._logged] if self._log else [])
        add = application.router.add_route
        add("GET", "/api/v2/diagnostics/version", self._version)
        add("POST", _COMETD, self._notifications)
        add("POST", f"{_COMETD}/{{rest:.*}}", self._notifications)
        add("GET", _ME, self._rest(lambda request, _session, _body: sandbox.me(_origin(request))))
        add("POST", _ME, self._rest(lambda _request, session, body: sandbox.operate_on_me(body, session)))
        for path in (f"{_ME}/facebooksessions", "/api/v2/facebooksessions"):  # both name the same thing [INT]
            add("GET", path, self._rest(self._list))
            add("GET", f"{path}/{{id}}", self._rest(self._show))
            add("POST", f"{path}/{{id}}", self._rest(self._operate))
        add("*", "/api/v2/{rest:.*}", self._rest(lambda _request, _session, _body: not_found()))
        add("*", "/{rest:.*}", self._unknown)
        application.on_shutdown.append(self._let_go)
        return application

    def _rest(self, resource: _Resource) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Wrap a resource in what all of them have: credentials, the CSRF token, JSON and the HTTP session."""

        async def handle(request: web.Request) -> web.Response:
            session = self._http_session(request)
            refused = self._refused(request)
            if refused is None:
                refused = _forged(request, session)
            if refused is not None:
                return refused
            opened = session is None
            if session is None:
                session = self._sandbox.open_http_session(
                    session_id=secrets.token_hex(13), csrf_token=str(uuid.uuid4())
                )
            try:
                body = await _content(request) if request.method == "POST" else None
            except ValueError:
                return _respond(request, not_json())
            reply = resource(request, session, body)
            self._push_later(reply.notifications)
            shows_token = request.method == "GET" and request.path == _ME
            tokens = {"X-CSRF-HEADER": "X-CSRF-TOKEN", "X-CSRF-TOKEN": session.csrf_token} if shows_token else {}
            response = _respond(request, reply, tokens)
            if opened:
                response.set_cookie("JSESSIONID", session.id, httponly=True)
            return response

        return handle

    def _list(self, request: web.Request, _session: HttpSession, _body: Any) -> Reply:
        return self._sandbox.facebooksessions(whole=request.query.get("fields") == "*", origin=_origin(request))

    def _show(self, request: web.Request, _session: HttpSession, _body: Any) -> Reply:
        return self._sandbox.facebooksession(request.match_info["id"], _origin(request))

    def _operate(self, request: web.Request, _session: HttpSession, body: Any) -> Reply:
        return self._sandbox.operate(request.match_info["id"], body, _origin(request))

    async def _version(self, request: web.Request) -> web.Response:
        return _respond(request, self._sandbox.version())

    async def _unknown(self, request: web.Request) -> web.Response:
        return _respond(request, not_found())

    async def _notifications(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            decoded = await _content(request)
        except ValueError:
            decoded = None
        messages = [decoded] if isinstance(decoded, dict) else decoded
        if not isinstance(messages, list):
            return web.Response(status=400, text="The body is not JSON with Bayeux messages.")
        now = asyncio.get_running_loop().time()
        self._bayeux.expire(now)
        result = self._bayeux.receive(messages, now)
        self._wake(result.ready)
        answer = await self._held(result) if isinstance(result, Hold) else result
        response = web.Response(body=encode(list(answer.messages)), headers=_JSON)
        if "BAYEUX_BROWSER" not in request.cookies and any("version" in each for each in answer.messages):
            response.set_cookie("BAYEUX_BROWSER", secrets.token_hex(20), httponly=True)
        return await self._write(request, response, answer)

    async def _held(self, hold: Hold) -> Answer:
        loop = asyncio.get_running_loop()
        waiter = self._waiting[hold.ticket] = loop.create_future()
        try:
            await asyncio.wait([waiter], timeout=0 if self._closing else hold.until - loop.time())
        except asyncio.CancelledError:  # the client hung up
            self._bayeux.abandon(hold.ticket, loop.time())
            raise
        finally:
            del self._waiting[hold.ticket]
        return self._bayeux.release(hold.ticket, loop.time())

    async def _write(self, request: web.Request, response: web.Response, answer: Answer) -> web.Response:
        """Write an answer here and not in aiohttp, because only here its notifications can be saved."""
        try:
            await response.prepare(request)
            await response.write_eof()
        except asyncio.CancelledError:
            self._wake(self._bayeux.put_back(answer))
            raise
        except OSError:  # aiohttp meets it again and closes the connection
            self._wake(self._bayeux.put_back(answer))
        return response

    def _push_later(self, notifications: Iterable[Json]) -> None:
        for notification in notifications:
            self._due.append(notification)
            # Timers due at the same time fire in any order, so each pushes the oldest and not its own.
            asyncio.get_running_loop().call_later(self._push_delay, self._push_oldest)

    def _push_oldest(self) -> None:
        self._wake(self._bayeux.deliver(_CHANNEL, self._due.popleft()))

    def _wake(self, tickets: Iterable[int]) -> None:
        for ticket in tickets:
            waiter = self._waiting.get(ticket)
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    async def _let_go(self, _application: web.Application) -> None:
        self._closing = True
        self._wake(tuple(self._waiting))

    def _http_session(self, request: web.Request) -> HttpSession | None:
        return self._sandbox.http_session(request.cookies.get("JSESSIONID", ""))

    def _refused(self, request: web.Request) -> web.Response | None:
        """Answer a request without a right: an Authorization header counts for more than a session's cookie."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            admitted = self._http_session(request) is not None
        else:
            admitted = self._sandbox.knows(authorization)
        return None if admitted else _respond(request, access_denied(), {"WWW-Authenticate": 'Basic realm="GWS"'})

    @web.middleware
    async def _logged(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        asked = gist(await request.read(), request.headers.get("Content-Encoding", ""))
        response = await handler(request)
        told = gist(response.body) if isinstance(response, web.Response) else ""
        if self._log is not None:
            line = (request.method, request.rel_url.raw_path, asked, "->", str(response.status), told)
            self._log(" ".join(filter(None, line)))
        return response


def _origin(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


async def _content(request: web.Request) -> Any:
    return decode(await request.read(), request.headers.get("Content-Encoding", ""))


def _forged(request: web.Request, session: HttpSession | None) -> web.Response | None:
    """Answer a modifying request that does not carry its session's CSRF token [CSRF]."""
    if request.method not in {"POST", "PUT", "PATCH", "DELETE"}:
        return None
    token = request.headers.get("X-CSRF-TOKEN", "").encode(errors="replace")
    if session is not None and secrets.compare_digest(token, session.csrf_token.encode()):
        return None
    return web.Response(status=403, text="Missing or invalid Csrf token")


def _respond(request: web.Request, reply: Reply, headers: dict[str, str] | None = None) -> web.Response:
    response = web.Response(status=reply.status, body=encode(reply.body), headers={**_JSON, **(headers or {})})
    if "gzip" in request.headers.get("Accept-Encoding", "").lower():  # left to choose, aiohttp would take deflate
        response.enable_compression(web.ContentCoding.gzip)
    return response
