"""What every `Cluster` does, whatever it is: one set of tests for all adapters.

Inherit from `ClusterContract` and give three fixtures:

cluster    the adapter
namespace  a namespace in it that holds nothing of the kinds used here
plant      puts an object there as somebody else would: not through the adapter
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconcile.cluster.port import Cluster
from reconcile.errors import Conflict, Rejected
from reconcile.kube.objects import DEPLOYMENT, SERVICE, Manifest, Resource
from reconcile.model.names import Names

GROUP = "platform9.com"
MANAGER = Names(GROUP).field_manager
LABEL = f"{GROUP}/preview"
Plant = Callable[[Manifest], object]


def service(namespace: str, name: str = "pr-1", port: int = 80, **metadata: Any) -> dict[str, Any]:
    """A Service as we would apply it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": {LABEL: name}, **metadata},
        "spec": {
            "ports": [{"name": "http", "port": port, "protocol": "TCP", "targetPort": "http"}],
            "selector": {LABEL: name},
        },
    }


def guarded(manifest: dict[str, Any], live: Manifest, **other: str) -> dict[str, Any]:
    """The manifest, meant for this very object in this very state."""
    guards = {name: live["metadata"][name] for name in ("uid", "resourceVersion")}
    return {**manifest, "metadata": {**manifest["metadata"], **guards, **other}}


def made(cluster: Cluster, manifest: Manifest) -> Manifest:
    """The object, applied for the first time."""
    resource = SERVICE if manifest["kind"] == SERVICE.kind else DEPLOYMENT
    answer = cluster.apply(resource, manifest, manager=MANAGER, force=False)
    assert answer.created
    return answer.manifest


def there(cluster: Cluster, namespace: str, name: str = "pr-1") -> Manifest:
    """The Service that has to be there."""
    found = cluster.get(SERVICE, namespace, name)
    assert found is not None
    return found


def ports(live: Manifest) -> list[int]:
    return [port["port"] for port in live["spec"]["ports"]]


class ClusterContract:
    """The claims; each holds in a folder and on an API server."""

    def test_what_is_not_there_is_none(self, cluster: Cluster, namespace: str) -> None:
        assert cluster.get(SERVICE, namespace, "pr-1") is None

    def test_the_first_apply_makes_the_object(self, cluster: Cluster, namespace: str) -> None:
        answer = cluster.apply(SERVICE, service(namespace), manager=MANAGER, force=False)
        assert answer.created
        assert answer.manifest == cluster.get(SERVICE, namespace, "pr-1")
        assert (answer.manifest["apiVersion"], answer.manifest["kind"]) == ("v1", "Service")
        assert ports(answer.manifest) == [80]

    def test_what_we_applied_has_a_uid_a_version_and_our_apply_entry(
        self, cluster: Cluster, namespace: str
    ) -> None:
        metadata = made(cluster, service(namespace))["metadata"]
        assert metadata["uid"]
        assert metadata["resourceVersion"]
        (entry,) = metadata["managedFields"]
        assert (entry["manager"], entry["operation"]) == (MANAGER, "Apply")
        assert entry["fieldsV1"]["f:spec"] == {
            "f:ports": {
                'k:{"port":80,"protocol":"TCP"}': {
                    ".": {},
                    "f:name": {},
                    "f:port": {},
                    "f:protocol": {},
                    "f:targetPort": {},
                }
            },
            "f:selector": {},
        }

    @pytest.mark.parametrize("force", [False, True])
    def test_the_same_apply_again_changes_nothing(
        self, cluster: Cluster, namespace: str, force: bool
    ) -> None:
        first = made(cluster, service(namespace))
        again = cluster.apply(SERVICE, service(namespace), manager=MANAGER, force=force)
        assert not again.created
        assert again.manifest["metadata"] == first["metadata"]

    def test_an_apply_with_uid_and_version_changes_that_object(
        self, cluster: Cluster, namespace: str
    ) -> None:
        first = made(cluster, service(namespace))
        answer = cluster.apply(
            SERVICE, guarded(service(namespace, port=81), first), manager=MANAGER, force=True
        )
        assert not answer.created
        assert ports(answer.manifest) == ports(there(cluster, namespace)) == [81]
        assert answer.manifest["metadata"]["uid"] == first["metadata"]["uid"]
        assert answer.manifest["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]

    def test_what_an_apply_no_longer_names_is_gone(self, cluster: Cluster, namespace: str) -> None:
        first = made(cluster, service(namespace, annotations={"note": "a"}))
        answer = cluster.apply(SERVICE, guarded(service(namespace), first), manager=MANAGER, force=True)
        assert "annotations" not in answer.manifest["metadata"]

    def test_an_apply_to_an_older_state_is_a_conflict(self, cluster: Cluster, namespace: str) -> None:
        first = made(cluster, service(namespace))
        cluster.apply(SERVICE, guarded(service(namespace, port=81), first), manager=MANAGER, force=True)
        with pytest.raises(Conflict):
            cluster.apply(SERVICE, guarded(service(namespace, port=82), first), manager=MANAGER, force=True)
        assert ports(there(cluster, namespace)) == [81]

    def test_an_apply_to_another_uid_is_a_conflict(self, cluster: Cluster, namespace: str) -> None:
        first = made(cluster, service(namespace))
        other = guarded(service(namespace, port=81), first, uid="00000000-0000-4000-8000-000000000000")
        with pytest.raises(Conflict):
            cluster.apply(SERVICE, other, manager=MANAGER, force=True)
        assert there(cluster, namespace) == first

    def test_an_apply_does_not_bring_back_what_was_deleted(self, cluster: Cluster, namespace: str) -> None:
        first = made(cluster, service(namespace))
        assert self.deleted(cluster, first)
        with pytest.raises(Conflict):
            cluster.apply(SERVICE, guarded(service(namespace), first), manager=MANAGER, force=True)
        assert cluster.get(SERVICE, namespace, "pr-1") is None

    def test_an_unforced_apply_over_other_values_of_somebody_else_is_a_conflict(
        self, cluster: Cluster, namespace: str, plant: Plant
    ) -> None:
        theirs = service(namespace)
        theirs["spec"]["selector"] = {"app": "theirs"}
        plant(theirs)
        with pytest.raises(Conflict):
            cluster.apply(SERVICE, service(namespace), manager=MANAGER, force=False)
        assert there(cluster, namespace)["spec"]["selector"] == {"app": "theirs"}

    def test_an_unmanaged_object_has_no_entry_of_our_manager(
        self, cluster: Cluster, namespace: str, plant: Plant
    ) -> None:
        plant(service(namespace))
        metadata = there(cluster, namespace)["metadata"]
        assert metadata["uid"]
        assert metadata["resourceVersion"]
        assert MANAGER not in [entry["manager"] for entry in metadata.get("managedFields", [])]

    def test_a_list_has_what_get_has(self, cluster: Cluster, namespace: str, plant: Plant) -> None:
        made(cluster, service(namespace, "pr-2"))
        plant(service(namespace, "pr-1"))
        listing = cluster.list(SERVICE, namespace=namespace)
        assert listing.problems == ()
        assert sorted(listing.items, key=lambda item: str(item["metadata"]["name"])) == [
            there(cluster, namespace, "pr-1"),
            there(cluster, namespace, "pr-2"),
        ]

    def test_a_list_has_what_is_of_its_kind_and_carries_its_label(
        self, cluster: Cluster, namespace: str
    ) -> None:
        made(cluster, service(namespace, "pr-1"))
        made(cluster, service(namespace, "pr-2", labels={"app": "other"}))
        (item,) = cluster.list(SERVICE, namespace=namespace, label=LABEL).items
        assert (item["apiVersion"], item["kind"], item["metadata"]["name"]) == ("v1", "Service", "pr-1")
        assert cluster.list(DEPLOYMENT, namespace=namespace).items == ()
        places = [item["metadata"]["namespace"] for item in cluster.list(SERVICE, label=LABEL).items]
        assert places.count(namespace) == 1

    @staticmethod
    def deleted(cluster: Cluster, live: Manifest, **other: str) -> bool:
        metadata = {**live["metadata"], **other}
        return cluster.delete(
            SERVICE,
            metadata["namespace"],
            metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
        )

    def test_what_is_deleted_is_gone_and_gone_already_is_no_error(
        self, cluster: Cluster, namespace: str
    ) -> None:
        live = made(cluster, service(namespace))
        assert self.deleted(cluster, live)
        assert cluster.get(SERVICE, namespace, "pr-1") is None
        assert cluster.list(SERVICE, namespace=namespace).items == ()
        assert not self.deleted(cluster, live)

    def test_what_was_deleted_can_be_recreated(self, cluster: Cluster, namespace: str) -> None:
        assert self.deleted(cluster, made(cluster, service(namespace)))
        made(cluster, service(namespace))
        assert ports(there(cluster, namespace)) == [80]

    def test_a_delete_of_another_state_is_a_conflict(self, cluster: Cluster, namespace: str) -> None:
        first = made(cluster, service(namespace))
        cluster.apply(SERVICE, guarded(service(namespace, port=81), first), manager=MANAGER, force=True)
        with pytest.raises(Conflict):
            self.deleted(cluster, first)
        assert ports(there(cluster, namespace)) == [81]

    def test_a_delete_of_another_uid_is_a_conflict(self, cluster: Cluster, namespace: str) -> None:
        live = made(cluster, service(namespace))
        with pytest.raises(Conflict):
            self.deleted(cluster, live, uid="00000000-0000-4000-8000-000000000000")
        assert there(cluster, namespace) == live

    def test_what_is_no_name_is_refused_before_it_becomes_a_path(
        self, cluster: Cluster, namespace: str
    ) -> None:
        for name in ("", "../services/x", "a/b", "A", "a b", ".", "..", "a\n", "x" * 254):
            for place in ((namespace, name), (name or "/", "pr-1")):
                with pytest.raises(Rejected):
                    cluster.get(SERVICE, *place)
                with pytest.raises(Rejected):
                    cluster.apply(SERVICE, service(*place), manager=MANAGER, force=False)
                with pytest.raises(Rejected):
                    cluster.delete(SERVICE, *place, uid="u", resource_version="1")

    def test_a_patch_of_managed_fields_is_guarded_by_uid_and_version(
        self, cluster: Cluster, namespace: str
    ) -> None:
        live = made(cluster, service(namespace))
        stale = [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}]
        with pytest.raises((Conflict, Rejected)):
            cluster.patch(SERVICE, namespace, "pr-1", stale, manager=MANAGER)
        assert there(cluster, namespace) == live

    def test_the_time_is_in_utc(self, cluster: Cluster, namespace: str) -> None:
        cluster.get(SERVICE, namespace, "pr-1")
        now = cluster.now()
        assert now.utcoffset() == timedelta(0)
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=5)

    def test_a_native_kind_has_its_resource_and_one_that_can_be_no_child_is_rejected(
        self, cluster: Cluster
    ) -> None:
        claims = Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
        assert cluster.resource("v1", "PersistentVolumeClaim") == claims
        assert cluster.resource("apps/v1", "Deployment") == DEPLOYMENT
        with pytest.raises(Rejected, match=r"^ClusterRole of rbac.authorization.k8s.io/v1 is not namespaced"):
            cluster.resource("rbac.authorization.k8s.io/v1", "ClusterRole")

    def test_what_cannot_be_a_kind_is_rejected(self, cluster: Cluster) -> None:
        group = "a.example.com/v1"
        versions = ("", "../v1", "/v1", f"{group}/x", f"{group}?x=")
        for api_version, kind in (*((version, "Thing") for version in versions), (group, ""), (group, "A/B")):
            with pytest.raises(Rejected, match="is not a kind of Kubernetes"):
                cluster.resource(api_version, kind)

    def test_it_describes_itself(self, cluster: Cluster) -> None:
        assert cluster.description.isprintable()
        assert cluster.description
