"""Edge: a run of cassettes that deviates from the recording as a variant asks for.

In process a broken connection is raised as ConnectionResetError, as a socket raises it; a server closes the connection.
Nothing waits for recorded time, and hardly for the client: an order that gives way early is only another allowed one.
"""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any, TypeVar

from gws_replay.core.explore.deviation import Variant
from gws_replay.core.explore.plan import Plan
from gws_replay.core.explore.session import ExploredSession
from gws_replay.core.explore.space import Space
from gws_replay.core.replay.cassette_index import CassetteIndex
from gws_replay.core.replay.user_session import PATIENCE
from gws_replay.playback.manner import Manner
from gws_replay.playback.replay_run import ReplayRun

_R = TypeVar("_R", bound=ReplayRun)
# How long a client must do nothing but wait before the order of a variant gives way, in seconds.
_ORDER = 0.05
_LED, _OWN = 0.1, 0.1


def observed_run(kind: Callable[..., _R], indexes: Sequence[CassetteIndex], **options: Any) -> tuple[_R, Plan]:
    """Return a run as recorded, and the plan that notes what its clients see; `kind` is a class of run."""
    plan = Plan(Space(indexes))
    return kind(*indexes, manner=Manner(new_session=partial(ExploredSession, plan=plan)), **options), plan


def explored_run(kind: Callable[..., _R], space: Space, variant: Variant, **options: Any) -> tuple[_R, Plan]:
    """Return a run of a variant, and its plan: when it has ended, what was seen (`plan.seen`)."""
    plan = Plan(space, variant.deviations)
    why = f"under {variant}"
    manner = Manner(led=_LED, own=_OWN, settle=_ORDER, why=why, new_session=partial(ExploredSession, plan=plan))
    patience = _ORDER if variant.deviations else PATIENCE
    run = kind(
        *space.indexes(variant.deviations),
        manner=manner,
        **{**options, "timing": "instant", "order_patience": patience},
    )
    return run, plan


def drawing(seed: int) -> Callable[[], float]:
    """Return what draws the variants of a seed: the same numbers in every version of Python."""
    return Random(seed).random  # noqa: S311  (nothing secret)
