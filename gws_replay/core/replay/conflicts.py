"""Whether cassettes that are played together return the same responses to the same requests."""

from collections.abc import Iterator, Sequence

from gws_replay.core import lossless_json
from gws_replay.core.model import Response
from gws_replay.core.replay import rehost as addresses
from gws_replay.core.replay.cassette_index import CassetteIndex


def disagreements(indexes: Sequence[CassetteIndex]) -> Iterator[str]:
    """Yield a sentence for each request whose first responses in two cassettes differ in status or body."""
    for later, second in enumerate(indexes):
        for first in indexes[:later]:
            for key in first.by_key.keys() & second.by_key.keys():
                one, other = first.by_key[key][0], second.by_key[key][0]
                if _comparable(first.interactions[one].response) != _comparable(second.interactions[other].response):
                    request = first.interactions[one].request
                    yield (
                        f"{request.method} {request.path} is answered differently by {first.cassette.source}, "
                        f"interaction {one}, and {second.cassette.source}, interaction {other}"
                    )


def _comparable(response: Response) -> tuple[int, str | bytes]:
    parsed = lossless_json.loads_or_none(response.body)
    if parsed is None:
        return response.status, response.body
    # The same system may have been recorded at two addresses.
    return response.status, addresses.at_home(lossless_json.canonical(parsed), "")
