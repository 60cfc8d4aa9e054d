"""Users of a test's own, and the rights that it gives them."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import yaml

from reconcile.model.names import DEFAULT_GROUP
from tests.controlplane.kubeconfig import write_kubeconfig
from tests.controlplane.plane import ControlPlane, eventually
from tests.controlplane.starting import certificate

RBAC_GROUP = "rbac.authorization.k8s.io"
RBAC = f"/apis/{RBAC_GROUP}/v1"
SHIPPED = Path(__file__).parents[2] / "cronjob" / "rights.yaml"

Rule = dict[str, Any]


class Account(NamedTuple):
    """A service account: the user name that the server sees, and a kubeconfig."""

    user: str
    kubeconfig: Path


def service_account(plane: ControlPlane, namespace: str, name: str) -> Account:
    """A new service account without rights: a user that no other test shares, in audit and in RBAC."""
    plane.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
    return account_of(plane, namespace, name)


def account_of(plane: ControlPlane, namespace: str, name: str) -> Account:
    """A service account that is there, with a token of its own (TokenRequest)."""
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = plane.ask("POST", f"{accounts}/{name}/token", request)
    file = write_kubeconfig(
        plane.folder / "kubeconfigs" / namespace / name,
        server=plane.server,
        authority=certificate(plane.folder),
        bearer=answer["status"]["token"],
    )
    return Account(f"system:serviceaccount:{namespace}:{name}", file)


def allow(
    plane: ControlPlane,
    user: str,
    verbs: Sequence[str],
    resources: Sequence[str],
    *,
    namespace: str | None = None,
) -> None:
    """Give a user rights, everywhere or in one namespace.

    Resources are `PLURAL.GROUP`, such as `deployments.apps`, or `PLURAL` for the core group; a subresource
    is `PLURAL/SUBRESOURCE.GROUP`.
    In force when this returns.
    """
    grant(plane, user, [_rule(resource, verbs) for resource in resources], namespace=namespace)


def grant(plane: ControlPlane, user: str, rules: Sequence[Rule], *, namespace: str | None = None) -> None:
    """The same with rules as a ClusterRole has them."""
    name = f"test-{uuid4().hex[:12]}"
    plane.ask("POST", f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": list(rules)})
    where = f"namespaces/{namespace}/rolebindings" if namespace else "clusterrolebindings"
    plane.ask("POST", f"{RBAC}/{where}", _binding(name, user))
    last, verbs = resources_of(rules[-1])[-1], rules[-1]["verbs"]
    eventually(
        lambda: all(may(plane, user, verb, last, namespace) for verb in verbs),
        f"{user} may {', '.join(verbs)} {last}",
    )


def shipped(role: str = "preview-reconcile", group: str = DEFAULT_GROUP) -> list[Rule]:
    """The rules that operators install, for this API group: a run's, or those of who only plans."""
    roles = {one["metadata"]["name"]: one["rules"] for one in yaml.safe_load_all(SHIPPED.read_text())}
    rules: list[Rule] = copy.deepcopy(roles[role])
    for rule in rules:
        rule["apiGroups"] = [group if one == DEFAULT_GROUP else one for one in rule["apiGroups"]]
    return rules


def resources_of(rule: Mapping[str, Any]) -> list[str]:
    """A rule's resources as `allow` takes them."""
    return [
        f"{resource}.{group}" if group else resource
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    ]


def _rule(resource: str, verbs: Sequence[str]) -> dict[str, Any]:
    plural, _, group = resource.partition(".")
    return {"apiGroups": [group], "resources": [plural], "verbs": list(verbs)}


def _binding(name: str, user: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "subjects": [{"apiGroup": RBAC_GROUP, "kind": "User", "name": user}],
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": name},
    }


def may(plane: ControlPlane, user: str, verb: str, resource: str, namespace: str | None) -> bool:
    """Whether a user has a right, as the API server's own authorizer sees it now."""
    plural, _, group = resource.partition(".")
    plural, _, subresource = plural.partition("/")
    attributes = {
        "verb": verb,
        "resource": plural,
        "subresource": subresource,
        "group": group,
        "namespace": namespace or "",
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes},
    }
    answer = plane.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])
