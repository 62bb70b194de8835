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
