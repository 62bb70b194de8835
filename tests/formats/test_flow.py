"""mitmproxy's flow files: torn ones and other versions are refused; other protocols are passed over."""

import io
from pathlib import Path

import pytest
from mitmproxy.io import FlowWriter, tnetstring
from mitmproxy.test import tflow

from gws_replay.core.model import Exchange
from gws_replay.errors import CassetteError
from gws_replay.formats import flow
from tests.support.readers import read_flow

CAPTURE = Path(__file__).parent.parent / "data" / "captures" / "longpoll-js-update.flow"


def test_a_torn_file_is_refused() -> None:
    """Cut inside a flow."""
    whole = CAPTURE.read_bytes()
    for cut in (1, 10, 1000, len(whole) // 2, len(whole) - 1):
        with pytest.raises(CassetteError, match="cannot be read as a mitmproxy flow file"):
            read_flow(whole[:cut], "x.flow")


def test_flows_are_read_one_by_one() -> None:
    """What stands before the tear is there first."""
    found = flow.moments(io.BytesIO(CAPTURE.read_bytes()[:-1]), "x.flow")
    assert "GET" == next(each.request.method for each in found if isinstance(each, Exchange))
    with pytest.raises(CassetteError, match="cannot be read as a mitmproxy flow file"):
        list(found)


def test_another_version_is_refused() -> None:
    """A flow format that this mitmproxy does not know."""
    state = tnetstring.load(io.BytesIO(CAPTURE.read_bytes()))
    assert isinstance(state, dict)
    state["version"] = 9999
    written = io.BytesIO()
    tnetstring.dump(state, written)
    with pytest.raises(CassetteError, match=r"or from another version; open it with the mitmproxy that wrote it"):
        read_flow(written.getvalue(), "x.flow")


def test_other_protocols_are_passed_over_and_unanswered_requests_kept() -> None:
    """TCP flows are not exchanges; a flow without response is a request that got none."""
    written = io.BytesIO()
    writer = FlowWriter(written)  # type: ignore[no-untyped-call]
    for each in (tflow.ttcpflow(), tflow.tflow(resp=True), tflow.tflow()):
        writer.add(each)
    recording = read_flow(written.getvalue(), "x.flow")
    assert (1, 1) == (len(recording.exchanges), len(recording.unanswered))
