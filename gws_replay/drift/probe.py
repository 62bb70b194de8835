"""Edge: whether a live system can be recorded from: whether it responds, and whether CometD shakes hands."""

from dataclasses import dataclass

from gws_replay.core import lossless_json
from gws_replay.core.bayeux.subscriber import Subscriber
from gws_replay.core.model import Request
from gws_replay.drift.http_client import LiveClient
from gws_replay.errors import GwsReplayError
from gws_replay.settings.upstream import proxy_for

_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at: whether it is in order, what was found, and otherwise how to mend it."""

    is_ok: bool
    text: str
    fix: str = ""


async def probe(client: LiveClient, cometd: str) -> list[Check]:
    """Look at a server: any response to GET / will do; CometD must shake hands at its path."""
    async with client:
        request = client.with_live_headers(Request(method="GET", uri=f"{client.origin}/"))
        try:
            response = await client.send(request, "GET /", patience=_PATIENCE)
        except GwsReplayError as error:
            return [
                Check(
                    is_ok=False,
                    text=f"{client.origin} does not respond",
                    fix=f"{error}{_next_step(client.origin, error)}",
                )
            ]
        return [
            Check(is_ok=True, text=f"{client.origin} responds (GET /: HTTP {response.status})"),
            await _cometd(client, cometd),
        ]


def _next_step(origin: str, error: GwsReplayError) -> str:
    """Return what to do about a server that cannot be reached; an error about a certificate says it itself."""
    if not str(error).startswith("cannot reach"):
        return ""
    if proxy_for(origin):
        return "; check the proxy's address, and the user and password in it, or put the server's host into NO_PROXY"
    return "; check --upstream and that the server runs, or name your company's proxy in HTTPS_PROXY"


async def _cometd(client: LiveClient, path: str) -> Check:
    where = f"{client.origin}{path}"
    try:
        response = await client.send(
            client.bayeux(path, Subscriber(()).next_messages()), f"POST {path}", patience=_PATIENCE
        )
    except GwsReplayError as error:
        return Check(is_ok=False, text=f"no CometD handshake at {where}", fix=str(error))
    replies = lossless_json.loads_or_none(response.body)
    reply = replies[0] if isinstance(replies, list) and replies and isinstance(replies[0], dict) else {}
    if reply.get("successful") is True:
        return Check(is_ok=True, text=f"CometD shakes hands at {where}")
    if response.status in (401, 403):
        fix = "set GWS_REPLAY_USER and GWS_REPLAY_PASSWORD, or GWS_REPLAY_TOKEN, or add the host to ~/.netrc"
    else:
        fix = "name the path of CometD with --cometd, if it is elsewhere; recording finds it by itself"
    return Check(is_ok=False, text=f"no CometD handshake at {where} (HTTP {response.status})", fix=fix)
