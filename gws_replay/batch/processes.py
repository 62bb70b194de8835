"""Edge: the same work on many items, in this process, in several, or on a Dask cluster.

Results come in the order of the items. An item that kills its process does not stop the others.
"""

import gc
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from gws_replay.batch.dask import on_cluster

Item = TypeVar("Item")
Result = TypeVar("Result")
_CHUNK = 16  # items sent to a process at once: few are lost if it dies, and sending costs little


def spread(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    lost: Callable[[Item], Result],
    *,
    jobs: int = 1,
    cluster: str | None = None,
) -> Iterator[Result]:
    """Yield the result for each item; for an item that kills its process, that of `lost`.

    `cluster` is the address of a Dask scheduler. Raises GwsReplayError if that cannot be used.
    """
    if cluster:
        return on_cluster(work, items, lost, cluster)
    if min(jobs, len(items)) < 2:
        return map(work, items)
    return _in_processes(work, items, lost, jobs)


@contextmanager
def without_collector() -> Iterator[None]:
    """Switch off the garbage collector while many lasting objects are created: it would search them repeatedly."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], lost: Callable[[Item], Result], jobs: int
) -> Iterator[Result]:
    size = max(1, min(_CHUNK, len(items) // (4 * jobs)))
    done = 0
    while done < len(items):
        pool = _pool(min(jobs, len(items) - done))
        try:
            for result in pool.map(work, items[done:], chunksize=size):
                yield result
                done += 1
        except BrokenProcessPool:  # which item killed it is unknown: the next ones run one by one
            for item in items[done : done + size]:
                yield _alone(work, item, lost)
                done += 1
        finally:
            pool.shutdown(cancel_futures=True)


def _alone(work: Callable[[Item], Result], item: Item, lost: Callable[[Item], Result]) -> Result:
    pool = _pool(1)
    try:
        return pool.submit(work, item).result()
    except BrokenProcessPool:
        return lost(item)
    finally:
        pool.shutdown()


def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_end_at_once)


def _end_at_once() -> None:
    """End silently at Ctrl-C, which reaches every process of a terminal: the parent prints the message."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
