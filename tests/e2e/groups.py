"""An installation of our own CRD in another API group, for one test."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

from reconcile.model.crd import crd
from reconcile.model.names import DEFAULT_GROUP, PLURAL
from tests.controlplane import allow, install_crds
from tests.controlplane.install import CRDS
from tests.e2e.granted import allow_runs, allow_statuses
from tests.e2e.story import Story

PREVIEWS = f"{PLURAL}.{DEFAULT_GROUP}"
"""What kubectl is asked for: by the short name it may take those of a group that comes or goes meanwhile."""


@contextmanager
def installation(story: Story, *, takes_anything: bool = False) -> Iterator[Story]:
    """The same namespace and user, with previews of a group of their own.

    With `takes_anything` the server keeps every spec, as it does one that was written before the CRD had
    its rules.
    """
    group = f"{story.namespace}.example.com"
    made = copy.deepcopy(crd(group))
    if takes_anything:
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        made["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = anything
    install_crds(story.plane, [made])
    try:
        allow(story.plane, story.account.user, ["get", "list"], [f"{PLURAL}.{group}"])
        allow_statuses(story.plane, story.account.user, group)
        yield replace(story, group=group)
    finally:
        story.plane.ask("DELETE", f"{CRDS}/{PLURAL}.{group}")


@contextmanager
def changed_crd(story: Story, change: Callable[[dict[str, Any]], None]) -> Iterator[Story]:
    """The same user, with the rights of a run, and a CRD of a group of its own; `change` is given its version."""
    group = f"other-{uuid4().hex[:8]}.example.com"
    made = copy.deepcopy(crd(group))
    change(made["spec"]["versions"][0])
    install_crds(story.plane, [made])
    allow_runs(story.plane, story.account.user, group)
    changed = replace(story, group=group)
    yield changed
    changed.clear()
    story.plane.ask("DELETE", f"{CRDS}/{PLURAL}.{group}")


def without_in_status(version: dict[str, Any], *fields: str) -> None:
    """As before a status had a place for these."""
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
    for name in fields:
        del status[name]
