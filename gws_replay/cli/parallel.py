"""Options for work on many cassettes, --jobs and --dask, with a progress line."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from gws_replay.batch.processes import spread
from gws_replay.cli.options import Progress
from gws_replay.core.json_compare import printable
from gws_replay.errors import GwsReplayError
from gws_replay.storage.files import Location

LOST = "the process that read it was killed, perhaps for lack of memory: try fewer --jobs"
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Spreading:
    """How many processes to use, or the address of a cluster."""

    jobs: int
    cluster: str | None

    def location(self, path: Location) -> Location:
        """Return a path that workers can use: their working folder may be another one."""
        return path.absolute() if self.cluster and isinstance(path, Path) else path

    def results(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        lost: Callable[[Item], Result],
        *,
        name: Callable[[Item], object],
        quiet: bool,
    ) -> Iterator[Result]:
        """Yield the result for each item, in their order, and show progress."""
        progress = Progress(quiet=quiet)
        results = spread(work, items, lost, jobs=self.jobs, cluster=self.cluster)
        for number, item in enumerate(items):
            progress.show(printable(f"{number} of {len(items)} cassettes: {name(item)}"))
            result = next(results)
            progress.clear()
            yield result


def spreading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --jobs and --dask; the function gets one `spreading`."""

    @click.option(
        "--jobs",
        type=click.IntRange(min=1),
        help="The number of processes; it changes no result.  [default: 1]",
    )
    @click.option(
        "--dask",
        "cluster",
        metavar="ADDRESS",
        help="Work on the Dask cluster with this scheduler (tcp://HOST:8786); its workers must see the files.",
    )
    @wraps(command)
    def with_spreading(*, jobs: int | None, cluster: str | None, **arguments: Any) -> Any:
        if jobs and cluster:
            raise GwsReplayError("--jobs and --dask are two ways to spread the work: give one")
        return command(spreading=Spreading(jobs or 1, cluster), **arguments)

    return with_spreading
