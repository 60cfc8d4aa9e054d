"""What an author cannot do to the others, with the rights of an author alone, on a real API server."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from reconcile.children import RESOURCES
from reconcile.names import PLURAL
from tests.cluster.story import Story
from tests.cluster.strangers import marks, stranger
from tests.controlplane import Account, allow, service_account

MANIFESTS = Iterable[Mapping[str, Any]]


class Author:
    """A service account with every right on some kinds in one namespace, and none elsewhere."""

    def __init__(self, story: Story, *kinds: str) -> None:
        self.story = story
        name = f"author-{uuid4().hex[:8]}"
        self.account: Account = service_account(story.plane, story.namespace, name)
        resources = [f"{RESOURCES[kind].plural}.{RESOURCES[kind].group}".rstrip(".") for kind in kinds]
        own = [f"{PLURAL}.{story.group}", *resources]
        verbs = ["get", "list", "create", "patch", "update", "delete"]
        allow(story.plane, self.account.user, verbs, own, namespace=story.namespace)

    def kubectl(self, *arguments: str, manifests: MANIFESTS = ()) -> str:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        said = ("-n", self.story.namespace, *arguments)
        return self.story.plane.kubectl(*said, kubeconfig=self.account.kubeconfig, input=text)


# leftovers that somebody forged


def forged(story: Story, number: int) -> list[dict[str, Any]]:
    """Services as we would have made them for previews that never were."""
    names = [f"forged-{n:02}" for n in range(number)]
    made = [stranger("Service", name, **marks("Service", story.namespace, name)) for name in names]
    for one in made:
        one["metadata"] = json.loads(json.dumps(one["metadata"]).replace("platform9.com", story.group))
    return made


def test_forged_leftovers_of_one_namespace_stop_no_delete_in_another(alone: Story, elsewhere: Story) -> None:
    author = Author(alone, "Service")
    for name in ("lives", "gone"):
        elsewhere.apply(name, replicas=0)
    elsewhere.reconcile()
    elsewhere.orphan("gone")
    manager = f"--field-manager={alone.names.field_manager}"
    author.kubectl("apply", "--server-side", manager, "-f", "-", manifests=forged(alone, 40))
    result = alone.reconcile(everywhere=True, code=4)
    assert [line for line in result.lines if line.startswith("! ")] == [
        "! Deletes: 41 previews would lose their children, and the limit is 12 (30% of the 42 previews that "
        f"have children): none of namespace {alone.namespace} (40) does; if that is right, say "
        "--max-deletes 41"
    ]
    assert sorted(elsewhere.children()) == sorted(elsewhere.all_of("lives"))
    assert len(alone.children()) == 40
    alone.silent(everywhere=True, code=4)
