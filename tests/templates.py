"""Documents of `--templates` for tests: as text, in a file of the name `app.yaml`."""

from typing import Any

from reconcile.cli.templates import loadable
from reconcile.cluster.files.yaml import read_text
from reconcile.desire.desire import children_of
from reconcile.desire.templates.load import load
from reconcile.kube.rawjson import plain
from reconcile.model.preview import PreviewEnvironment
from reconcile.model.settings import Settings
from reconcile.model.template import Template

API_VERSIONS = {
    "Deployment": "apps/v1",
    "Service": "v1",
    "Job": "batch/v1",
    "Mapping": "getambassador.io/v3alpha1",
    "Ingress": "networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
}


def document(kind: str, spec: str = "", *, when: str = "", metadata: str = "") -> str:
    """A document for one kind of child, of five lines: the fourth has the metadata, the fifth the spec."""
    selector = f"annotations: {{platform9.com/when: '{when}'}}" if when else ""
    fields = ", ".join(filter(None, ("name: '${preview.metadata.name}'", selector, metadata)))
    return f"---\napiVersion: {API_VERSIONS[kind]}\nkind: {kind}\nmetadata: {{{fields}}}\n{spec}\n"


NAME = "${preview.metadata.name}"


def further(
    api_version: str, kind: str, name: str = "-x", body: str = "", *, when: str = "", metadata: str = ""
) -> str:
    """A document for a further child called NAME and `name`, of lines as in `document`."""
    selector = f"annotations: {{platform9.com/when: '{when}'}}" if when else ""
    fields = ", ".join(filter(None, (f"name: '{NAME}{name}'", selector, metadata)))
    return f"---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{{fields}}}\n{body}\n"


def loaded(text: str, **settings: Any) -> tuple[tuple[Template, ...], tuple[str, ...]]:
    """The templates in a text, and what is wrong in it."""
    reading = read_text(text, "app.yaml")
    assert not reading.mistakes, reading.mistakes
    return load(map(loadable, reading.documents), Settings(**settings))


def with_templates(text: str, **settings: Any) -> Settings:
    """Settings with the templates in a text, in which nothing is wrong."""
    templates, problems = loaded(text, **settings)
    assert not problems, problems
    return Settings(**settings, templates=templates)


def templated(preview: PreviewEnvironment, text: str, **settings: Any) -> dict[str, dict[str, Any]]:
    """The children of a preview, by kind, with the templates merged into them."""
    found = children_of(preview, with_templates(text, **settings))
    return {manifest["kind"]: plain(manifest) for manifest in found}


def all_children(preview: PreviewEnvironment, text: str, **settings: Any) -> dict[str, dict[str, Any]]:
    """The children of a preview, by `KIND NAME`, in apply order."""
    found = children_of(preview, with_templates(text, **settings))
    return {f"{one.key.kind} {one.key.name}": plain(one) for one in found}
