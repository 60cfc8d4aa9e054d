"""From previews to what is wanted of each: manifests, or why there are none; pure."""

from collections.abc import Iterable, Mapping

from reconcile.allow import refusals
from reconcile.children import render
from reconcile.preview import Unreadable
from reconcile.scope import Scope
from reconcile.settings import Settings
from reconcile.snapshot import Preview
from reconcile.wish import Wish


def desire(previews: Iterable[Preview], settings: Settings, scope: Scope) -> tuple[Wish, ...]:
    """What every preview wants, sorted by namespace and name."""
    ordered = sorted(previews, key=lambda preview: (preview.namespace, preview.name))
    surplus = _surplus(ordered, settings.max_previews)
    return tuple(_wish(preview, settings, scope, surplus) for preview in ordered)


def _surplus(previews: Iterable[Preview], most: int | None) -> Mapping[tuple[str, str], str]:
    """The newest previews of each namespace that has more than it may have, with what is told of them."""
    if most is None:
        return {}
    by_namespace: dict[str, list[Preview]] = {}
    for preview in previews:
        by_namespace.setdefault(preview.namespace, []).append(preview)
    return {
        (preview.namespace, preview.name): (
            f"namespace {namespace} has {len(mine)} previews, and this is not one of its {most} oldest: "
            "delete some, or say --max-previews"
        )
        for namespace, mine in by_namespace.items()
        for preview in sorted(mine, key=lambda p: (p.creation_timestamp or "~", p.name))[most:]
    }


def _wish(preview: Preview, settings: Settings, scope: Scope, surplus: Mapping[tuple[str, str], str]) -> Wish:
    in_scope = scope.has(preview.namespace, preview.name, preview.labels)
    if preview.deletion_timestamp:
        return Wish(preview, in_scope, "Going", "it is being deleted, and waits for its finalizers")
    if isinstance(preview, Unreadable):
        return Wish(preview, in_scope, "Invalid", preview.message)
    refused = [*refusals(preview, settings)]
    if told := surplus.get((preview.namespace, preview.name)):
        refused.append(told)
    if refused:
        return Wish(preview, in_scope, "Refused", "; ".join(refused))
    return Wish(preview, in_scope, children=render(preview, settings) if in_scope else ())
