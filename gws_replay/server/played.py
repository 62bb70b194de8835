"""Edge: which run a server plays: always the same one, or, in a session of tests, one after the other at one address.

Between two runs of tests nothing but a disconnect is answered: a poll is held until the next run comes, as is any other
request, for a short while. Clients that shook hands in an earlier run take part in the next one.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from gws_replay.core.api import dialects as api
from gws_replay.core.bayeux.messages import reply
from gws_replay.core.bayeux.server import Replies
from gws_replay.core.model import Headers, Request
from gws_replay.playback.living_clients import LivingClients
from gws_replay.playback.replay_run import ReplayRun
from gws_replay.server.rest import RestService

if TYPE_CHECKING:
    from gws_replay.playback.held_polls import HeldPolls

# How long a poll is held between two runs, and how long any other request is, in seconds.
_LONGEST_POLL: Final = 30.0
_LONGEST_WAIT: Final = 5.0


class Played:
    """The run that is played now, or was played last; with `clients`, these go on from one run to the next."""

    def __init__(self, run: ReplayRun, rest: RestService, clients: LivingClients | None = None) -> None:
        self.clients = clients
        # What waits for the next run: each event with the clientId of its poll.
        self._waiting: dict[asyncio.Event, str] = {}
        self.begin(run, rest)

    def begin(self, run: ReplayRun, rest: RestService) -> None:
        """Play a run, for whoever waits for it too."""
        self.run = run
        self.rest = rest
        # Where WebSockets were recorded whose messages cannot be replayed.
        self.other_sockets = {each.path for cassette in run.cassettes for each in cassette.messages}.difference(
            api.COMETD_PATHS
        )
        if self.clients:
            self.clients.begin(run)
        self.is_open = True
        for event in self._waiting:
            event.set()

    def end(self) -> None:
        """Answer the held connects; what comes from now on waits for the next run."""
        self.is_open = False
        if self.clients:
            self.clients.end(self.run)
        self.run.close()

    async def opened(self, seconds: float = _LONGEST_WAIT, client_id: str = "") -> bool:
        """Wait until a run is played, for so many seconds at the most; return whether one is."""
        if not self.is_open:
            event = asyncio.Event()
            self._waiting[event] = client_id
            try:
                async with asyncio.timeout(seconds):
                    await event.wait()
            except TimeoutError:
                return False
            finally:
                del self._waiting[event]
        return self.is_open

    def part(self, client_id: str) -> None:
        """Answer the polls of a client that disconnects between two runs."""
        for event, waiting in self._waiting.items():
            if waiting == client_id:
                event.set()

    def polls(self, messages: Sequence[Any], headers: Headers) -> "HeldPolls | _LivingPolls":
        """Return what takes the messages of a request."""
        if self.clients is None:
            return self.run.sessions.user_of_clients(messages, headers).polls
        return _LivingPolls(self, self.clients, Request(method="POST", uri="/", headers=headers))


class _LivingPolls:
    """Takes the messages of one request, of clients that may have shaken hands in an earlier run."""

    def __init__(self, played: Played, clients: LivingClients, request: Request) -> None:
        self._played = played
        self._clients = clients
        self._request = request
        self._polls: HeldPolls | None = None

    async def receive_async(self, messages: Sequence[Any]) -> Replies:
        """Take a batch in the run that is played; wait for one if there is none."""
        only = messages[0] if len(messages) == 1 and isinstance(messages[0], dict) else {}
        channel, client_id = only.get("channel"), str(only.get("clientId", ""))
        if channel == "/meta/disconnect" and not self._played.is_open:
            replies = (reply(only),)
            self._clients.note(self._played.run, self._request, messages, replies)
            self._played.part(client_id)
            return Replies(messages=replies)
        polls = channel == "/meta/connect"
        if not await self._played.opened(_patience(only) if polls else _LONGEST_WAIT, client_id):
            return Replies(messages=tuple(reply(each) if polls else _refused(each) for each in messages))
        run = self._played.run
        with self._clients.taking_part(run, self._request, messages) as renamed:
            self._polls = run.sessions.user_of_clients(renamed, self._request.headers).polls
            answer = await self._polls.receive_async(renamed)
        self._clients.note(run, self._request, messages, answer.messages)
        return answer

    def put_back(self, answer: Replies) -> None:
        """Take back the notifications of a response that could not be written."""
        if self._polls:
            self._polls.put_back(answer)


def _patience(connect: dict[str, Any]) -> float:
    advice = connect.get("advice")
    timeout = advice.get("timeout") if isinstance(advice, dict) else None
    return min(timeout / 1000, _LONGEST_POLL) if isinstance(timeout, int | float) and timeout >= 0 else _LONGEST_POLL


def _refused(message: Any) -> dict[str, Any]:
    return reply(message if isinstance(message, dict) else {}, successful=False, error="503::No replay is in force")
