"""Merge templates into children: after the author's spec and the options, before what no template changes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconcile.desire.children import KINDS
from reconcile.desire.children.metadata import Rendered, digest, with_hash
from reconcile.desire.templates.authors import not_allowed
from reconcile.desire.templates.expressions import Missing, substituted
from reconcile.desire.templates.fixed import changes_of_fixed
from reconcile.errors import TemplateRefused
from reconcile.kube.check import check
from reconcile.kube.merge import merge
from reconcile.kube.schema import schema_of
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.problems import Problem
from reconcile.model.settings import Settings
from reconcile.model.template import Location, Template


def merged(
    children: Iterable[Rendered], preview: PreviewEnvironment, settings: Settings
) -> tuple[Rendered, ...]:
    """The children of a preview, each with the templates of its kind that select the preview.

    TemplateRefused, with the file and line, where one of them cannot be merged.
    """
    return tuple(_merged(child, preview, settings) for child in children)


def chosen(kind: str, labels: Mapping[str, str], templates: Sequence[Template]) -> tuple[Template, ...]:
    """The templates that are merged into a child of this kind, in their order."""
    return tuple(one for one in templates if one.kind == kind and one.selects(labels))


def _merged(child: Rendered, preview: PreviewEnvironment, settings: Settings) -> Rendered:
    templates = chosen(child.key.kind, preview.labels, settings.templates or ())
    if not templates:
        return child
    kind, names, manifest = KINDS[child.key.kind], settings.names, child.decoded()
    for template in templates:
        over, node = filled(template, preview, settings), schema_of(manifest)
        for location, sentence in check(over, node):
            raise _refused(template, Problem(location, sentence))
        after = merge(manifest, over, node)
        for problem in changes_of_fixed(manifest, after, settings):
            raise _refused(template, problem)
        manifest = after
    manifest = kind.finish(manifest, preview)
    return with_hash(manifest if kind.runs_once else _marked(manifest, templates, settings), names)


def filled(template: Template, preview: PreviewEnvironment, settings: Settings) -> dict[str, Any]:
    """The document with all that it takes from a preview. TemplateRefused for what that may not be."""

    def check(path: Location, text: str, value: str) -> None:
        if problem := not_allowed(path, value, settings):
            raise _refused(template, Problem(path, problem))

    try:
        manifest: dict[str, Any] = substituted(
            template.manifest, preview, schema_of(template.manifest), check
        )
        return manifest
    except Missing as error:
        raise _refused(template, Problem(error.location, f"the preview has no {error}; set it")) from None


def _marked(manifest: dict[str, Any], templates: Iterable[Template], settings: Settings) -> dict[str, Any]:
    """The child with a hash of its templates as they are written, so that a plan can tell their edits."""
    mark = digest({"templates": [template.manifest for template in templates]})
    annotations = {**manifest["metadata"]["annotations"], settings.names.templates_annotation: mark}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}


def _refused(template: Template, problem: Problem) -> TemplateRefused:
    return TemplateRefused(f"{template.where(problem.location)}: {problem}")
