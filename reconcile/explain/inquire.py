"""Explains one preview from the cluster: a plan as a dry run makes it, and a few more reads.

Nothing is written. What must not be read is a sentence in the explanation.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from reconcile.cluster.context import Context
from reconcile.cluster.port import Cluster, FromFile
from reconcile.errors import ClusterError
from reconcile.explain.explain import Explanation, Inquiry, Pods, explain
from reconcile.explain.history import EventHistory, event_history
from reconcile.explain.managers import asked_fields, writers_of
from reconcile.kube.health.events import pod_events
from reconcile.kube.live import Live
from reconcile.kube.objects import DEPLOYMENT, EVENT, JOB, POD, Key, Manifest, NamespacedName, split_place
from reconcile.model.names import APP_COMPONENT, SETUP_COMPONENT
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.room import Room
from reconcile.run.passes import Planned, plan_about, time_of
from reconcile.run.request import Request
from reconcile.status.facts import by_preview, further_by_preview

T = TypeVar("T")


def inquire(context: Context, request: Request, wanted: NamespacedName) -> Explanation | None:
    """Explain a preview; None if neither it nor an orphan of it exists.

    Raises `UsageError` for a bare NAME that is in several namespaces, and `NoAnswer` as a run does.
    """
    planned = plan_about(context, request, wanted)
    if not planned.place:
        return None
    inquiry = context.read_one(lambda: _inquiry(context, planned))
    return explain(planned, inquiry)


def _inquiry(context: Context, planned: Planned) -> Inquiry:
    cluster, manager = context.cluster, context.names.field_manager
    place, desired = split_place(planned.place), planned.desired
    notes: list[str] = []

    def read(what: str, request: Callable[[], T]) -> T | None:
        """Send a request; what could not be read is a note."""
        try:
            return request()
        except ClusterError as error:
            notes.append(f"{what} not known: {error}")
            return None

    preview = read("who wrote the preview is", lambda: _preview(context, place)) if desired else None
    pods = read("its pods are", lambda: _pods(context, planned.place)) or Pods()
    events = read("its events are", lambda: cluster.list(EVENT, namespace=place.namespace).items) or ()
    in_a_file = isinstance(preview, FromFile)
    readable = desired and isinstance(desired.preview, PreviewEnvironment)
    return Inquiry(
        asked_fields(preview, manager, with_writers=not in_a_file) if preview and readable else (),
        writers_of(Live(preview), manager) if preview and not in_a_file else (),
        pods,
        _history(events, planned, pods.all, context),
        pod_events(events),
        (*notes, *_untracked(planned, cluster)),
        time_of(cluster),
    )


def _preview(context: Context, place: NamespacedName) -> Manifest | None:
    """The preview once more, with who wrote it: a list keeps only what a run needs."""
    found, proposed = context.cluster.get(context.names.previews, *place), context.proposed
    return proposed.applied_over(found, place) if proposed else found


def _pods(context: Context, place: str) -> Pods:
    """Return the pods of one preview."""
    keep, label = Room(context.names).pod, context.names.preview_label
    found = context.cluster.list(POD, namespace=split_place(place).namespace, label=label, read=keep).items
    app, setup = (by_preview(found, label, one).get(place, ()) for one in (APP_COMPONENT, SETUP_COMPONENT))
    return Pods(app, setup, further_by_preview(found, label).get(place, ()))


def _untracked(planned: Planned, cluster: Cluster) -> tuple[str, ...]:
    if cluster.is_server or any(live.tracked for live in planned.snapshot.children.values()):
        return ()
    return ("who set a field only an API server, or a dump with --show-managed-fields, can tell",)


def _history(
    events: Sequence[Manifest], planned: Planned, pods: Sequence[Live], context: Context
) -> EventHistory:
    """The children count as they are and as they are desired; a Job that is only desired has no event yet."""
    namespace, name = split_place(planned.place)
    children = planned.snapshot.children
    live = children.get(Key(DEPLOYMENT.kind, namespace, name))
    wanted = [m for m in (planned.desired.children if planned.desired else ()) if m["kind"] != JOB.kind]
    existing = [one.manifest for one in children.values() if context.names.place_of(one) == planned.place]
    manifests, since = (*wanted, *existing), _last_write(live) if live else ""
    return event_history(events, namespace, name, pods=pods, manifests=manifests, since=since)


def _last_write(live: Live) -> str:
    """Return when somebody last wrote the object, its status left out; "" if it is not recorded."""
    return max((entry.time for entry in live.entries if entry.subresource != "status"), default="")
