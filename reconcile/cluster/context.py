"""What one run works with: a cluster, what the operator decided, and how many requests may be under way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from reconcile.cluster.as_if import Proposed, list_previews
from reconcile.cluster.pool import Stop, read_at_once, write_at_once
from reconcile.cluster.port import Cluster, Listing, Traffic, restart_clock, traffic_of
from reconcile.kube.objects import Manifest
from reconcile.model.names import Names
from reconcile.model.settings import Settings

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Context:
    """`namespace` is the only one that is read, None for all. No request is begun once `stop` was asked.
    `proposed` are previews that are read as if they had been applied."""

    cluster: Cluster
    settings: Settings
    namespace: str | None = None
    concurrency: int = 8
    stop: Stop = field(default_factory=Stop)
    proposed: Proposed | None = None

    @property
    def names(self) -> Names:
        return self.settings.names

    @property
    def traffic(self) -> Traffic:
        """How many requests were answered so far; none of files."""
        return traffic_of(self.cluster)

    def restart_clock(self, seconds: float, option: str) -> None:
        """Give all that is asked from now on so many seconds; see `Remote`."""
        restart_clock(self.cluster, seconds, option)

    def list_previews(self, read: Callable[[Manifest], T]) -> Listing[T]:
        """What is read of every preview, as it would be; see `list_previews`."""
        return list_previews(self.cluster, self.names, self.namespace, self.proposed, read)

    def read_all(self, read: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Read these at once; see `read_at_once`."""
        return read_at_once(read, items, self.concurrency, self.stop)

    def read_one(self, read: Callable[[], R]) -> R:
        """Read this, and give it up when the run is told to end meanwhile."""
        (found,) = read_at_once(lambda _: read(), [None], 1, self.stop)
        return found

    def write_all(
        self,
        write: Callable[[T], object],
        stages: Sequence[Sequence[T]],
        *,
        namespace_of: Callable[[T], str],
        seed: str,
    ) -> None:
        """Write these at once; see `write_at_once`."""
        write_at_once(write, stages, self.concurrency, self.stop, namespace_of=namespace_of, seed=seed)
