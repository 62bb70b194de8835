"""Edge: a Dask cluster that is there already. The only file that sees dask.distributed, an extra, and slow to import.

Workers read the cassettes themselves: from a folder that all of them see, or from storage.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from gws_replay import __version__
from gws_replay.errors import GwsReplayError

Item = TypeVar("Item")
Result = TypeVar("Result")
_ADDRESS = re.compile(r"(?:(?:tcp|tls|ucx|wss?)://)?(?:[^\s/:@]+|\[[0-9A-Fa-f:]+\]):\d{1,5}/?")
_REACHED, _STARTED = 10, 120  # seconds: for the scheduler to answer, and for a first worker to be there


def on_cluster(
    work: Callable[[Item], Result], items: Sequence[Item], lost: Callable[[Item], Result], address: str
) -> Iterator[Result]:
    """Yield what becomes of each item in their order; of one that ends its workers, what `lost` makes of it.

    Raises GwsReplayError where the extra is not installed, no scheduler is at the address, or its workers have not the
    gws-replay that we have.
    """
    if not _ADDRESS.fullmatch(address):
        raise GwsReplayError("--dask needs the address of a scheduler, such as tcp://HOST:8786")
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415 (as said above)
    except ImportError:
        raise GwsReplayError("--dask needs dask.distributed: pip install 'gws-replay[cluster]'") from None
    try:
        client = Client(address, timeout=_REACHED, set_as_default=False)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise GwsReplayError(f"no Dask scheduler can be reached at {address}: {error}") from None
    with client:
        _check_workers(client, address)
        for item, future in zip(items, client.map(work, items, pure=False, key="gws-replay"), strict=True):
            try:
                yield future.result()
            except KilledWorker:
                yield lost(item)
            future.release()  # type: ignore[no-untyped-call]


def _check_workers(client: Any, address: str) -> None:
    """Raise GwsReplayError unless there is a worker, and each has our version: another one may judge otherwise."""
    try:
        client.submit(_version, pure=False).result(timeout=_STARTED)
        versions = {_version(), *client.run(_version).values()}
    except TimeoutError:
        raise GwsReplayError(f"the Dask cluster at {address} has no worker: start one") from None
    except ImportError:
        versions = {_version(), "none"}
    if len(versions) > 1:
        raise GwsReplayError(
            f"the workers of the Dask cluster at {address} have another gws-replay ({', '.join(sorted(versions))}): "
            f"install {_version()} there"
        )


def _version() -> str:
    return __version__
