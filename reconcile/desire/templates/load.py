"""Documents to templates: what is wrong in any of them is found before a run, once for all previews."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from reconcile.desire.children import KINDS, RESOURCES
from reconcile.desire.templates.authors import A_HOSTNAME, adds_hostname, misplaced
from reconcile.desire.templates.expressions import has_expression, labels_in, problems_in, uses
from reconcile.desire.templates.merge import filled, laid_over
from reconcile.errors import UsageError
from reconcile.kube.check import Location
from reconcile.kube.merge import DIRECTIVE
from reconcile.kube.objects import KEPT_BY_SERVERS, Manifest, map_in
from reconcile.model.names import KIND, Names
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.problems import Problem, shown
from reconcile.model.scope import parse_selector
from reconcile.model.settings import Settings
from reconcile.model.template import Template

WHEN = "when"
NAME = "${preview.metadata.name}"


class Document(NamedTuple):
    """One object of a file, and the line of each of its fields; `()` is that of the object."""

    manifest: Manifest
    file: str
    lines: Mapping[Location, int]


def load(documents: Iterable[Document], settings: Settings) -> tuple[tuple[Template, ...], tuple[str, ...]]:
    """The templates in their order, and everything that is wrong: `FILE:LINE: PATH: what, and what to do`."""
    templates, problems = [], []
    for document in documents:
        template = Template(_content(document.manifest, settings.names), document.file, document.lines)
        found = list(_problems(document, template, settings))
        problems += [f"{template.where(one.location)}: {one}" for one in found]
        if not found:
            templates.append(_selecting(template, document.manifest, settings.names))
    return tuple(templates), tuple(problems)


def _content(manifest: Manifest, names: Names) -> Manifest:
    """The document without what says which child of which previews it is for, and what a server keeps."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in {"name", *KEPT_BY_SERVERS}}
    annotations = {k: v for k, v in map_in(metadata.get("annotations")).items() if k != names.when_annotation}
    if "annotations" in metadata:
        metadata["annotations"] = annotations
    metadata = {k: v for k, v in metadata.items() if v != {}}
    rest = {name: value for name, value in manifest.items() if name != "metadata"}
    return {**rest, **({"metadata": metadata} if metadata else {})}


def _when(manifest: Manifest, names: Names) -> str:
    return str(map_in(manifest["metadata"].get("annotations")).get(names.when_annotation, ""))


def _selecting(template: Template, manifest: Manifest, names: Names) -> Template:
    when = _when(manifest, names)
    return replace(template, when=when, requirements=tuple(parse_selector(when)) if when else ())


def _problems(document: Document, template: Template, settings: Settings) -> Iterator[Problem]:
    """All that is wrong with one document; what builds on something else is asked where that is right."""
    if problem := _kind_problem(document.manifest):
        yield problem
        return
    found = [*_metadata_problems(document.manifest, settings.names)]
    found += _text_problems((), template.manifest, settings)
    yield from found or _merge_problems(template, settings)


def _kind_problem(manifest: Manifest) -> Problem | None:
    """A document of further kinds is for a later version: here is its place."""
    api_version, kind = manifest["apiVersion"], manifest["kind"]
    for name in ("apiVersion", "kind"):
        if has_expression(manifest[name]):
            return Problem((name,), "has an expression, which only the value of another field may have")
    resource = RESOURCES.get(kind)
    if resource is None or api_version.partition("/")[0] != resource.api_version.partition("/")[0]:
        return Problem(
            ("kind",),
            f"{api_version} {shown(kind)} is none of the children that a template changes "
            f"({', '.join(RESOURCES)}); further children are not supported; remove the document",
        )
    if api_version != resource.api_version:
        return Problem(("apiVersion",), f"{shown(api_version)} is not {resource.api_version}")
    return None


def _metadata_problems(manifest: Manifest, names: Names) -> Iterator[Problem]:
    name, kind = manifest["metadata"]["name"], manifest["kind"]
    if name != NAME:
        sentence = f"{shown(name)} is not {NAME}, which names the {kind} of a preview"
        yield Problem(("metadata", "name"), f"{sentence}; others are not supported")
    yield from _selector_problems(map_in(manifest["metadata"].get("annotations")), names)


def _selector_problems(annotations: Manifest, names: Names) -> Iterator[Problem]:
    """What would silently make a document one for all previews, and a selector that is none."""
    for key, value in annotations.items():
        path: Location = ("metadata", "annotations", key)
        if key == names.when_annotation:
            try:
                parse_selector(value, "the label selector")
            except UsageError as error:
                yield Problem(path, str(error))
        elif key.rpartition("/")[2].lower() == WHEN:
            yield Problem(path, f"is not {names.when_annotation}, which selects previews")


def _text_problems(path: Location, value: Any, settings: Settings) -> Iterator[Problem]:
    """What is wrong with the expressions and the directives anywhere in a document."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            here = (*path, name)
            if has_expression(name):
                yield Problem(here, "a name has an expression, which only a value may have")
            if name == DIRECTIVE and not (path and isinstance(path[-1], int)):
                yield Problem(here, "removes only an item of a list; to remove a field, write null")
            yield from _text_problems(here, below, settings)
    elif isinstance(value, list):
        for at, below in enumerate(value):
            yield from _text_problems((*path, at), below, settings)
    elif isinstance(value, str):
        yield from (Problem(path, sentence) for sentence in _sentences(path, value, settings))


def _sentences(path: Location, text: str, settings: Settings) -> Iterator[str]:
    """What is wrong with one text."""
    if wrong := dict.fromkeys(problems_in(text)):
        yield from wrong
    elif uses(text).authors and (sentence := misplaced(path, text, settings)):
        yield sentence
    elif adds_hostname(path, text):
        yield A_HOSTNAME


def _merge_problems(template: Template, settings: Settings) -> tuple[Problem, ...]:
    """What a server would refuse, and what no template changes: seen by merging it into a sample."""
    sample = _sample(template.manifest)
    over = filled(template, sample, replace(settings, allow_secret=("*",), allow_image=()))
    child = KINDS[template.kind].render(sample, settings)
    return laid_over(child.decoded() if child else {}, over, settings)[1]


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
