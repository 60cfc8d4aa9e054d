"""Somebody with rights on previews and some kinds of one namespace, and none elsewhere; what they do, mostly with kubectl."""

import json
import ssl
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

import httpx2
import yaml

from reconcile.desire.children import RESOURCES
from reconcile.model.names import PLURAL
from tests.controlplane import Account, allow, service_account
from tests.controlplane.starting import certificate
from tests.e2e.story import Story


class Author:
    """A service account of the story's namespace."""

    def __init__(self, story: Story, *kinds: str) -> None:
        self.story = story
        name = f"author-{uuid4().hex[:8]}"
        self.account: Account = service_account(story.plane, story.namespace, name)
        resources = [RESOURCES[kind].full_plural for kind in kinds]
        verbs = ["get", "list", "create", "patch", "update", "delete"]
        allow(story.plane, self.account.user, verbs, [self.previews, *resources], namespace=story.namespace)

    @property
    def previews(self) -> str:
        """What kubectl calls them, in full."""
        return f"{PLURAL}.{self.story.group}"

    def apply(self, name: str = "pr-1", **spec: Any) -> None:
        """As `kubectl apply --server-side` does, without a process for it."""
        bearer = yaml.safe_load(self.account.kubeconfig.read_text())["users"][0]["user"]["token"]
        trust = ssl.create_default_context(cafile=certificate(self.story.plane.folder))
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/apply-patch+yaml"}
        path = f"{self.story.path_of('PreviewEnvironment', name)}?fieldManager=kubectl"
        with httpx2.Client(base_url=self.story.plane.server, verify=trust, trust_env=False) as client:
            client.patch(path, headers=headers, json=self.story.preview(name, **spec)).raise_for_status()

    def patch(self, what: str, patch: Mapping[str, Any], *arguments: str) -> None:
        self.kubectl("patch", what, "--type=merge", "-p", json.dumps(patch), *arguments)

    def kubectl(self, *arguments: str, manifests: Iterable[Mapping[str, Any]] = ()) -> str:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        said = ("-n", self.story.namespace, *arguments)
        return self.story.plane.kubectl(*said, kubeconfig=self.account.kubeconfig, input=text)
