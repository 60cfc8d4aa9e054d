"""From the cluster to the explanation of one preview: a plan as a dry run makes it, and a few more reads.

Nothing is written. What may not be read is a sentence in the explanation.
"""

from collections.abc import Iterator, Sequence

from reconcile.cluster.pool import Stop
from reconcile.cluster.port import Cluster, FromFile
from reconcile.errors import ClusterError
from reconcile.explain.explain import Explanation, Inquiry, explain
from reconcile.explain.history import EventHistory, event_history
from reconcile.explain.managers import asked_fields, writers_of
from reconcile.kube.health.events import pod_events
from reconcile.kube.live import Live
from reconcile.kube.objects import DEPLOYMENT, EVENT, JOB, POD, Key, Manifest, place_namespace, split_place
from reconcile.model.names import APP_COMPONENT, SETUP_COMPONENT, Names, preview_resource
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.room import Room
from reconcile.model.scope import Name
from reconcile.model.snapshot import claimed_place
from reconcile.run.passes import Planned, plan_about, time_of
from reconcile.run.request import Request
from reconcile.status.facts import by_preview


def inquire(cluster: Cluster, request: Request, wanted: Name, stop: Stop | None = None) -> Explanation | None:
    """Why a preview is as it is; None where there is neither a preview of this name nor anything left of one.

    Raises `UsageError` for a bare NAME that is in several namespaces, `NoAnswer` as a run does.
    """
    context = request.context(cluster, stop or Stop())
    planned = plan_about(context, request, wanted)
    if not planned.place:
        return None
    inquiry = context.read_one(lambda: _inquiry(cluster, planned, request))
    return explain(
        planned.place,
        planned.snapshot,
        planned.all_desired,
        planned.plan,
        inquiry,
        request.settings,
        notes=planned.notes,
    )


def _inquiry(cluster: Cluster, planned: Planned, request: Request) -> Inquiry:
    names = request.names
    preview, preview_notes = _preview(cluster, planned, request)
    pods, pod_notes = _pods(cluster, planned.place, names)
    listed, event_notes = _events(cluster, planned)
    events = _happened(listed, planned, pods, names)
    in_a_file = isinstance(preview, FromFile)
    readable = any(
        desired.place == planned.place and isinstance(desired.preview, PreviewEnvironment)
        for desired in planned.all_desired
    )
    return Inquiry(
        asked_fields(preview, names, with_writers=not in_a_file) if preview and readable else (),
        writers_of(Live(preview), names) if preview and not in_a_file else (),
        pods,
        events,
        pod_events(listed),
        (*preview_notes, *pod_notes, *event_notes, *_untracked(planned, cluster)),
        time_of(cluster),
    )


def _untracked(planned: Planned, cluster: Cluster) -> tuple[str, ...]:
    if cluster.is_server or any(live.tracked for live in planned.snapshot.children.values()):
        return ()
    return ("who set a field only an API server, or a dump with --show-managed-fields, can tell",)


def _preview(cluster: Cluster, planned: Planned, request: Request) -> tuple[Manifest | None, tuple[str, ...]]:
    """The preview once more, with who wrote it: a list keeps only what a run needs."""
    if all(desired.place != planned.place for desired in planned.all_desired):
        return None, ()
    place, proposed = split_place(planned.place), request.proposed
    try:
        found = cluster.get(preview_resource(request.names), *place)
    except ClusterError as error:
        return None, (f"who wrote the preview is not known: {error}",)
    return proposed.applied_over(found, place) if proposed else found, ()


def _pods(cluster: Cluster, place: str, names: Names) -> tuple[tuple[Live, ...], tuple[str, ...]]:
    namespace, keep = place_namespace(place), Room(names).pod
    label = names.preview_label
    try:
        listing = cluster.list(POD, namespace=namespace, label=label, read=keep)
    except ClusterError as error:
        return (), (f"its pods are not known: {error}",)
    found = listing.items
    of_the_app, of_the_setup = (
        by_preview(found, label, component).get(place, ()) for component in (APP_COMPONENT, SETUP_COMPONENT)
    )
    return of_the_app + of_the_setup, ()


def _events(cluster: Cluster, planned: Planned) -> tuple[tuple[Manifest, ...], tuple[str, ...]]:
    try:
        return cluster.list(EVENT, namespace=place_namespace(planned.place)).items, ()
    except ClusterError as error:
        return (), (f"its events are not known: {error}",)


def _happened(
    events: Sequence[Manifest], planned: Planned, pods: Sequence[Live], names: Names
) -> EventHistory:
    namespace, name = split_place(planned.place)
    live = planned.snapshot.children.get(Key(DEPLOYMENT.kind, namespace, name))
    wanted = [
        m for desired in planned.all_desired if desired.place == planned.place for m in desired.children
    ]
    return event_history(
        events,
        namespace,
        name,
        pods=pods,
        manifests=(*(m for m in wanted if m["kind"] != JOB.kind), *_there(planned, names)),
        since=_last_write(live, names) if live else "",
    )


def _there(planned: Planned, names: Names) -> Iterator[Manifest]:
    """The preview's children as they are. A Job that is only wanted has no event yet."""
    for live in planned.snapshot.children.values():
        if claimed_place(live, names) == planned.place:
            yield live.manifest


def _last_write(live: Live, names: Names) -> str:
    """When somebody last wrote the object, its status left out; "" where nobody tells."""
    return max((w.time for w in writers_of(live, names) if w.subresource != "status"), default="")
