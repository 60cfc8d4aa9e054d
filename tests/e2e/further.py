"""Further children on a real API server: the kinds, the rights on them, and folders of documents."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from kit.schemas import INDEX
from reconcile.kube.objects import Resource
from reconcile.kube.schema import native_resource
from tests.controlplane import Account, ControlPlane, allow, eventually, install_crds
from tests.controlplane.install import CRDS
from tests.e2e.story import Story
from tests.e2e.test_discovery import crds_of

VERBS = ("get", "list", "create", "patch", "delete")
NAME = "${preview.metadata.name}"
CONFIG = Resource("", "v1", "ConfigMap", "configmaps")
STATEFUL_SET = Resource("apps", "v1", "StatefulSet", "statefulsets")
CLAIM = Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CRON_JOB = Resource("batch", "v1", "CronJob", "cronjobs")
BUDGET = Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
ALL = {one.full_kind: one for one in (CONFIG, STATEFUL_SET, CLAIM, BUDGET, CRON_JOB)}
"""By their full kinds, those of which proofs have children."""
DOCUMENTS = (Path(__file__).parent / "documents.yaml").read_text()
"""One of each kind that may be a further child's; GROUP is the group of `shapes_in`."""


def document(api_version: str, kind: str, name: str, body: str = "", *, when: str = "") -> str:
    """A document of five lines and more: the fourth has the metadata, and the fifth is the first of the body."""
    annotations = f", annotations: {{platform9.com/when: '{when}'}}" if when else ""
    metadata = f"{{name: '{NAME}{name}'{annotations}}}"
    return f"---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {metadata}\n{body}\n"


def put(folder: Path, *documents: str, file: str = "further.yaml") -> tuple[str, ...]:
    """The options of a run with these documents, and no others."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / file).write_text("".join(documents))
    return "--templates", str(folder)


def kinds_of(text: str, *custom: Resource) -> Iterator[Resource]:
    """The kinds of the documents in a text, which are native or among the custom ones."""
    for found in yaml.safe_load_all(text):
        api_version, kind = found["apiVersion"], found["kind"]
        native = native_resource(api_version, kind)
        ours = (one for one in custom if (one.api_version, one.kind) == (api_version, kind))
        yield native or next(ours)


def with_kinds(story: Story, *resources: Resource, account: Account | None = None) -> Story:
    """The same story, whose user may do with these kinds what a run does."""
    user = (account or story.account).user
    allow(story.plane, user, VERBS, sorted({one.full_plural for one in resources}))
    return replace(
        story, further={one.full_kind: one for one in resources if one.full_kind not in story.kinds}
    )


def shapes(group: str) -> tuple[Resource, Resource]:
    """The kinds of tests/crds/shapes.yaml, in another group."""
    return Resource(group, "v1", "Free", "frees"), Resource(group, "v1", "Strict", "stricts")


@contextmanager
def shapes_in(plane: ControlPlane, group: str = "") -> Iterator[str]:
    """The group of custom kinds of every shape, whose schemas the server publishes: one of a test's own."""
    group = group or f"shapes-{uuid4().hex[:8]}.example.com"
    crds = crds_of(group)
    install(plane, crds)
    try:
        yield group
    finally:
        remove(plane, crds)


def install(plane: ControlPlane, crds: Iterable[dict[str, Any]]) -> None:
    """Until they are served, and published, which takes a little longer."""
    crds = list(crds)
    install_crds(plane, crds)
    paths = {f"apis/{crd['spec']['group']}/{crd['spec']['versions'][0]['name']}" for crd in crds}
    eventually(lambda: paths <= plane.ask("GET", INDEX)["paths"].keys(), "their OpenAPI is published")


def remove(plane: ControlPlane, crds: Iterable[dict[str, Any]]) -> None:
    """And with them every object."""
    for crd in crds:
        plane.ask("DELETE", f"{CRDS}/{crd['metadata']['name']}")
