"""Merge templates into children: after the author's spec and the options, before what no template changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from reconcile.desire.children import KINDS
from reconcile.desire.children.metadata import Rendered, digest, with_hash
from reconcile.desire.templates.authors import not_allowed, refers_to
from reconcile.desire.templates.expressions import Missing, Source, substituted
from reconcile.desire.templates.fixed import changes_of_fixed
from reconcile.errors import TemplateRefused
from reconcile.kube.check import Location, check
from reconcile.kube.merge import merge
from reconcile.kube.objects import Manifest
from reconcile.kube.schema import schema_of
from reconcile.model.problems import Problem
from reconcile.model.settings import Settings
from reconcile.model.template import Template

ProblemsOf = Callable[[Manifest, Manifest, Settings], Iterable[Problem]]
"""What is wrong with a child (first) after a document was merged into it (second)."""


def merged(children: Iterable[Rendered], source: Source, settings: Settings) -> tuple[Rendered, ...]:
    """The built-in children of a preview, each with the templates of its kind that select the preview.

    TemplateRefused, with the file and line, where one of them cannot be merged.
    """
    return tuple(_merged(child, source, settings) for child in children)


def chosen(kind: str, labels: Mapping[str, str], templates: Sequence[Template]) -> tuple[Template, ...]:
    """The templates that are merged into a built-in child of this kind, in their order."""
    return tuple(one for one in templates if one.kind == kind and not one.further and one.selects(labels))


def _merged(child: Rendered, source: Source, settings: Settings) -> Rendered:
    preview = source.preview
    templates = chosen(child.key.kind, preview.labels, settings.templates or ())
    if not templates:
        return child
    kind, manifest = KINDS[child.key.kind], child.decoded()
    for template in templates:
        manifest, problems = laid_over(
            manifest, filled(template, source, settings), changes_of_fixed, settings
        )
        for problem in problems:
            raise refused(template, problem)
    manifest = kind.finish(manifest, preview)
    return with_hash(manifest if kind.runs_once else marked(manifest, templates, settings), settings.names)


def laid_over(
    child: dict[str, Any], over: Mapping[str, Any], problems_of: ProblemsOf, settings: Settings
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The child with a filled document merged into it, and what is wrong with that: what the schema refuses,
    and where it refuses nothing, what no template changes."""
    node = schema_of(over)
    if mistakes := check(over, node):
        return child, tuple(Problem(*mistake) for mistake in mistakes)
    after = merge(child, over, node)
    return after, tuple(problems_of(child, after, settings))


def filled(template: Template, source: Source, settings: Settings) -> dict[str, Any]:
    """The document with all that it takes from a preview. TemplateRefused for what that may not be."""

    def refuse(path: Location, text: str, value: str) -> None:
        if refers_to(path, text, template.own):
            return
        if problem := not_allowed(path, value, template.kind, settings):
            raise refused(template, Problem(path, problem))

    try:
        manifest: dict[str, Any] = substituted(
            template.manifest, source, schema_of(template.manifest), refuse
        )
        return manifest
    except Missing as error:
        raise refused(template, Problem(error.location, f"the preview has no {error}; set it")) from None


def marked(manifest: dict[str, Any], templates: Iterable[Template], settings: Settings) -> dict[str, Any]:
    """The child with a hash of its templates as they are written, so that a plan can tell their edits."""
    mark = digest({"templates": [template.manifest for template in templates]})
    annotations = {**manifest["metadata"]["annotations"], settings.names.templates_annotation: mark}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}


def refused(template: Template, problem: Problem) -> TemplateRefused:
    """Why a preview gets no children: a document cannot be filled, or merged, for it."""
    return TemplateRefused(f"{template.where(problem.location)}: {problem}")
