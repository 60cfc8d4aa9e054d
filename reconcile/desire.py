"""From previews to what is wanted of each: manifests, or why there are none; pure."""

from collections.abc import Iterable

from reconcile.children import render
from reconcile.preview import Unreadable
from reconcile.scope import Scope
from reconcile.settings import Settings
from reconcile.snapshot import Preview
from reconcile.wish import Wish


def desire(previews: Iterable[Preview], settings: Settings, scope: Scope) -> tuple[Wish, ...]:
    """What every preview wants, sorted by namespace and name."""
    return tuple(
        _wish(preview, settings, scope) for preview in sorted(previews, key=lambda p: (p.namespace, p.name))
    )


def _wish(preview: Preview, settings: Settings, scope: Scope) -> Wish:
    in_scope = scope.has(preview.namespace, preview.name, preview.labels)
    if preview.deletion_timestamp:
        return Wish(preview, in_scope, "Going", "it is being deleted, and waits for its finalizers")
    if isinstance(preview, Unreadable):
        return Wish(preview, in_scope, "Invalid", preview.message)
    return Wish(preview, in_scope, children=render(preview, settings) if in_scope else ())
