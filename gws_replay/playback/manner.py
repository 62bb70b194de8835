"""Edge: the manner in which a run is played: how long it waits for its client, and what keeps a user's session.

Most runs are played as recorded. An explored one (`explored_run`) hardly waits, as every order is right there.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gws_replay.core.replay.user_session import PATIENCE, UserSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a run is played; times are seconds.

    `led` is how long a response waits for a client that is to receive something first, if that client does not come;
    `own` how long a poll is held for a client that polls where it sends: nobody else can cause what it waits for.
    `settle` is how long an expectation waits between two looks. `why` says when a request gets no response.
    """

    led: float = 0.25
    own: float = 1.0
    settle: float = PATIENCE
    why: str = "when it was recorded"
    new_session: Callable[..., UserSession] = UserSession


AS_RECORDED = Manner()
