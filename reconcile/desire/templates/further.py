"""Further children, which documents make by themselves; and with them all children of a preview."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconcile.desire.children import apply_order
from reconcile.desire.children.further import POD_TEMPLATES, SELECTORS, SUSPENDED
from reconcile.desire.children.metadata import Rendered, child_metadata, common_labels, digest, sealed
from reconcile.desire.templates.expressions import FQDN, Source
from reconcile.desire.templates.fixed import further_problems
from reconcile.desire.templates.kinds import NAME, may_route, says_hostnames
from reconcile.desire.templates.merge import filled, laid_over, marked, merged, refused
from reconcile.kube.hostnames import asks_only_for
from reconcile.kube.live import Live
from reconcile.kube.objects import Key, Manifest, map_in, value_below
from reconcile.model.names import COMPONENT_LABEL
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.problems import Problem
from reconcile.model.settings import Settings
from reconcile.model.template import Template

LONGEST_NAME = 63
"""Of a DNS label, which a Service and a pod's labels need; of any kind, so that one rule holds."""

_LONGEST = {"CronJob": 52, "StatefulSet": 52}
"""Of kinds whose controllers make a longer name, or a label, of it: by a dash and ten characters."""

UNTRUSTED = {"automountServiceAccountToken": False, "enableServiceLinks": False}
"""What pods are unless their document says otherwise, as the app's are: their image may be an author's."""

CONFIGS = ("ConfigMap", "Secret")
"""What `${hash}` is the hash of."""


def with_templates(
    built_in: Iterable[Rendered], preview: PreviewEnvironment, settings: Settings
) -> tuple[Rendered, ...]:
    """All children of a preview in apply order, of the built-in ones that it has without templates.

    TemplateRefused, with the file and line, where a document cannot be filled or merged for it.
    """
    source, made = Source(preview), by_child(settings.templates or (), preview)
    configs = [_made(made[name], source, settings) for name in made if name[0] in CONFIGS]
    source = Source(preview, _hash(configs))
    others = [_made(made[name], source, settings) for name in made if name[0] not in CONFIGS]
    children = (*configs, *others, *merged(built_in, source, settings))
    return tuple(sorted(children, key=lambda child: (apply_order(child.key, preview.name), child.key)))


def by_child(
    templates: Iterable[Template], preview: PreviewEnvironment
) -> Mapping[tuple[str, str], list[Template]]:
    """The documents of each further child of this preview, by its kind and name: the first makes it, others
    are merged into it."""
    found: dict[tuple[str, str], list[Template]] = {}
    for template in templates:
        if template.further and template.selects(preview.labels):
            found.setdefault((template.kind, template.name), []).append(template)
    return found


def name_of(template: Template, preview: PreviewEnvironment) -> str:
    """The name of the further child that a document is of."""
    return template.name.replace(NAME, preview.name)


def _hash(configs: Iterable[Rendered]) -> str:
    """Of what is in them, and not of whose they are: a protected preview's pods do not roll."""
    content = {
        str(child.key): {k: v for k, v in child.decoded().items() if k != "metadata"} for child in configs
    }
    return digest(content)[:10]


def _made(templates: list[Template], source: Source, settings: Settings) -> Rendered:
    first, preview, manifest = templates[0], source.preview, dict[str, Any]()
    for template in templates:
        over = filled(template, source, settings)
        manifest, problems = laid_over(manifest, over, further_problems, settings)
        for problem in (*problems, *shape_problems(template, manifest, preview)):
            raise refused(template, problem)
    key = Key(first.kind, preview.namespace, name_of(first, preview))
    metadata, component = map_in(manifest.get("metadata")), component_of(first)
    manifest = _finished(key.kind, {**manifest, "metadata": {}}, preview, component)
    manifest["metadata"] = child_metadata(
        key,
        preview,
        labels={**map_in(metadata.get("labels")), COMPONENT_LABEL: component},
        annotations=map_in(metadata.get("annotations")),
        of=preview.name,
    )
    at_hostname = may_route(key.kind) and any(_uses_hostname(one.manifest) for one in templates)
    return sealed(marked(manifest, templates, settings), settings.names, at_hostname=at_hostname)


def shape_problems(template: Template, manifest: Manifest, preview: PreviewEnvironment) -> Iterator[Problem]:
    """What is wrong with a further child as a preview would have it."""
    name = name_of(template, preview)
    longest = _LONGEST.get(template.kind, LONGEST_NAME)
    if len(name) > longest:
        sentence = f"{name} has {len(name)} characters, and at most {longest} are allowed"
        yield Problem(("metadata", "name"), f"{sentence}; rename the preview, or shorten the document's name")
    named = {**manifest, "metadata": {"name": name, "namespace": preview.namespace}}
    if says_hostnames(template.kind) and not asks_only_for(Live(named), preview.spec.fqdn):
        yield Problem(("spec",), f"the hostname of a further route is {FQDN}, whole, and no other")


def component_of(template: Template) -> str:
    """What the child is to its preview: its name without that of the preview, or else its kind."""
    return template.name.removeprefix(NAME).removeprefix("-") or template.kind.partition(".")[0].lower()


def _finished(
    kind: str, manifest: dict[str, Any], preview: PreviewEnvironment, component: str
) -> dict[str, Any]:
    """The child with what comes after its documents: pods that are told apart, and found by nobody else."""
    ours = {**common_labels(preview), COMPONENT_LABEL: component}
    if path := POD_TEMPLATES.get(kind):
        manifest = _with(manifest, (*path, "metadata", "labels"), ours)
        said = map_in(value_below(manifest, (*path, "spec")))
        manifest = _with(manifest, (*path, "spec"), {**UNTRUSTED, **said})
    path = SELECTORS.get(kind, ())
    if path and (kind != "Service" or map_in(manifest.get("spec")).get("selector")):
        chosen = {preview.names.preview_label: preview.name}
        manifest = _with(
            manifest, path, chosen | ({COMPONENT_LABEL: component} if kind in POD_TEMPLATES else {})
        )
    if preview.spec.suspend and kind in SUSPENDED:
        manifest = _with(manifest, ("spec",), SUSPENDED[kind])
    return _encoded(manifest) if kind == "Secret" else manifest


def _with(manifest: Mapping[str, Any], path: tuple[str, ...], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with these fields in the map at a path, which is made where it is not there."""
    if not path:
        return {**manifest, **fields}
    return {**manifest, path[0]: _with(map_in(manifest.get(path[0])), path[1:], fields)}


def _encoded(manifest: dict[str, Any]) -> dict[str, Any]:
    """A Secret with all of it in `data`: `stringData` is recorded as ours, and never shown again."""
    plain = map_in(manifest.get("stringData"))
    if not plain:
        return manifest
    encoded = {name: base64.b64encode(str(text).encode()).decode() for name, text in plain.items()}
    rest = {name: value for name, value in manifest.items() if name != "stringData"}
    return {**rest, "data": {**map_in(manifest.get("data")), **encoded}}


def _uses_hostname(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_uses_hostname, value.values()))
    return any(map(_uses_hostname, value)) if isinstance(value, list) else FQDN in str(value)
