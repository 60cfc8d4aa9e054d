"""Which template sets a field of a child: for whoever asks why it is there."""

from collections.abc import Sequence
from typing import Any

from reconcile.desire.children import is_built_in
from reconcile.desire.templates.expressions import Source
from reconcile.desire.templates.further import by_child, name_of
from reconcile.desire.templates.merge import chosen, filled
from reconcile.kube.check import Location
from reconcile.kube.managedfields import Path
from reconcile.kube.objects import Key
from reconcile.kube.schema import Node, schema_of
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings
from reconcile.model.template import Template


def source_of(path: Path, key: Key, preview: PreviewEnvironment, settings: Settings) -> str:
    """`FILE:LINE` of the last template that sets this field of a preview's child; "" where none does."""
    for template in reversed(_of_child(key, preview, settings.templates or ())):
        location = _location(path, filled(template, Source(preview), settings), schema_of(template.manifest))
        if location is not None:
            return template.where(location)
    return ""


def _of_child(key: Key, preview: PreviewEnvironment, templates: Sequence[Template]) -> Sequence[Template]:
    """The documents that a child is made of, or that are merged into it."""
    if is_built_in(key, preview.name):
        return chosen(key.kind, preview.labels, templates)
    further = by_child(templates, preview).values()
    return next(
        (found for found in further if (found[0].kind, name_of(found[0], preview)) == (key.kind, key.name)),
        (),
    )


def _location(path: Path, value: Any, node: Node | None) -> Location | None:
    """Where a document has this path; None where it has not."""
    location: Location = ()
    for element in path:
        node = node and node.of(value)
        step = _step(element, value, node)
        if step is None:
            return None
        location, value = (*location, step), value[step]
        node = node and (node.child(step) if isinstance(step, str) else node.element)
    return location


def _step(element: str, value: Any, node: Node | None) -> str | int | None:
    """The name or the place by which a path element is found in a value; None where it is not there."""
    if element.startswith("f:"):
        name = element[2:]
        return name if isinstance(value, dict) and name in value else None
    if node is None or not isinstance(value, list):
        return None
    return next((at for at, item in enumerate(value) if node.element_of(item) == element), None)
