"""Making an Event: once, however often it is asked for."""

import httpx
import pytest
import respx

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.errors import Forbidden, NamespaceGoing, NotInstalled, Rejected
from reconcile.kube.objects import EVENTS_V1
from tests.cluster_adapters.conftest import DATE, SERVER, status, text_404

EVENTS = f"{SERVER}/apis/events.k8s.io/v1/namespaces/shop/events"
EVENT = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "pr-1.abc", "namespace": "shop"},
    "note": "created Service: new preview",
}


def test_it_is_posted_into_its_namespace(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    route = httpx2_mock.post(EVENTS).respond(201, json=EVENT, headers=DATE)
    assert cluster.create(EVENTS_V1, EVENT) is True
    request = route.calls.last.request
    assert (request.headers["Content-Type"], request.url.query) == ("application/json", b"")
    assert b'"created Service: new preview"' in request.content


def test_one_that_is_there_already_is_no_trouble(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.post(EVENTS).mock(return_value=status(409, "AlreadyExists", name="pr-1.abc", kind="events"))
    assert cluster.create(EVENTS_V1, EVENT) is False


def test_it_is_sent_again_since_its_name_makes_the_second_one_harmless(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    answers = [httpx.Response(503), status(409, "AlreadyExists")]
    httpx2_mock.post(EVENTS).mock(side_effect=answers)
    assert cluster.create(EVENTS_V1, EVENT) is False


def test_a_missing_right_is_named_as_one_to_create(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    words = 'events.events.k8s.io is forbidden: User "ci" cannot create resource "events" in API group "events.k8s.io"'
    httpx2_mock.post(EVENTS).mock(return_value=status(403, "Forbidden", words))
    with pytest.raises(Forbidden) as raised:
        cluster.create(EVENTS_V1, EVENT)
    assert str(raised.value).startswith(
        "create Event shop/pr-1.abc: no right to create events.events.k8s.io in namespace shop (403); "
        "have it granted, `kubectl auth can-i create events.events.k8s.io -n shop` tells: "
    )


def test_a_server_without_the_kind_and_a_namespace_that_goes_are_told_apart(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    going = status(403, "Forbidden", causes=[{"reason": "NamespaceTerminating"}])
    httpx2_mock.post(EVENTS).mock(side_effect=[text_404(), going])
    with pytest.raises(NotInstalled):
        cluster.create(EVENTS_V1, EVENT)
    with pytest.raises(NamespaceGoing):
        cluster.create(EVENTS_V1, EVENT)


@pytest.mark.parametrize("name", ["", "../x", "A"])
def test_a_name_that_is_none_is_not_sent(cluster: KubernetesCluster, name: str) -> None:
    with pytest.raises(Rejected):
        cluster.create(EVENTS_V1, {**EVENT, "metadata": {"name": name, "namespace": "shop"}})
