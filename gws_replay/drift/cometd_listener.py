"""Edge: a real CometD long-polling client of one user, which records what it sends and receives."""

import asyncio
import time
from collections.abc import Callable, Iterable

from gws_replay.core import lossless_json
from gws_replay.core.bayeux.messages import Message
from gws_replay.core.bayeux.subscriber import Subscriber
from gws_replay.core.model import Response
from gws_replay.drift.http_client import LiveClient
from gws_replay.drift.recording import LiveRecording
from gws_replay.errors import GwsReplayError

_SLACK = 30.0  # seconds that a response may be later than the server says
_FAREWELL = 5.0
_SHORTEST = 0.05  # seconds from one connect to the next


class Listener:
    """Listens until it is closed. `receive` gets each response before it is recorded; `changed` is called when it ends.

    Must be created in a running event loop.
    """

    def __init__(
        self,
        client: LiveClient,
        recording: LiveRecording,
        path: str,
        channels: Iterable[str],
        *,
        user: int,
        receive: Callable[[Response], None],
        changed: Callable[[], None],
    ) -> None:
        self._client = client
        self._recording = recording
        self._path = path
        self._name = f"POST {path}"
        self._user = user
        self._subscriber = Subscriber(channels)
        self._receive = receive
        self._pause = 0.0
        self._task = asyncio.create_task(self._listen())
        self._task.add_done_callback(lambda _task: changed())

    @property
    def ready(self) -> bool:
        """Whether the server has taken the first connect: from now on nothing is missed."""
        return self._subscriber.ready

    def check(self) -> None:
        """Raise GwsReplayError if it has ended by itself."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()

    async def close(self) -> None:
        """Cancel the held connect, and disconnect."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        messages = self._subscriber.last_messages()
        if messages:
            request = self._client.bayeux(self._path, messages)
            try:
                await self._client.send(request, self._name, patience=_FAREWELL)
            except GwsReplayError:
                return  # the server forgets a client that it no longer needs_cometd

    async def _listen(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            began = time.monotonic()
            try:
                response = await self._post(self._subscriber.next_messages())
            except GwsReplayError as error:
                self._fail(error)
                self._pause = self._subscriber.pause
                continue
            replies = lossless_json.loads_or_none(response.body)
            if response.status != 200 or not isinstance(replies, list | dict):
                where = f"{self._client.origin}{self._path}"
                raise GwsReplayError(f"{where} is not CometD: it returned {response.status} {response.reason}")
            self._subscriber.receive(replies if isinstance(replies, list) else [replies])
            self._pause = self._subscriber.pause
            if self._subscriber.ready:  # a server that does not hold connects is not asked all the time
                self._pause = max(self._pause, began + _SHORTEST - time.monotonic())
            self._receive(response)
            self._recording.response(self._id, response)

    def _fail(self, error: GwsReplayError) -> None:
        try:
            self._subscriber.fail()
        except GwsReplayError:
            raise error from None

    async def _post(self, messages: list[Message]) -> Response:
        request = self._client.bayeux(self._path, messages)
        self._id = self._recording.cometd_id(self._user)
        self._recording.request(self._id, request)
        try:
            return await self._client.send(request, self._name, patience=self._subscriber.held + _SLACK)
        except GwsReplayError as error:
            self._recording.failed(self._id, str(error))
            raise
