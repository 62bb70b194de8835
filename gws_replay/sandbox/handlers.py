"""The sandbox's HTTP side: requests and responses, cookies, CSRF tokens and the request log.

It is our own reading of the documentation. `state` and `resources` carry out operations, `pushes` decides when a
notification is delivered; neither belongs here. CometD messages are recognised by their channels, never by the URL,
because clients post them to different URLs.
"""

import secrets
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from aiohttp import web

from gws_replay.core.bayeux.over_http import JSON_TYPE, BayeuxRequest, carried
from gws_replay.core.model import Headers, Request
from gws_replay.playback.held_polls import HeldPolls
from gws_replay.sandbox import workspace_v3
from gws_replay.sandbox.bodies import decode, encode, gist, gist_of, unpacked
from gws_replay.sandbox.pushes import Pushes
from gws_replay.sandbox.replies import Push, Reply, access_denied, not_found, not_json
from gws_replay.sandbox.state import HttpSession, Sandbox
from gws_replay.web.bayeux_aiohttp import MAX_BODY, Conversations, is_websocket, poll

_ME: Final = "/api/v2/me"
_COMETD: Final = ("/api/v2/notifications", "/workspace/v3/notifications")

# A REST resource: takes the request, its HTTP session and its decoded body, and returns a reply.
_Resource: TypeAlias = Callable[[web.Request, HttpSession, Any], Reply]


class Edge:
    """The aiohttp handlers of one sandbox, and the held polls of its CometD clients."""

    def __init__(self, sandbox: Sandbox, *, push_delay: float, log: Callable[[str], None] | None) -> None:
        self._sandbox = sandbox
        self._log = log
        self._pushes = Pushes(new_id=lambda: secrets.token_hex(20), delay=push_delay)
        self._polls = HeldPolls(self._pushes)
        self._conversations = Conversations(self._held_polls_of)

    def application(self) -> web.Application:
        """Build the aiohttp application."""
        sandbox = self._sandbox
        application = web.Application(client_max_size=MAX_BODY, middlewares=[self._logged] if self._log else [])
        add = application.router.add_route
        add("GET", "/api/v2/diagnostics/version", self._version)
        for path in (each + rest for each in _COMETD for rest in ("", "/{rest:.*}")):
            add("GET", path, self._notifications)
            add("POST", path, self._notifications)
        add("GET", _ME, self._rest(lambda request, _session, _body: sandbox.me(_origin(request))))
        add("POST", _ME, self._rest(lambda _request, session, body: sandbox.operate_on_me(body, session)))
        add("*", "/api/v2/{rest:.*}", self._rest(self._resource))
        add("*", "/workspace/v3/{rest:.*}", self._rest(self._workspace))
        add("*", "/{rest:.*}", self._unknown)
        application.on_shutdown.append(self._close_held)
        return application

    def _rest(self, resource: _Resource) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Wrap a resource with what all of them share: credentials, the CSRF token, JSON and the HTTP session."""

        async def handle(request: web.Request) -> web.Response:
            session = self._http_session(request)
            refused = self._credentials_refusal(request)
            if refused is None:
                refused = _csrf_refusal(request, session)
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
            if reply.notifications:
                self._push(reply.notifications)
            shows_token = request.method == "GET" and request.path == _ME
            tokens = {"X-CSRF-HEADER": "X-CSRF-TOKEN", "X-CSRF-TOKEN": session.csrf_token} if shows_token else {}
            response = _respond(request, reply, tokens)
            if opened:
                response.set_cookie("JSESSIONID", session.id, httponly=True)
            return response

        return handle

    def _resource(self, request: web.Request, _session: HttpSession, body: Any) -> Reply:
        return self._sandbox.resources.respond(
            request.method,
            request.path,
            whole=request.query.get("fields") == "*",
            body=body,
            origin=_origin(request),
        )

    def _workspace(self, request: web.Request, _session: HttpSession, body: Any) -> Reply:
        return workspace_v3.respond(self._sandbox.resources, request.method, request.path, body)

    async def _version(self, request: web.Request) -> web.Response:
        return _respond(request, self._sandbox.version())

    async def _unknown(self, request: web.Request) -> web.Response:
        return _respond(request, not_found())

    async def _notifications(self, request: web.Request) -> web.StreamResponse:
        refused = self._credentials_refusal(request)
        if refused is not None:
            return refused
        if is_websocket(request):
            return await self._conversations.hold(request)
        try:
            bayeux = await _carried(request)
        except ValueError:
            what = "query" if request.method == "GET" else "body"
            return web.Response(status=400, text=f"The {what} does not contain Bayeux messages as JSON.")
        return _respond(request, not_found()) if bayeux is None else await poll(request, bayeux, self._polls)

    def _held_polls_of(self, request: web.BaseRequest, messages: Sequence[Any]) -> HeldPolls:
        """Log a WebSocket message; all clients belong to one agent and share the held polls."""
        if self._log is not None:
            self._log(" ".join(filter(None, ("WEBSOCKET", request.rel_url.raw_path, gist_of(messages)))))
        return self._polls

    def _push(self, notifications: Iterable[Push]) -> None:
        with self._polls.lock:
            self._pushes.push(notifications, self._polls.clock())
            self._polls.changed()

    async def _close_held(self, _application: web.Application) -> None:
        self._polls.close()
        await self._conversations.close()

    def _http_session(self, request: web.Request) -> HttpSession | None:
        return self._sandbox.http_session(request.cookies.get("JSESSIONID", ""))

    def _credentials_refusal(self, request: web.Request) -> web.Response | None:
        """Refuse a request without valid credentials; an Authorization header beats the session cookie."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            admitted = self._http_session(request) is not None
        else:
            admitted = self._sandbox.accepts(authorization)
        return None if admitted else _respond(request, access_denied(), {"WWW-Authenticate": 'Basic realm="GWS"'})

    @web.middleware
    async def _logged(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        sent = gist(await request.read(), request.headers.get("Content-Encoding", ""))
        response = await handler(request)
        returned = gist(response.body) if isinstance(response, web.Response) else ""
        if self._log is not None:
            line = (request.method, request.rel_url.raw_path, sent, "->", str(response.status), returned)
            self._log(" ".join(filter(None, line)))
        return response


def _origin(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


async def _content(request: web.Request) -> Any:
    return decode(await request.read(), request.headers.get("Content-Encoding", ""))


async def _carried(request: web.Request) -> BayeuxRequest | None:
    """Return the Bayeux messages of a request, or None without. Raises ValueError for a POST or jsonp call without."""
    body = unpacked(await request.read(), request.headers.get("Content-Encoding", ""))
    uri, headers = f"{_origin(request)}{request.raw_path}", Headers(tuple(request.headers.items()))
    found = carried(Request(method=request.method, uri=uri, headers=headers, body=body))
    if found is None and (request.method == "POST" or "jsonp" in request.query):
        raise ValueError("no message has a channel")
    return found


def _csrf_refusal(request: web.Request, session: HttpSession | None) -> web.Response | None:
    """Refuse a modifying request without its session's CSRF token [CSRF]."""
    if request.method not in {"POST", "PUT", "PATCH", "DELETE"}:
        return None
    token = request.headers.get("X-CSRF-TOKEN", "").encode(errors="replace")
    if session is not None and secrets.compare_digest(token, session.csrf_token.encode()):
        return None
    return web.Response(status=403, text="Missing or invalid Csrf token")


def _respond(request: web.Request, reply: Reply, headers: dict[str, str] | None = None) -> web.Response:
    response = web.Response(
        status=reply.status, body=encode(reply.body), headers={"Content-Type": JSON_TYPE, **(headers or {})}
    )
    if "gzip" in request.headers.get("Accept-Encoding", "").lower():  # left to choose, aiohttp would take deflate
        response.enable_compression(web.ContentCoding.gzip)
    return response
