"""Why pods do not come up, in the words that the developer needs; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from reconcile.names import APP_COMPONENT, COMPONENT_LABEL, Names
from reconcile.objects import map_in, maps_in
from reconcile.redact import redacted
from reconcile.snapshot import Live

TEMPLATE_LABEL = "pod-template-hash"
CRASHING = "CrashLoopBackOff"
UNSCHEDULABLE = "Unschedulable"

# What a container waits with when it will not come up by itself; ContainerCreating and PodInitializing are
# on the way: https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/images/types.go and
# pkg/kubelet/kuberuntime/kuberuntime_container.go
FAILURES = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "PreCreateHookError",
        "RegistryUnavailable",
        "RunContainerError",
        "SignatureValidationFailed",
    }
)


def by_preview(
    pods: Iterable[Live], names: Names, component: str = APP_COMPONENT
) -> Mapping[str, tuple[Live, ...]]:
    """The pods of each preview's Deployment, or of another component, by `NAMESPACE/NAME`.

    Those that are going are left out."""
    found: dict[str, list[Live]] = {}
    for pod in pods:
        if pod.labels.get(COMPONENT_LABEL) == component and not pod.going:
            place = f"{pod.key.namespace}/{pod.labels.get(names.preview_label, '')}"
            found.setdefault(place, []).append(pod)
    return {place: tuple(mine) for place, mine in found.items()}


def age_and_name(pod: Live) -> tuple[str, str]:
    """Sorts pods, the oldest first."""
    return str(pod.metadata.get("creationTimestamp", "")), pod.key.name


def failure_of(pods: Iterable[Live]) -> str:
    """Why the newest template's pods do not run, such as `CrashLoopBackOff: exit code 1`; "" for no reason.

    Older pods are on their way out. The newest template is that of the pod that was made last.
    """
    return next((reason for reason in map(_failure, _newest(pods)) if reason), "")


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
    found = [container for pod in _newest(pods) for container in _not_ready(pod)]
    return min(found, key=lambda container: not container.restarted, default=None)


def _not_ready(pod: Live) -> Iterator[Container]:
    for status in _all_containers(pod.status):
        ended = bool(map_in(map_in(status.get("lastState")).get("terminated")))
        state = map_in(status.get("state"))
        finished = map_in(state.get("terminated")).get("exitCode") == 0  # an init container that did its work
        if not status.get("ready") and not finished:
            yield Container(pod.key.name, str(status.get("name", "")), ended and "terminated" not in state)


def _newest(pods: Iterable[Live]) -> list[Live]:
    pods = sorted(pods, key=age_and_name)
    newest = pods[-1].labels.get(TEMPLATE_LABEL) if pods else None
    return [pod for pod in pods if pod.labels.get(TEMPLATE_LABEL) == newest]


def exit_of(pods: Iterable[Live]) -> str:
    """How the pod that failed last ended, such as `exit code 1` or `Evicted: …`; "" for no reason."""
    failed = [pod for pod in pods if pod.status.get("phase") == "Failed"]
    failed.sort(key=age_and_name)
    return next((reason for pod in reversed(failed) if (reason := _ended(pod))), "")


def _ended(pod: Live) -> str:
    status = pod.status
    if status.get("reason"):  # the pod's own: evicted, or over its deadline
        told = _said(str(status["reason"]), status.get("message"))
        return redacted(told, {"spec": {"template": pod.manifest}})
    ends = (
        _exit(map_in(map_in(container.get("state")).get("terminated")))
        for container in maps_in(status.get("containerStatuses"))
    )
    return next((end for end in ends if end), "")


def _failure(pod: Live) -> str:
    status = pod.status
    told = next(chain(_unschedulable(status), _containers(status)), "")
    # A container's message may quote its command, and a pod is in the shape of a Deployment's template.
    return redacted(told, {"spec": {"template": pod.manifest}})


def _unschedulable(status: Mapping[str, Any]) -> Iterator[str]:
    for condition in maps_in(status.get("conditions")):
        told = (condition.get("type"), condition.get("status"), condition.get("reason"))
        if told == ("PodScheduled", "False", UNSCHEDULABLE):
            yield _said(UNSCHEDULABLE, condition.get("message"))


def _containers(status: Mapping[str, Any]) -> Iterator[str]:
    for container in _all_containers(status):
        waiting = map_in(map_in(container.get("state")).get("waiting"))
        reason = waiting.get("reason")
        if reason == CRASHING:
            yield _said(CRASHING, _exit(map_in(map_in(container.get("lastState")).get("terminated"))))
        elif reason in FAILURES:
            yield _said(str(reason), waiting.get("message"))


def _all_containers(status: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    init, others = status.get("initContainerStatuses"), status.get("containerStatuses")
    return (*maps_in(init), *maps_in(others))


def _exit(terminated: Mapping[str, Any]) -> str:
    """How it ended last: the back-off, which the message tells, grows from look to look."""
    if "exitCode" not in terminated:
        return ""
    reason = terminated.get("reason")
    why = f" ({reason})" if reason and reason not in ("Error", "Completed") else ""
    return f"exit code {terminated['exitCode']}{why}"


def _said(reason: str, message: object) -> str:
    return f"{reason}: {message}" if message else reason
