"""From previews to what is wanted of each: manifests, or why there are none; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconcile.allow import refusals
from reconcile.children import render
from reconcile.children.metadata import Rendered
from reconcile.preview import PreviewEnvironment, Unreadable
from reconcile.scope import Scope
from reconcile.settings import Settings
from reconcile.snapshot import Preview
from reconcile.ttl import Ttl, ttl_of
from reconcile.wish import Wish


@dataclass(frozen=True)
class Renderings:
    """The children of previews in scope, each preview's made once: when it is asked for, or before."""

    settings: Settings
    scope: Scope
    _made: dict[int, tuple[Preview, tuple[Rendered, ...]]] = field(default_factory=dict)

    def prepare(self, preview: Preview) -> Preview:
        """Make the children of a preview that will likely want them; while the next ones are still coming."""
        likely = not preview.deletion_timestamp and self.scope.has(
            preview.namespace, preview.name, preview.labels
        )
        if likely and isinstance(preview, PreviewEnvironment):
            self._made[id(preview)] = (preview, render(preview, self.settings))
        return preview

    def of(self, preview: PreviewEnvironment) -> tuple[Rendered, ...]:
        """The children of a preview, which still is there."""
        _, made = self._made.pop(id(preview), (None, None))
        return render(preview, self.settings) if made is None else made


def desire(
    previews: Iterable[Preview],
    settings: Settings,
    scope: Scope,
    *,
    now: datetime | None = None,
    renderings: Renderings | None = None,
) -> tuple[Wish, ...]:
    """What every preview wants, sorted by namespace and name.

    `now` is the time where the previews live, None where no status is kept: there nothing expires.
    `renderings` may have been prepared.
    """
    renderings = renderings or Renderings(settings, scope)
    ordered = sorted(previews, key=lambda preview: (preview.namespace, preview.name))
    timed = [(preview, _ttl(preview, settings)) for preview in ordered]
    standing = (preview for preview, ttl in timed if not _is_over(ttl, now))
    surplus = _surplus(standing, settings.max_previews)
    return tuple(
        _wish(preview, renderings, surplus, ttl, expired=_is_over(ttl, now)) for preview, ttl in timed
    )


def _is_over(ttl: Ttl | None, now: datetime | None) -> bool:
    return ttl is not None and now is not None and ttl.ended(now)


def _ttl(preview: Preview, settings: Settings) -> Ttl | None:
    return None if preview.deletion_timestamp is not None else ttl_of(preview, settings)


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


def _wish(
    preview: Preview,
    renderings: Renderings,
    surplus: Mapping[tuple[str, str], str],
    ttl: Ttl | None,
    *,
    expired: bool,
) -> Wish:
    settings, scope = renderings.settings, renderings.scope
    in_scope = scope.has(preview.namespace, preview.name, preview.labels)
    if preview.deletion_timestamp:
        return Wish(preview, in_scope, "Going", "it is being deleted, and waits for its finalizers")
    if isinstance(preview, Unreadable):
        return Wish(preview, in_scope, "Invalid", preview.message)
    if ttl is not None and expired:
        ended = (
            f"its ttl of {ttl.text} ended at {ttl.expires_at}: "
            "any change of its spec brings it back, such as another spec.revision"
        )
        return Wish(preview, in_scope, "Expired", ended, ttl=ttl)
    refused = [*refusals(preview, settings)]
    if told := surplus.get((preview.namespace, preview.name)):
        refused.append(told)
    if refused:
        return Wish(preview, in_scope, "Refused", "; ".join(refused), ttl=ttl)
    return Wish(preview, in_scope, children=renderings.of(preview) if in_scope else (), ttl=ttl)
