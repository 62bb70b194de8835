"""Recordings of other tools, read whole: what `convert` reads one by one."""

import io

from gws_replay.core.model import Recording
from gws_replay.formats import flow, har


def read_flow(content: bytes, source: str) -> Recording:
    """What a mitmproxy flow file holds."""
    return Recording.of(flow.moments(io.BytesIO(content), source))


def read_har(content: str, source: str) -> Recording:
    """What a HAR holds."""
    return Recording.of(har.moments(io.BytesIO(content.encode()), source))


def skipped_of_har(content: str) -> dict[int, str]:
    """Which entries of a HAR are skipped, and why."""
    found: dict[int, str] = {}
    for _ in har.moments(io.BytesIO(content.encode()), "a.har", skipped=found.__setitem__):
        pass
    return found
