"""The Warnings that Kubernetes reports about pods and Jobs, read from Events; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.objects import Manifest, map_in
from reconcile.times import parse_time, time_text

WARNINGS = "type=Warning"
"""The field selector that finds them: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/"""

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
    warnings = (event for event in events if event.get("type") == "Warning")
    return tuple(sorted(map(_pod_event, warnings), key=lambda event: event.time))


def _pod_event(event: Manifest) -> PodEvent:
    about = map_in(event.get("involvedObject"))
    field = str(about.get("fieldPath") or "")  # such as spec.containers{app}
    return PodEvent(
        str(about.get("uid") or ""),
        str(event.get("reason") or ""),
        " ".join(str(event.get("message") or "").removeprefix(_COMBINED).split()),
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
