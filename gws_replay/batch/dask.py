"""Edge: work on an existing Dask cluster. Only this file imports dask.distributed, optional and slow to import.

Workers read the cassettes themselves, from a shared folder or from object storage.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from gws_replay import __version__
from gws_replay.errors import GwsReplayError

Item = TypeVar("Item")
Result = TypeVar("Result")
_ADDRESS = re.compile(r"(?:(?:tcp|tls|ucx|wss?)://)?(?:[^\s/:@]+|\[[0-9A-Fa-f:]+\]):\d{1,5}/?")
# Seconds until the scheduler has responded, and until a first worker has started.
_CONNECT, _START = 10, 120


def on_cluster(
    work: Callable[[Item], Result], items: Sequence[Item], lost: Callable[[Item], Result], address: str
) -> Iterator[Result]:
    """Yield the result for each item, in their order; for an item that kills its workers, that of `lost`.

    Raises GwsReplayError if dask.distributed is not installed, no scheduler is at the address, or its workers have
    another version of gws-replay.
    """
    if not _ADDRESS.fullmatch(address):
        raise GwsReplayError("--dask needs the address of a scheduler, such as tcp://HOST:8786")
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415 (optional, and slow)
    except ImportError:
        raise GwsReplayError("--dask needs dask.distributed: pip install 'gws-replay[cluster]'") from None
    try:
        client = Client(address, timeout=_CONNECT, set_as_default=False)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise GwsReplayError(f"cannot reach a Dask scheduler at {address}: {error}") from None
    with client:
        _check_workers(client, address)
        for item, future in zip(items, client.map(work, items, pure=False, key="gws-replay"), strict=True):
            try:
                yield future.result()
            except KilledWorker:
                yield lost(item)
            future.release()  # type: ignore[no-untyped-call]


def _check_workers(client: Any, address: str) -> None:
    """Raise GwsReplayError unless there is a worker, and all have our version: another one may give other verdicts."""
    try:
        client.submit(_version, pure=False).result(timeout=_START)
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
