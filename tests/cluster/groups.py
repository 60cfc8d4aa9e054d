"""An installation of our own CRD in another API group, for one test."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from reconcile.crd import crd
from reconcile.names import PLURAL
from tests.cluster.granted import allow_statuses
from tests.cluster.story import Story
from tests.controlplane import allow, install_crds
from tests.controlplane.install import CRDS


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
