"""A cassette with what was recorded later behind its own."""

from dataclasses import replace

from gws_replay.core.cassette import Cassette

# How long after the last moment of a cassette what is appended to it begins, in seconds.
_BEHIND = 0.001


def appended(old: Cassette, new: Cassette) -> Cassette:
    """Return a cassette with newer exchanges, and what they caused, behind its own."""
    moments = [*(each.ended for each in old.interactions), *(told.seen for told in old.notifications)]
    start, count = max(moments, default=0.0) + _BEHIND, len(old.interactions)
    later = (replace(each, began=each.began + start, ended=each.ended + start) for each in new.interactions)
    told_later = (
        replace(
            told,
            seen=told.seen + start,
            cause=told.cause and replace(told.cause, interaction=told.cause.interaction + count),
        )
        for told in new.notifications
    )
    header = {**old.header, **({"stand_ins": made} if (made := new.header.get("stand_ins")) else {})}
    return replace(
        old, interactions=(*old.interactions, *later), notifications=(*old.notifications, *told_later), header=header
    )
