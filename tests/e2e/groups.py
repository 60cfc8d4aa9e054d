"""An installation of our own CRD in another API group, for one test."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

from reconcile.model.crd import crd
from reconcile.model.names import DEFAULT_GROUP, PLURAL
from tests.controlplane import install_crds
from tests.controlplane.install import CRDS
from tests.e2e.granted import allow_runs
from tests.e2e.story import Story

PREVIEWS = f"{PLURAL}.{DEFAULT_GROUP}"
"""What kubectl is asked for: by the short name it may take those of a group that comes or goes meanwhile."""


@contextmanager
def installation(
    story: Story, change: Callable[[dict[str, Any]], None] = lambda version: None
) -> Iterator[Story]:
    """The same namespace and user, with previews of a group of their own; `change` is given their CRD's version."""
    group = f"other-{uuid4().hex[:8]}.example.com"
    made = copy.deepcopy(crd(group))
    change(made["spec"]["versions"][0])
    del made["spec"]["names"]["shortNames"]  # other tests of this control plane ask for ours by them
    install_crds(story.plane, [made])
    allow_runs(story.plane, story.account.user, group)
    other = replace(story, group=group)
    try:
        yield other
    finally:
        other.clear()
        story.plane.ask("DELETE", f"{CRDS}/{PLURAL}.{group}")


def any_spec(version: dict[str, Any]) -> None:
    """The server keeps every spec, as it does one that was written before the CRD had its rules."""
    schema = version["schema"]["openAPIV3Schema"]
    for name in [name for name in schema if name.startswith("x-") or name == "required"]:
        del schema[name]
    schema["properties"]["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def without_in_status(version: dict[str, Any], *fields: str) -> None:
    """As before a status had a place for these."""
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
    for name in fields:
        del status[name]
