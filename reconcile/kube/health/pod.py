"""Why a pod is not ready, from its status and the Warnings about it, whatever the kubelet is doing; pure.

The first row that holds. A row that failed needs somebody's help; the others may pass by themselves.

    what the pod shows                                          what is reported                       failed

    condition PodScheduled: Unschedulable, SchedulerError       Unschedulable: MESSAGE                 yes
    condition PodScheduled: SchedulingGated                     SchedulingGated: held by GATES         no
    a container waits: ErrImagePull, ImagePullBackOff           ImagePullBackOff: MESSAGE              yes
    a container waits with another reason of `FAILURES`         REASON: MESSAGE                        yes
    a container ended: StartError, ContainerCannotRun           RunContainerError: MESSAGE             yes
    a container ended twice, the last time within 10 minutes    CrashLoopBackOff: exit code N (WHY)    yes
    a container ended once, or after a longer life              container C ended: exit code N (WHY)   no
    a container is being created, Warnings of `_ON_THE_WAY`     REASON: MESSAGE                        twice
    a container runs, its startup or readiness probe fails      startup probe TCP :80: WHAT CAME BACK  no
    an init container runs                                      init container C runs                  no
    Ready is False without a reason, its containers are ready   NodeNotReady: node N does not answer   no
    the same with a reason, such as ReadinessGatesNotReady      REASON: MESSAGE                        no
    phase Failed (Evicted, OutOfcpu, NodeAffinity, and so on)   REASON: MESSAGE                        twice

A kubelet up to 1.34 shows a crashed container as `waiting: CrashLoopBackOff` during its back-off; from
1.35 on it leaves it in `terminated`. In between it runs, and looks like one that is about to come up. So
what counts is how often it ended: `restartCount`, and one more while it is `terminated`. A container
that crashed is believed again once it has lived twice as long as before; the kubelet forgets a back-off
after ten minutes.

Sources, Kubernetes 1.36: pkg/kubelet/images/types.go, pkg/kubelet/container/sync_result.go and
pkg/kubelet/kuberuntime/kuberuntime_container.go (what a container waits with),
pkg/kubelet/kubelet_pods.go (its states), pkg/kubelet/events/event.go and pkg/kubelet/prober/prober.go
(Warnings), pkg/kubelet/status/generate.go and pkg/controller/util/node/controller_utils.go (Ready),
staging/src/k8s.io/api/core/v1/types.go (PodScheduled).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from signal import Signals
from typing import Any

from reconcile.kube.health.events import PodEvent
from reconcile.kube.live import Live
from reconcile.kube.objects import map_in, maps_in
from reconcile.kube.redact import redacted
from reconcile.kube.time import parse_time

UNSCHEDULABLE = "Unschedulable"
CRASHING = "CrashLoopBackOff"
NOT_PULLED = "ImagePullBackOff"
NOT_STARTED = "RunContainerError"

FAILURES = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ImageInspectError",
        "InvalidImageName",
        "PostStartHookError",
        "PreCreateHookError",
        "PreStartHookError",
        "RegistryUnavailable",
        NOT_STARTED,
        "SignatureValidationFailed",
    }
)
_PULLS = frozenset({"ErrImagePull", NOT_PULLED})  # they alternate, each with its own message
_CANNOT_START = frozenset(
    {"StartError", "ContainerCannotRun"}
)  # containerd and CRI-O; dockershim's successors
_CREATING = frozenset({"ContainerCreating", "PodInitializing"})
_ON_THE_WAY = frozenset(
    {
        "FailedAttachVolume",
        "FailedCreatePodContainer",
        "FailedCreatePodSandBox",
        "FailedMapVolume",
        "FailedMount",
        "FailedPrepareDynamicResources",
        "NetworkNotReady",
    }
)

FORGOTTEN = timedelta(minutes=10)
"""A crash after so long a life begins a new back-off: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy"""
_SURE = timedelta(seconds=10)

# What differs from one try to the next, and says nothing to a person.
_NOISE = (
    (re.compile(r'^Back-off pulling image "[^"]*": ErrImagePull: '), ""),
    (re.compile(r"^rpc error: code = \w+ desc = "), ""),
    (re.compile(r'failed to start container "[0-9a-f]{64}": '), ""),
    (re.compile(r'(?<!sha256:)"?\b[0-9a-f]{64}\b"?'), "…"),
)
# A pod that was refused gets another name at each try.
_REFUSED = re.compile(
    r'(^Error creating: |^Create Pod \S+ in StatefulSet \S+ failed error: )?pods "[^"]*" is forbidden: '
)
_PROBE_NOISE = (
    re.compile(r"^(Readiness|Startup|Liveness) probe failed: "),
    re.compile(r'Get "[^"]*": '),
    re.compile(r"dial tcp \S+: "),
    re.compile(r"\bconnect: "),
    re.compile(r"read tcp \S+: read: "),
)


@dataclass(frozen=True)
class Trouble:
    """Why a pod is not ready; `failed` where it does not become so by itself."""

    message: str
    failed: bool = False


def trouble_of(
    pods: Iterable[Live], events: Sequence[PodEvent] = (), now: datetime | None = None
) -> Trouble | None:
    """Return what keeps these pods from being ready, the worst first; None where nothing says so.

    `pods` are sorted; `events` are the Warnings that were asked for, `now` is the API server's time.
    A pod of phase Failed has been replaced, so one is heard when the others have nothing to say; two of the
    last ten minutes tell what will become of their successors.
    """
    ended: list[Live] = []
    living: list[Live] = []
    for pod in pods:
        (ended if pod.status.get("phase") == "Failed" else living).append(pod)
    about: dict[str, list[PodEvent]] = {}
    for event in events:
        about.setdefault(event.uid, []).append(event)
    found = [trouble for pod in living if (trouble := _trouble(pod, about.get(pod.uid, ()), now))]
    again = sum(_is_recent(pod, now) for pod in ended) > 1
    found += [Trouble(end, again) for pod in reversed(ended) if (again or not found) and (end := end_of(pod))]
    return min(found, key=lambda trouble: not trouble.failed, default=None)


def _is_recent(pod: Live, now: datetime | None) -> bool:
    made = parse_time(pod.metadata.get("creationTimestamp"))
    return not (made and now) or now - made < FORGOTTEN


def needs_events(pods: Iterable[Live]) -> bool:
    """Whether only Events tell more: a container is being created, or runs and is not ready."""
    return any(_is_silent(status) for pod in pods for _, status in _containers(pod))


def refusal(message: str) -> str:
    """Why a pod was not let in, without its name."""
    return _REFUSED.sub("", message)


def warning_about(live: Live, events: Sequence[PodEvent], reason: str) -> str:
    """The last Warning about this object for this reason: `FailedCreate: exceeded quota …`; "" for none.

    https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/controller/controller_utils.go
    """
    for event in reversed(events):
        if (event.uid, event.reason) == (live.uid, reason):
            return redacted(f"{reason}: {refusal(event.message)}", live.manifest)
    return ""


def is_ready(pod: Live) -> bool:
    return pod.condition("Ready").get("status") == "True"


def has_ended(pod: Live) -> bool:
    """Whether a pod of a Job has ended: its container has, a moment before its phase says so."""
    states = (map_in(status.get("state")) for init, status in _containers(pod) if not init)
    return pod.status.get("phase") in ("Failed", "Succeeded") or any(
        "terminated" in state for state in states
    )


def end_of(pod: Live) -> str:
    """How a pod of phase Failed ended, such as `exit code 1` or `Evicted: …`; "" for no reason."""
    status = pod.status
    if status.get("reason"):  # the pod's own: evicted, refused by the kubelet, or over its deadline
        return _without_secrets(pod, _said(str(status["reason"]), status.get("message")))
    ends = (
        _exit(map_in(map_in(container.get("state")).get("terminated"))) for _, container in _containers(pod)
    )
    return next((end for end in ends if end), "")


def _trouble(pod: Live, events: Sequence[PodEvent], now: datetime | None) -> Trouble | None:
    found = list(chain(_unscheduled(pod), _of_containers(pod, events, now), _unready(pod)))
    worst = min(found, key=lambda trouble: not trouble.failed, default=None)
    return worst and Trouble(_without_secrets(pod, worst.message), worst.failed)


def _without_secrets(pod: Live, message: str) -> str:
    """A container's message may quote its command, and a pod is in the shape of a Deployment's template."""
    return redacted(message, {"spec": {"template": pod.manifest}})


def _unscheduled(pod: Live) -> Iterator[Trouble]:
    condition = pod.condition("PodScheduled")
    if condition.get("status") != "False":
        return
    reason, message = condition.get("reason"), condition.get("message")
    if reason in (UNSCHEDULABLE, "SchedulerError"):
        yield Trouble(_said(str(reason), message), failed=True)
    elif reason == "SchedulingGated":
        gates = ", ".join(str(gate.get("name")) for gate in maps_in(pod.spec.get("schedulingGates")))
        yield Trouble(_said(str(reason), f"held by {gates}" if gates else message))


def _unready(pod: Live) -> Iterator[Trouble]:
    """Containers are ready, the pod is not: its node was lost, or a readiness gate is closed."""
    ready = pod.condition("Ready")
    if (
        ready.get("status") not in ("False", "Unknown")
        or pod.condition("ContainersReady").get("status") != "True"
    ):
        return
    if ready.get("reason"):
        yield Trouble(_said(str(ready["reason"]), ready.get("message")))
    else:
        yield Trouble(f"NodeNotReady: node {pod.spec.get('nodeName')} does not answer")


# containers


def _containers(pod: Live) -> Iterator[tuple[bool, Mapping[str, Any]]]:
    """The statuses, with whether each is an init container's, in the order in which they start."""
    yield from ((True, status) for status in maps_in(pod.status.get("initContainerStatuses")))
    yield from ((False, status) for status in maps_in(pod.status.get("containerStatuses")))


def _of_containers(pod: Live, events: Sequence[PodEvent], now: datetime | None) -> Iterator[Trouble]:
    for init, status in _containers(pod):
        crash = _crash(status, now)
        if crash and (not status.get("ready") or (crash.failed and now)):
            yield crash
        elif waits := _waits(status):
            yield waits
        elif _is_silent(status) and not (init and status.get("ready")):
            yield from _on_the_way(events) if _is_creating(status) else _runs(pod, status, events, init=init)


def _waits(status: Mapping[str, Any]) -> Trouble | None:
    waiting = map_in(map_in(status.get("state")).get("waiting"))
    reason = waiting.get("reason")
    if reason not in FAILURES | _PULLS:
        return None
    return Trouble(
        _said(NOT_PULLED if reason in _PULLS else str(reason), _without_noise(waiting.get("message"))),
        failed=True,
    )


def _crash(status: Mapping[str, Any], now: datetime | None) -> Trouble | None:
    """What the last end of a container means; None where it had none, ended well, or is believed again."""
    state, last = map_in(status.get("state")), map_in(map_in(status.get("lastState")).get("terminated"))
    restarts = status.get("restartCount")
    times = restarts if isinstance(restarts, int) else 0
    if ended := map_in(state.get("terminated")):
        return (
            None if status.get("ready") else _ended(status, ended, times + 1)
        )  # an init container ends ready
    if map_in(state.get("waiting")).get("reason") == CRASHING:
        return _ended(status, last, max(times, 2))
    running = map_in(state.get("running"))
    if not (running and last and times) or _outlives(running, last, now):
        return None
    return _ended(status, last, times)


def _ended(status: Mapping[str, Any], terminated: Mapping[str, Any], times: int) -> Trouble:
    if terminated.get("reason") in _CANNOT_START:
        return Trouble(_said(NOT_STARTED, _without_noise(terminated.get("message"))), failed=True)
    how = _exit(terminated)
    if times > 1 and _lived(terminated) < FORGOTTEN:
        return Trouble(_said(CRASHING, how), failed=True)
    return Trouble(f"container {status.get('name')} ended: {how}")


def _lived(terminated: Mapping[str, Any]) -> timedelta:
    """How long it ran; nothing where that is not known."""
    start, end = parse_time(terminated.get("startedAt")), parse_time(terminated.get("finishedAt"))
    return end - start if start and end and start.timestamp() > 0 else timedelta()


def _outlives(running: Mapping[str, Any], last: Mapping[str, Any], now: datetime | None) -> bool:
    start = parse_time(running.get("startedAt"))
    return bool(start and now and now - start > min(2 * _lived(last), FORGOTTEN) + _SURE)


def _exit(terminated: Mapping[str, Any]) -> str:
    """How it ended: the back-off, which a waiting container's message tells, grows from look to look."""
    code = terminated.get("exitCode")
    if not isinstance(code, int):
        return ""
    reason = terminated.get("reason")
    if reason and reason not in ("Error", "Completed"):
        return f"exit code {code} ({reason})"
    if code == 0:
        return "exit code 0 (it must keep running)"
    by = _signal(code)
    return f"exit code {code} ({by})" if by else f"exit code {code}"


def _signal(code: int) -> str:
    """A shell's and a container runtime's way to tell a signal: https://tldp.org/LDP/abs/html/exitcodes.html"""
    try:
        return Signals(code - 128).name if code > 128 else ""
    except ValueError:
        return ""


def _is_creating(status: Mapping[str, Any]) -> bool:
    return map_in(map_in(status.get("state")).get("waiting")).get("reason") in _CREATING


def _is_silent(status: Mapping[str, Any]) -> bool:
    """Whether a status does not say itself why it is not ready."""
    running = bool(map_in(status.get("state")).get("running") is not None)
    return _is_creating(status) or (running and not status.get("ready"))


def _on_the_way(events: Sequence[PodEvent]) -> Iterator[Trouble]:
    for event in reversed(events):
        if event.reason in _ON_THE_WAY:
            yield Trouble(_said(event.reason, _without_noise(event.message)), failed=event.count > 1)
            return


def _runs(
    pod: Live, status: Mapping[str, Any], events: Sequence[PodEvent], *, init: bool
) -> Iterator[Trouble]:
    name = str(status.get("name"))
    spec = next((c for c in maps_in(pod.spec.get("containers")) if c.get("name") == name), {})
    starting = status.get("started") is False and "startupProbe" in spec
    kind, probe = (
        ("startup", spec.get("startupProbe")) if starting else ("readiness", spec.get("readinessProbe"))
    )
    if init:
        yield Trouble(f"init container {name} runs")
    elif target := _target(map_in(probe), spec):
        since = parse_time(map_in(map_in(status.get("state")).get("running")).get("startedAt"))
        came = _came_back(events, name, since)
        yield Trouble(f"{kind} probe {target}: {came or 'no success yet'}")


def _target(probe: Mapping[str, Any], container: Mapping[str, Any]) -> str:
    """What a probe asks for, such as `TCP :8080` or `GET :80/healthz`; "" for none."""
    http, tcp = map_in(probe.get("httpGet")), map_in(probe.get("tcpSocket"))
    if http:
        return f"GET :{_port(http.get('port'), container)}{http.get('path') or '/'}"
    if tcp:
        return f"TCP :{_port(tcp.get('port'), container)}"
    return next((handler for handler in ("exec", "grpc") if probe.get(handler)), "")


def _port(port: object, container: Mapping[str, Any]) -> object:
    """A port's number, also where it is given by name."""
    named = (p.get("containerPort") for p in maps_in(container.get("ports")) if p.get("name") == port)
    return next(named, port)


def _came_back(events: Sequence[PodEvent], container: str, since: datetime | None) -> str:
    """What the newest failure of a probe was, without addresses, which differ from pod to pod."""
    for event in reversed(events):
        time = parse_time(event.time)
        old = bool(time and since and time < since)
        if event.reason == "Unhealthy" and event.container in ("", container) and not old:
            message = event.message
            for noise in _PROBE_NOISE:
                message = noise.sub("", message)
            return message.replace("HTTP probe failed with statuscode: ", "answered ")
    return ""


# words


def _said(reason: str, message: object) -> str:
    return f"{reason}: {message}" if message else reason


def _without_noise(message: object) -> str:
    text = " ".join(str(message or "").split())
    for noise, instead in _NOISE:
        text = noise.sub(instead, text)
    return text
