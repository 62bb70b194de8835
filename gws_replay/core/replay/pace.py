"""The pace of a replay: what recorded times are multiplied with."""

from gws_replay.core.replay.push_schedule import INSTANT, RECORDED
from gws_replay.errors import GwsReplayError

Timing = float | str


def factor_of(timing: Timing) -> float:
    """Read a timing: return what recorded times are multiplied with. Raises GwsReplayError for what is no timing."""
    if timing in ("instant", "recorded"):
        return INSTANT if timing == "instant" else RECORDED
    try:
        factor = float(timing)
    except (TypeError, ValueError):
        factor = -1.0
    if isinstance(timing, bool) or not 0 <= factor < float("inf"):
        raise GwsReplayError(f"timing is instant, recorded, or a factor of 0 or more such as 0.1, not {timing!r}")
    return factor
