"""The status subresource: what is sent, and what each answer means."""

import json
from typing import Any

import httpx
import pytest
import respx

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.errors import Conflict, Forbidden, NotInstalled, Rejected, ServerTrouble
from reconcile.model.names import Names, preview_resource
from tests.cluster_adapters.conftest import SERVER, status

PREVIEW = f"{SERVER}/apis/platform9.com/v1/namespaces/shop/previewenvironments/pr-1"
STATUS = f"{PREVIEW}/status"
KIND = "status of PreviewEnvironment shop/pr-1"

PREVIEWS = preview_resource(Names())


def a_status(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "platform9.com/v1",
        "kind": "PreviewEnvironment",
        "metadata": {"name": "pr-1", "namespace": "shop", "uid": "u-1", "resourceVersion": "7", **metadata},
        "status": {"url": "https://pr-1.example.com"},
    }


def test_it_is_applied_with_force_and_the_object_is_answered(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    route = httpx2_mock.patch(STATUS).mock(return_value=httpx.Response(200, json=a_status()))
    assert cluster.apply_status(PREVIEWS, a_status(), manager="m") == a_status()
    request = route.calls[0].request
    assert dict(request.url.params) == {"fieldManager": "m", "force": "true"}
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert json.loads(request.content) == a_status()


GONE = status(404, "NotFound", "not found", name="pr-1", kind="previewenvironments")
REMEDY = (
    f"patch {KIND}: the CRD that is installed has no such status; "
    "install it anew with `reconcile --print-crd --api-group platform9.com | kubectl apply -f -`"
)


def test_a_crd_without_the_subresource_says_that_the_preview_is_gone_though_it_is_there(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.patch(STATUS).mock(return_value=GONE)
    httpx2_mock.get(PREVIEW).mock(return_value=httpx.Response(200, json=a_status()))
    with pytest.raises(NotInstalled) as caught:
        cluster.apply_status(PREVIEWS, a_status(), manager="m")
    assert str(caught.value) == REMEDY


def test_a_crd_without_a_schema_for_it_answers_500(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    said = "failed to create typed patch object: .status: field not declared in schema"
    httpx2_mock.patch(STATUS).mock(return_value=status(500, "", said))
    with pytest.raises(NotInstalled) as caught:
        cluster.apply_status(PREVIEWS, a_status(), manager="m")
    assert str(caught.value) == f"{REMEDY}: {said}"


def test_any_other_500_is_trouble(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.patch(STATUS).mock(return_value=status(500, "", "etcd is away"))
    with pytest.raises(ServerTrouble, match="etcd is away"):
        cluster.apply_status(PREVIEWS, a_status(), manager="m")


def test_a_preview_that_is_gone_is_a_conflict(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    httpx2_mock.patch(STATUS).mock(return_value=GONE)
    httpx2_mock.get(PREVIEW).mock(return_value=GONE)
    with pytest.raises(Conflict, match="it is not there any more"):
        cluster.apply_status(PREVIEWS, a_status(), manager="m")


def test_a_missing_right_is_named_as_kubectl_names_it(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    said = 'User "ci" cannot patch resource "previewenvironments/status" in API group "platform9.com"'
    httpx2_mock.patch(STATUS).mock(return_value=status(403, "Forbidden", said))
    with pytest.raises(Forbidden) as caught:
        cluster.apply_status(PREVIEWS, a_status(), manager="m")
    assert str(caught.value) == (
        f"patch {KIND}: no right to patch status of previewenvironments.platform9.com in namespace shop "
        "(403); have it granted, `kubectl auth can-i patch previewenvironments.platform9.com -n shop "
        f"--subresource=status` tells: {said}"
    )


@pytest.mark.parametrize("metadata", [{"name": ""}, {"name": "../x"}, {"namespace": "a/b"}])
def test_no_name_leads_out_of_the_collection(cluster: KubernetesCluster, metadata: dict[str, str]) -> None:
    with pytest.raises(Rejected):
        cluster.apply_status(PREVIEWS, a_status(**metadata), manager="m")
