"""The kinds of a preview's further children, written into its status by a field manager of their own."""

from reconcile.cluster.port import Cluster
from reconcile.errors import Conflict, ReconcileError, UnknownFields
from reconcile.model.kinds_record import FIELD, kinds_in
from reconcile.model.names import Names
from reconcile.model.snapshot import Preview

TRIES = 5
"""How often it is tried while others write the same status."""

Kinds = frozenset[str]


def remember(
    cluster: Cluster,
    preview: Preview,
    more: Kinds,
    forgets: Kinds = frozenset(),
    *,
    anew: bool = False,
) -> None:
    """Have a preview's status remember more kinds, and forget others; `anew` reads it first.

    Where somebody has written the status meanwhile, nothing is forgotten: another run may have made a child.
    Raises ReconcileError where they could not be written. One that is gone, or another by now, has nothing
    to remember.
    """
    names = preview.names
    uid, version, there = preview.uid, preview.resource_version, kinds_in(preview.status)
    for attempt in range(TRIES):
        if attempt or anew:
            found = cluster.get(names.previews, preview.namespace, preview.name)
            if found is None or found["metadata"]["uid"] != uid:
                return
            version, there = found["metadata"]["resourceVersion"], kinds_in(found.get("status") or {})
            forgets = frozenset()
        wanted = (there - forgets) | more
        if wanted == there:
            return
        try:
            # Also where it is empty: what others wrote there goes too.
            manifest = preview.with_status({FIELD: sorted(wanted)}, version)
            cluster.apply_status(names.previews, manifest, manager=names.kinds_manager)
        except Conflict:
            continue
        return
    raise Conflict(f"others write the status of {preview.key.place} all the time")


def unwritten(error: ReconcileError, names: Names) -> str:
    """Why no further child can be made: nobody would find it again."""
    remedy = f"; install the CRD anew with `{names.install_crd}`" if isinstance(error, UnknownFields) else ""
    return f"status.{FIELD} was not written: {error}{remedy}"
