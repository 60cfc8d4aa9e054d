"""From previews to what is wanted of each: manifests, or why there are none; pure."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from reconcile.allow import refusals
from reconcile.children import render
from reconcile.children.metadata import Rendered
from reconcile.errors import internal_error
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
            with suppress(Exception):  # whatever it is comes again when they are asked for, and is told then
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
    timed = [_timed(preview, settings, now) for preview in ordered]
    surplus = _surplus((one.preview for one in timed if not one.over), settings.max_previews)
    return tuple(_wish(one, renderings, surplus) for one in timed)


@dataclass(frozen=True)
class _Timed:
    """A preview, its ttl, and whether that is over; `fault` is why nobody knows."""

    preview: Preview
    ttl: Ttl | None = None
    over: bool = False
    fault: str = ""


def _timed(preview: Preview, settings: Settings, now: datetime | None) -> _Timed:
    if preview.deletion_timestamp is not None:
        return _Timed(preview)
    try:
        ttl = ttl_of(preview, settings)
        return _Timed(preview, ttl, ttl is not None and now is not None and ttl.ended(now))
    except Exception as error:
        return _Timed(preview, fault=internal_error(error))


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


def _wish(one: _Timed, renderings: Renderings, surplus: Mapping[tuple[str, str], str]) -> Wish:
    preview = one.preview
    in_scope = renderings.scope.has(preview.namespace, preview.name, preview.labels)
    if preview.deletion_timestamp:
        return Wish(preview, in_scope, "Going", "it is being deleted, and waits for its finalizers")
    if isinstance(preview, Unreadable):
        return Wish(preview, in_scope, "Invalid", preview.message)
    if one.fault:
        return Wish(preview, in_scope, "InternalError", one.fault)
    try:
        return _wish_of(preview, one, renderings, surplus, in_scope=in_scope)
    except Exception as error:
        return Wish(preview, in_scope, "InternalError", internal_error(error), ttl=one.ttl)


def _wish_of(
    preview: PreviewEnvironment,
    one: _Timed,
    renderings: Renderings,
    surplus: Mapping[tuple[str, str], str],
    *,
    in_scope: bool,
) -> Wish:
    if one.ttl is not None and one.over:
        ended = (
            f"its ttl of {one.ttl.text} ended at {one.ttl.expires_at}: "
            "any change of its spec brings it back, such as another spec.revision"
        )
        return Wish(preview, in_scope, "Expired", ended, ttl=one.ttl)
    refused = [*refusals(preview, renderings.settings)]
    if told := surplus.get((preview.namespace, preview.name)):
        refused.append(told)
    if refused:
        return Wish(preview, in_scope, "Refused", "; ".join(refused), ttl=one.ttl)
    return Wish(preview, in_scope, children=renderings.of(preview) if in_scope else (), ttl=one.ttl)
