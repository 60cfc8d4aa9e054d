"""Who may write previews and their labels reaches by further children what is his own, and nothing of others."""

from pathlib import Path

import pytest

from reconcile.kube.objects import Resource
from tests.controlplane import ControlPlane
from tests.e2e.author import Author
from tests.e2e.further import (
    BUDGET,
    CLAIM,
    NAME,
    STATEFUL_SET,
    document,
    put,
    shapes,
    shapes_in,
    with_kinds,
)
from tests.e2e.story import Story

ACCOUNT = Resource("", "v1", "ServiceAccount", "serviceaccounts")
SECRET = Resource("", "v1", "Secret", "secrets")
POLICY = Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
TEAM = "${preview.metadata.labels['team']}"
OWN = {
    "ServiceAccount": (document("v1", "ServiceAccount", "-own"), f"serviceAccountName: '{NAME}-own'"),
    "Secret": (
        document("v1", "Secret", "-own", "stringData: {a: b}"),
        f"volumes: [{{name: v, secret: {{secretName: '{NAME}-own'}}}}]",
    ),
    "PersistentVolumeClaim": (
        document("v1", "PersistentVolumeClaim", "-own",
                 "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"),
        f"volumes: [{{name: v, persistentVolumeClaim: {{claimName: '{NAME}-own'}}}}]",
    ),
}  # fmt: skip
"""A child that a document makes, and a field of the app's pods that names it."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "templates"


@pytest.mark.parametrize("kind", OWN)
def test_a_previews_name_does_not_make_what_others_have_its_own(
    story: Story, folder: Path, kind: str
) -> None:
    """Who names a preview `prod` wants what `prod-own` is: it is blocked, and nothing of it is made."""
    story = with_kinds(story, ACCOUNT, SECRET, CLAIM)
    made, field = OWN[kind]
    pods = document("apps/v1", "Deployment", "", f"spec: {{template: {{spec: {{{field}}}}}}}")
    worker = document("apps/v1", "Deployment", "-worker",
                      f"spec: {{template: {{spec: {{{field}, containers: [{{name: a, image: 'a:1'}}]}}}}}}")  # fmt: skip
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    theirs = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "prod-own"}}
    story.create({**theirs, **({"spec": spec} if kind == "PersistentVolumeClaim" else {})})
    Author(story).apply("prod", replicas=0)
    refused = story.reconcile(*put(folder, made, pods, worker), code=1)
    (line,) = [line for line in refused.changes if line.startswith("! ")]
    assert f"{kind} {story.namespace}/prod-own: exists and is not managed by preview-reconcile" in line
    assert story.children() == []


def test_previews_whose_names_are_alike_take_nothing_from_each_other(story: Story, folder: Path) -> None:
    """The further Service of `pr-1` and the built-in one of `pr-1-db` have one name: who was first keeps it."""
    options = put(folder, document("v1", "Service", "-db", "spec: {selector: {a: b}, ports: [{port: 5432}]}"))
    author = Author(story)
    author.apply("pr-1", replicas=0)
    story.reconcile(*options)
    service = story.live("Service", "pr-1-db")
    author.apply("pr-1-db", replicas=0)
    refused = story.reconcile(*options, code=1)
    assert next(line for line in refused.changes if line.startswith("! ")).startswith(
        f"! Preview {story.namespace}/pr-1-db Service {story.namespace}/pr-1-db: exists and is not managed by"
    )
    assert story.live("Service", "pr-1-db") == service
    assert not story.there("Deployment", "pr-1-db")

    story.delete("PreviewEnvironment", "pr-1")
    story.orphan("pr-1-db")
    story.reconcile("--templates", "none", "--max-deletes", "100%")
    assert story.children() == []
    author.apply("pr-1-db", replicas=0)
    story.reconcile(*options)
    service = story.live("Service", "pr-1-db")
    author.apply("pr-1", replicas=0)
    story.reconcile(*options, code=1)
    assert story.live("Service", "pr-1-db") == service
    assert not story.there("Deployment", "pr-1")


def test_whatever_its_labels_are_a_preview_selects_its_own_pods(story: Story, folder: Path) -> None:
    story = with_kinds(story, STATEFUL_SET, BUDGET, POLICY)
    label = story.names.preview_label
    documents = (
        document("v1", "Service", "-s", f"spec: {{selector: {{{label}: victim, team: '{NAME}'}}, ports: [{{port: 1}}]}}"),
        document("policy/v1", "PodDisruptionBudget", "-b",
                 f"spec: {{minAvailable: 0, selector: {{matchLabels: {{{label}: \"{TEAM}\", team: \"{TEAM}\"}}}}}}"),
        document("networking.k8s.io/v1", "NetworkPolicy", "-p",
                 f"spec: {{podSelector: {{matchLabels: {{{label}: \"{TEAM}\"}}}}, policyTypes: [Ingress]}}"),
        document("apps/v1", "Deployment", "-d",
                 f"spec: {{replicas: 0, selector: {{matchLabels: {{team: \"{TEAM}\"}}}}, "
                 f"template: {{metadata: {{labels: {{team: \"{TEAM}\"}}}}, spec: {{containers: [{{name: a, image: 'a:1'}}]}}}}}}"),
    )  # fmt: skip
    Author(story).apply("pr-1", replicas=0, labels={"team": "victim"})
    story.reconcile(*put(folder, *documents))
    mine = {label: "pr-1"}
    assert story.live("Service", "pr-1-s")["spec"]["selector"] == {"team": "pr-1", **mine}
    budget = story.live("PodDisruptionBudget", "pr-1-b")["spec"]["selector"]["matchLabels"]
    assert budget == {"team": "victim", **mine}
    assert story.live("NetworkPolicy", "pr-1-p")["spec"]["podSelector"]["matchLabels"] == mine
    deployment = story.live("Deployment", "pr-1-d")["spec"]
    component = {"app.kubernetes.io/component": "d"}
    assert deployment["selector"]["matchLabels"] == {"team": "victim", **mine, **component}
    assert mine.items() <= deployment["template"]["metadata"]["labels"].items()


def test_what_is_not_allowed_is_refused_to_that_preview_alone(story: Story, folder: Path) -> None:
    story = with_kinds(story, STATEFUL_SET)
    pods = f"""spec:
  replicas: 0
  template:
    spec:
      containers:
      - name: a
        image: "registry.example.com/{TEAM}"
        env: [{{name: A, valueFrom: {{secretKeyRef: {{name: "db-{TEAM}", key: password}}}}}}]"""
    options = (*put(folder, document("apps/v1", "StatefulSet", "-x", pods)), "--allow-secret", "db-shop*",
               "--allow-image", "registry.example.com/web", "--allow-image", "registry.example.com/shop*")  # fmt: skip
    author = Author(story)
    author.apply("fine", replicas=0, labels={"team": "shop"})
    author.apply("image", replicas=0, labels={"team": "shopping/miner"[:8]})
    author.apply("secret", replicas=0, labels={"team": "prod"})
    refused = [line for line in story.reconcile(*options, code=1).changes if line.startswith("!")]
    where = f"{folder}/further.yaml"
    image = f"{where}:11: spec.template.spec.containers[0].image: registry.example.com/prod is not allowed"
    assert [line.partition("; ")[0] for line in refused] == [f"! Preview {story.namespace}/secret {image}"]
    assert {name.partition("/")[2] for name in story.children()} == {"fine", "fine-x", "image", "image-x"}


def test_a_hostname_on_a_route_that_nobody_knows_is_still_claimed_once(
    api_server: ControlPlane, alone: Story, folder: Path
) -> None:
    with shapes_in(api_server) as group:
        free, _ = shapes(group)
        story = with_kinds(alone, free)
        route = document(free.api_version, "Free", "-route", "spec: {host: '${preview.spec.fqdn}'}")
        options = ("--route", "none", *put(folder, route))
        author = Author(story)
        author.apply("pr-1", replicas=0)
        story.reconcile(*options, route=False)
        author.apply("pr-2", replicas=0, fqdn=story.host("pr-1"))
        refused = story.reconcile(*options, code=1, route=False)
        (line,) = [line for line in refused.changes if line.startswith("! ")]
        assert f"Preview {story.namespace}/pr-2 " in line
        assert story.host("pr-1") in line
        assert not story.there(free.full_kind, "pr-2-route")
        assert story.live(free.full_kind, "pr-1-route")["spec"]["host"] == story.host("pr-1")
        story.clear()
