"""The Warnings that Kubernetes reports about pods and Jobs, read from Events; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.kube.objects import Manifest, map_in
from reconcile.kube.time import parse_time, time_text

WARNINGS = "type=Warning"
"""The field selector that finds them: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/"""

LONGEST = 2_000
"""Characters of a message. A new Event has 1,024 at the most; one of the older API, which is read, has
no bound."""

# Where the recorder has put several messages together:
# https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/client-go/tools/record/events_cache.go
_COMBINED = "(combined from similar events): "


@dataclass(frozen=True)
class PodEvent:
    """One Event: the object's uid and, where it is about one, its container; `time` is "" where unknown."""

    uid: str
    reason: str
    message: str
    container: str = ""
    count: int = 1
    time: str = ""


def pod_events(events: Iterable[Manifest]) -> tuple[PodEvent, ...]:
    """The Warnings among these Events, the oldest first."""
    return in_order(map(pod_event, events))


def in_order(events: Iterable[PodEvent | None]) -> tuple[PodEvent, ...]:
    """Those that there are, the oldest first."""
    return tuple(sorted((event for event in events if event is not None), key=lambda event: event.time))


def pod_event(event: Manifest) -> PodEvent | None:
    """What is read of an Event, which may be of any length; None of one that is no Warning."""
    if event.get("type") != "Warning":
        return None
    about = map_in(event.get("involvedObject"))
    field = str(about.get("fieldPath") or "")  # such as spec.containers{app}
    return PodEvent(
        str(about.get("uid") or ""),
        str(event.get("reason") or "")[:LONGEST],
        " ".join(str(event.get("message") or "")[:LONGEST].removeprefix(_COMBINED).split()),
        field.partition("{")[2].rstrip("}"),
        event_count(event),
        event_time(event),
    )


def event_count(event: Manifest) -> int:
    """How often it happened, whichever of the two APIs wrote it."""
    counted = map_in(event.get("series")).get("count") or event.get("count")
    return counted if isinstance(counted, int) else 1


def event_time(event: Mapping[str, Any]) -> str:
    """When it happened last, whichever of the two APIs wrote it; "" where it does not say."""
    said = (
        map_in(event.get("series")).get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        event["metadata"].get("creationTimestamp"),
    )
    time = next((time for text in said if (time := parse_time(text))), None)
    return time_text(time) if time else ""
