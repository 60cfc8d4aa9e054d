"""From previews to what is wanted of each: manifests, or why there are none; pure."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeGuard

from reconcile.desire.allow import refusals
from reconcile.desire.children import render
from reconcile.desire.children.metadata import Rendered
from reconcile.desire.desired import Desired, Reason
from reconcile.desire.quota import Left, Quota, nothing_left
from reconcile.errors import TemplateRefused, internal_error
from reconcile.model.preview import PreviewEnvironment, Unreadable
from reconcile.model.problems import one_line
from reconcile.model.scope import Scope
from reconcile.model.settings import Settings
from reconcile.model.sleep import ALWAYS_AWAKE, Hours, sleep_of
from reconcile.model.snapshot import Preview
from reconcile.model.ttl import Deadline, Ttl, deadline_of, ttl_of


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
                self._made[id(preview)] = (preview, children_of(preview, self.settings))
        return preview

    def of(self, preview: PreviewEnvironment, *, asleep: bool) -> tuple[Rendered, ...]:
        """The children of a preview, which still is there. Those that were prepared are of one that is awake:
        nobody knew then."""
        _, made = self._made.pop(id(preview), (None, None))
        if asleep:
            return children_of(preview.suspended, self.settings)
        return children_of(preview, self.settings) if made is None else made


def children_of(preview: PreviewEnvironment, settings: Settings) -> tuple[Rendered, ...]:
    """Every child that a preview wants, in apply order, with the operator's templates merged into it.

    TemplateRefused where one cannot be merged.
    """
    made = render(preview, settings)
    if not settings.templates:
        return made
    from reconcile.desire.templates.further import with_templates  # what only templates need

    return with_templates(made, preview, settings)


def desire(
    previews: Iterable[Preview],
    settings: Settings,
    scope: Scope,
    *,
    now: datetime | None = None,
    renderings: Renderings | None = None,
    left: Left = nothing_left,
    hours: Hours = ALWAYS_AWAKE,
) -> tuple[Desired, ...]:
    """What every preview wants, sorted by namespace and name.

    `now` is the time where the previews live, None where no status is kept: there nothing expires.
    `renderings` may have been prepared. `left` tells whose children are still there; `hours` when each is
    awake.
    """
    renderings = renderings or Renderings(settings, scope)
    ordered = sorted(previews, key=lambda preview: (preview.namespace, preview.name))
    timed = [_timed(preview, settings, now, hours) for preview in ordered]
    over = {one.preview.key.place for one in timed if one.over}
    surplus = Quota(settings.max_previews, settings.names.preview_label).surplus(ordered, over, left)
    return tuple(_desired(one, renderings, surplus) for one in timed)


@dataclass(frozen=True)
class _Timed:
    """A preview, its ttl, and whether that is over; `fault` is why nobody knows. `asleep` is why it has no
    pods, "" where it is awake."""

    preview: Preview
    ttl: Ttl | None = None
    over: bool = False
    fault: str = ""
    deadline: Deadline | None = None
    asleep: str = ""


def _timed(preview: Preview, settings: Settings, now: datetime | None, hours: Hours) -> _Timed:
    try:
        ttl = None if preview.deletion_timestamp is not None else ttl_of(preview, settings)
        over = ttl is not None and now is not None and ttl.ended(now)
        deadline = deadline_of(preview, ttl, settings, now)
        return _Timed(preview, ttl, over, deadline=deadline, asleep=sleep_of(preview, hours, now))
    except Exception as error:
        return _Timed(preview, fault=internal_error(error))


def _desired(one: _Timed, renderings: Renderings, surplus: Mapping[str, str]) -> Desired:
    preview = one.preview
    in_scope = renderings.scope.has(preview.namespace, preview.name, preview.labels)
    try:
        reason, message = _reason(one, renderings.settings, surplus)
        children = (
            renderings.of(preview, asleep=bool(one.asleep)) if _is_to_have(preview, in_scope, reason) else ()
        )
    except TemplateRefused as error:
        reason, message, children = "Refused", str(error), ()
    except Exception as error:
        reason, message, children = "InternalError", internal_error(error), ()
    return Desired(preview, in_scope, reason, message, children, one.ttl, one.deadline, one.asleep)


def _is_to_have(preview: Preview, in_scope: bool, reason: Reason) -> TypeGuard[PreviewEnvironment]:
    """Whether it is to have its children in this run."""
    return in_scope and not reason and isinstance(preview, PreviewEnvironment)


def _reason(one: _Timed, settings: Settings, surplus: Mapping[str, str]) -> tuple[Reason, str]:
    """Why a preview does not get its children, in one word and in words; "" where it does."""
    preview = one.preview
    if preview.deletion_timestamp:
        return "Terminating", "it is being deleted, and waits for its finalizers"
    if isinstance(preview, Unreadable):
        return "Invalid", preview.message
    if one.fault:
        return "InternalError", one.fault
    if one.ttl is not None and one.over:
        return "Expired", (
            f"its ttl of {one.ttl.text} ended at {one.ttl.expires_at}: "
            "any change of its spec brings it back, such as another spec.revision"
        )
    refused = [*refusals(preview, settings)]
    if message := surplus.get(preview.key.place):
        refused.append(message)
    return ("Refused", one_line(refused)) if refused else ("", "")
