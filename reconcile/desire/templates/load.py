"""Documents to templates: what is wrong in any of them is found before a run, once for all previews."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from reconcile.desire.children import KINDS
from reconcile.desire.children.further import POD_TEMPLATES
from reconcile.desire.templates.among import among
from reconcile.desire.templates.authors import A_HOSTNAME, adds_hostname, misplaced, refers_to
from reconcile.desire.templates.expressions import (
    HASH,
    Source,
    has_expression,
    labels_in,
    problems_in,
    takes_hash,
    uses,
)
from reconcile.desire.templates.fixed import changes_of_fixed, further_problems
from reconcile.desire.templates.further import CONFIGS, component_of, shape_problems
from reconcile.desire.templates.kinds import NAME, is_built_in, kind_problem
from reconcile.desire.templates.merge import filled, laid_over
from reconcile.errors import UsageError
from reconcile.kube.check import Location
from reconcile.kube.merge import DIRECTIVE
from reconcile.kube.objects import KEPT_BY_SERVERS, Manifest, map_in
from reconcile.kube.schema import forget_learned, is_native
from reconcile.model.names import APP_COMPONENT, KIND, SETUP_COMPONENT, Names
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.problems import Problem, shown
from reconcile.model.scope import Requirement, parse_selector
from reconcile.model.settings import Settings
from reconcile.model.template import Template

WHEN = "when"
_NAMES = re.compile(re.escape(NAME) + r"(-[a-z0-9]([-a-z0-9]*[a-z0-9])?)?")


class Document(NamedTuple):
    """One object of a file, and the line of each of its fields; `()` is that of the object."""

    manifest: Manifest
    file: str
    lines: Mapping[Location, int]


def load(documents: Iterable[Document], settings: Settings) -> tuple[tuple[Template, ...], tuple[str, ...]]:
    """The templates in their order, and everything that is wrong: `FILE:LINE: PATH: what, and what to do`.

    What an earlier run has learned of custom kinds is forgotten: `refused_by_schema` asks once it is anew."""
    forget_learned()
    read = list(documents)
    templates = _with_own([_template(document, settings) for document in read])
    found = [
        (template, problem)
        for template, document in zip(templates, read, strict=True)
        for problem in _problems(template, _annotations(document.manifest), settings)
    ]
    found += among(templates) if not found else []
    wrong = {id(template) for template, _ in found}
    right = tuple(template for template in templates if id(template) not in wrong)
    return right, tuple(f"{one.where(problem.location)}: {problem}" for one, problem in found)


def refused_by_schema(settings: Settings) -> tuple[str, ...]:
    """What is wrong with the documents of kinds whose schemas a server has told by now."""
    return tuple(
        f"{one.where(problem.location)}: {problem}"
        for one in settings.templates or ()
        if not is_native(one.resource.api_version, one.resource.kind)
        for problem in _merge_problems(one, settings)
    )


def _template(document: Document, settings: Settings) -> Template:
    """A document as it may be wrong; one whose selector is none is for all."""
    manifest = document.manifest
    when_annotation = settings.names.when_annotation
    when = str(_annotations(manifest).get(when_annotation, ""))
    requirements: tuple[Requirement, ...] = ()
    with suppress(UsageError):
        requirements = tuple(parse_selector(when)) if when else ()
    return Template(
        _content(manifest, when_annotation),
        document.file,
        document.lines,
        when=when,
        requirements=requirements,
        name=str(manifest["metadata"]["name"]),
        further=not is_built_in(manifest),
    )


def _with_own(templates: list[Template]) -> list[Template]:
    """Each with the further children that every preview has which it is for."""
    further = [one for one in templates if one.further]
    return [
        replace(
            one,
            own=frozenset((other.kind, other.name) for other in further if other.when in ("", one.when)),
        )
        for one in templates
    ]


def _content(manifest: Manifest, when_annotation: str) -> Manifest:
    """The document without what says which child of which previews it is for, and what a server keeps."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in {"name", *KEPT_BY_SERVERS}}
    annotations = {k: v for k, v in map_in(metadata.get("annotations")).items() if k != when_annotation}
    if "annotations" in metadata:
        metadata["annotations"] = annotations
    metadata = {k: v for k, v in metadata.items() if v != {}}
    rest = {name: value for name, value in manifest.items() if name != "metadata"}
    return {**rest, **({"metadata": metadata} if metadata else {})}


def _annotations(manifest: Manifest) -> Manifest:
    return map_in(manifest["metadata"].get("annotations"))


def _problems(template: Template, annotations: Manifest, settings: Settings) -> Iterator[Problem]:
    """All that is wrong with one document; what builds on something else is asked where that is right."""
    if problem := kind_problem(template.manifest, template.name, settings):
        yield problem
        return
    found = [*_name_problems(template), *_selector_problems(annotations, settings.names.when_annotation)]
    found += _text_problems((), template, template.manifest, settings)
    yield from found or _merge_problems(template, settings)


def _name_problems(template: Template) -> Iterator[Problem]:
    path: Location = ("metadata", "name")
    if not template.further:
        return
    if not _NAMES.fullmatch(template.name):
        sentence = f"{shown(template.name)} is not {NAME}-NAME, in lower-case letters, digits and dashes"
        yield Problem(path, f"{sentence}, which names a child of a preview")
    elif template.kind in POD_TEMPLATES and component_of(template) in (APP_COMPONENT, SETUP_COMPONENT):
        sentence = f"{shown(template.name)} is taken for pods of the {component_of(template)} itself"
        yield Problem(path, f"{sentence}; choose another name")


def _selector_problems(annotations: Manifest, when_annotation: str) -> Iterator[Problem]:
    """What would silently make a document one for all previews, and a selector that is none."""
    for key, value in annotations.items():
        path: Location = ("metadata", "annotations", key)
        if key == when_annotation:
            try:
                parse_selector(value, "the label selector")
            except UsageError as error:
                yield Problem(path, str(error))
        elif key.rpartition("/")[2].lower() == WHEN:
            yield Problem(path, f"is not {when_annotation}, which selects previews")


def _text_problems(path: Location, template: Template, value: Any, settings: Settings) -> Iterator[Problem]:
    """What is wrong with the expressions and the directives anywhere in a document."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            here = (*path, name)
            if has_expression(name):
                yield Problem(here, "a name has an expression, which only a value may have")
            if name == DIRECTIVE and not (path and isinstance(path[-1], int)):
                yield Problem(here, "removes only an item of a list; to remove a field, write null")
            yield from _text_problems(here, template, below, settings)
    elif isinstance(value, list):
        for at, below in enumerate(value):
            yield from _text_problems((*path, at), template, below, settings)
    elif isinstance(value, str):
        yield from (Problem(path, sentence) for sentence in _sentences(path, template, value, settings))


def _sentences(path: Location, template: Template, text: str, settings: Settings) -> Iterator[str]:
    """What is wrong with one text."""
    if wrong := dict.fromkeys(problems_in(text)):
        yield from wrong
    elif takes_hash(text) and template.kind in CONFIGS:
        yield f"{HASH} is the hash of this; take it out"
    elif refers_to(path, text, template.own):
        return
    elif uses(text).authors and (sentence := misplaced(path, text, template.kind, settings)):
        yield sentence
    elif adds_hostname(path, text):
        yield A_HOSTNAME


def _merge_problems(template: Template, settings: Settings) -> tuple[Problem, ...]:
    """What a server would refuse, and what no template changes: seen by merging it into a sample."""
    sample = _sample(template.manifest)
    lenient = replace(settings, allow_secret=("*",), allow_image=())
    over = filled(template, Source(sample, "hash"), lenient)
    if template.further:
        found, problems = laid_over({}, over, further_problems, settings)
        return problems or tuple(shape_problems(template, found, sample))
    child = KINDS[template.kind].render(sample, settings)
    return laid_over(child.decoded() if child else {}, over, changes_of_fixed, settings)[1]


def _sample(manifest: Manifest) -> PreviewEnvironment:
    """A preview that has everything that a document may take from one."""
    metadata = {
        "name": "preview",
        "namespace": "default",
        "uid": "00000000-0000-0000-0000-000000000000",
        "labels": dict.fromkeys(_labels(manifest), "label"),
    }
    spec = {
        "image": "registry.example.com/preview:1",
        "fqdn": "preview.example.com",
        "port": 8080,
        "replicas": 1,
        "revision": "1",
        "setup": {"command": ["setup"]},
    }
    names = Names()
    found = parse_preview(
        {"apiVersion": names.api_version, "kind": KIND, "metadata": metadata, "spec": spec}, group=names.group
    )
    assert isinstance(found, PreviewEnvironment)
    return found


def _labels(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from labels_in(value)
    elif isinstance(value, Mapping | list):
        for below in value.values() if isinstance(value, Mapping) else value:
            yield from _labels(below)
