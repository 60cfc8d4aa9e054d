"""Which pods speak for a preview, and which of their containers has the lines to read; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconcile.kube.health.pod import end_of
from reconcile.kube.live import Live
from reconcile.kube.objects import map_in, maps_in

TEMPLATE_LABEL = "pod-template-hash"


def age_and_name(pod: Live) -> tuple[str, str]:
    """Sorts pods, the oldest first."""
    return str(pod.metadata.get("creationTimestamp", "")), pod.key.name


def newest(pods: Iterable[Live], marks: Mapping[str, str] | None = None) -> list[Live]:
    """The pods of the newest template, sorted: the older ones are on their way out.

    `marks` are the annotations of the template as it is: after a way back to an older template, its pods may
    be older than those that they replace. Where none has these, it is the template of the youngest pod.
    """
    pods = sorted(pods, key=age_and_name)
    marked = [pod for pod in pods if marks and marks.items() <= pod.annotations.items()]
    hash_ = (marked or pods)[-1].labels.get(TEMPLATE_LABEL) if pods else None
    return [pod for pod in pods if pod.labels.get(TEMPLATE_LABEL) == hash_]


@dataclass(frozen=True)
class Container:
    """A container of a pod; `restarted` means that what it wrote before its last end says more."""

    pod: str
    name: str
    restarted: bool

    def __str__(self) -> str:
        before = ", before it was started again" if self.restarted else ""
        return f"container {self.name} of pod {self.pod}{before}"


def container_to_look_at(pods: Iterable[Live]) -> Container | None:
    """The container of the newest template's pods that is not ready, one that ended before one that runs."""
    found = [container for pod in newest(pods) for container in _not_ready(pod)]
    return min(found, key=lambda found: not found[0], default=(False, None))[1]


def _not_ready(pod: Live) -> Iterator[tuple[bool, Container]]:
    """Each with whether it has ended before.

    The lines of a container that ended are its own until the next one starts.
    """
    for status in _statuses(pod):
        if not status.get("ready"):
            ended_now = "terminated" in map_in(status.get("state"))
            ended_before = bool(map_in(map_in(status.get("lastState")).get("terminated")))
            again = ended_before and not ended_now
            yield ended_before or ended_now, Container(pod.key.name, str(status.get("name", "")), again)


def _statuses(pod: Live) -> tuple[Mapping[str, object], ...]:
    """An init container that did its work has ended and is ready."""
    init, others = (pod.status.get(f"{which}ontainerStatuses") for which in ("initC", "c"))
    return (*maps_in(init), *maps_in(others))


def exit_of(pods: Iterable[Live]) -> str:
    """How the pod that failed last ended, such as `exit code 1` or `Evicted: …`; "" for no reason."""
    failed = [pod for pod in pods if pod.status.get("phase") == "Failed"]
    failed.sort(key=age_and_name)
    return next((reason for pod in reversed(failed) if (reason := end_of(pod))), "")
