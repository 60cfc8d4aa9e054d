"""What is sent again, how often and after which pause; and what never is."""

from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import respx

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.errors import AnswerLost, Conflict, ReconcileError, ServerTrouble, Unreachable
from reconcile.kube.objects import DEPLOYMENT
from tests.cluster_adapters.conftest import IN_SHOP, FakeTime, connected, deployment, page, status

PR_1 = f"{IN_SHOP}/pr-1"
GUARDED = deployment(uid="u-1", resourceVersion="7")
ONCE, TWICE, AS_OFTEN_AS_MAY_BE = 1, 2, 7


def read(cluster: KubernetesCluster) -> Any:
    return cluster.get(DEPLOYMENT, "shop", "pr-1")


def create(cluster: KubernetesCluster) -> Any:
    return cluster.apply(DEPLOYMENT, deployment(), manager="m", force=False)


def update(cluster: KubernetesCluster) -> Any:
    return cluster.apply(DEPLOYMENT, GUARDED, manager="m", force=True)


def patch(cluster: KubernetesCluster) -> Any:
    return cluster.patch(DEPLOYMENT, "shop", "pr-1", [], manager="m")


def delete(cluster: KubernetesCluster) -> Any:
    return cluster.delete(DEPLOYMENT, "shop", "pr-1", uid="u-1", resource_version="7")


def counted(cluster: KubernetesCluster, router: respx.Router, ask: Any, effect: Any) -> tuple[int, type]:
    """How often it was sent, and the error in the end."""
    route = router.route(url__startswith=PR_1)
    if isinstance(effect, int):
        route.mock(return_value=status(effect, "Any", "no"))
    else:
        route.mock(side_effect=effect)
    with pytest.raises(ReconcileError) as caught:
        ask(cluster)
    return route.call_count, caught.type


@pytest.mark.parametrize("code", [429, 502, 503, 504])
@pytest.mark.parametrize("ask", [read, update, delete])
def test_what_may_be_repeated_is_until_the_server_has_recovered(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, ask: Any, code: int
) -> None:
    assert counted(cluster, httpx2_mock, ask, code) == (AS_OFTEN_AS_MAY_BE, ServerTrouble)


@pytest.mark.parametrize(
    ("ask", "times"),
    [(read, AS_OFTEN_AS_MAY_BE), (update, TWICE), (delete, TWICE), (create, ONCE), (patch, ONCE)],
)
def test_a_500_to_a_read_passes_and_one_to_a_write_may_be_its_own_fault(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, ask: Any, times: int
) -> None:
    assert counted(cluster, httpx2_mock, ask, 500) == (times, ServerTrouble)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 410, 422])
@pytest.mark.parametrize("ask", [read, create, update, patch, delete])
def test_an_answer_that_stays_is_not_asked_for_again(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, ask: Any, code: int
) -> None:
    assert counted(cluster, httpx2_mock, ask, code)[0] == ONCE


@pytest.mark.parametrize("ask", [create, patch])
@pytest.mark.parametrize(
    "effect",
    [
        502,
        503,
        504,
        httpx2.ReadTimeout("timed out"),
        httpx2.ReadError("[Errno 104] Connection reset by peer"),
        httpx2.WriteError("[Errno 32] Broken pipe"),
        httpx2.RemoteProtocolError("peer closed connection without sending complete message body"),
    ],
)
def test_what_may_make_something_is_sent_once_and_its_answer_is_lost(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, ask: Any, effect: Any
) -> None:
    assert counted(cluster, httpx2_mock, ask, effect) == (ONCE, AnswerLost)


@pytest.mark.parametrize("ask", [create, patch])
@pytest.mark.parametrize(
    ("effect", "error"), [(429, ServerTrouble), (httpx2.ConnectError("Connection refused"), Unreachable)]
)
def test_what_the_server_has_not_taken_up_may_be_sent_again(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, ask: Any, effect: Any, error: type
) -> None:
    assert counted(cluster, httpx2_mock, ask, effect) == (AS_OFTEN_AS_MAY_BE, error)


@pytest.mark.parametrize("ask", [update, delete])
@pytest.mark.parametrize(
    ("effect", "times"),
    [
        (httpx2.ReadError("[Errno 104] Connection reset by peer"), AS_OFTEN_AS_MAY_BE),
        (httpx2.RemoteProtocolError("Server disconnected without sending a response."), AS_OFTEN_AS_MAY_BE),
        (httpx2.ReadTimeout("timed out"), ONCE),
    ],
)
def test_a_guarded_write_is_repeated_when_its_answer_broke_off(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, ask: Any, effect: Any, times: int
) -> None:
    assert counted(cluster, httpx2_mock, ask, effect) == (times, AnswerLost)


def test_a_read_that_times_out_is_asked_again(cluster: KubernetesCluster, httpx2_mock: respx.Router) -> None:
    assert counted(cluster, httpx2_mock, read, httpx2.ReadTimeout("timed out")) == (
        AS_OFTEN_AS_MAY_BE,
        Unreachable,
    )


def test_once_the_server_has_answered_a_silence_is_a_lost_answer(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.get(IN_SHOP).mock(return_value=page())
    cluster.list(DEPLOYMENT, namespace="shop")
    assert counted(cluster, httpx2_mock, read, httpx2.ReadTimeout("timed out"))[1] is AnswerLost


def test_an_update_whose_first_answer_was_lost_meets_its_own_work_as_a_conflict(
    cluster: KubernetesCluster, httpx2_mock: respx.Router
) -> None:
    httpx2_mock.patch(PR_1).mock(side_effect=[httpx2.ReadError("reset"), status(409, "Conflict", "changed")])
    with pytest.raises(Conflict):
        update(cluster)


def test_the_servers_own_pause_is_kept(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "3"})
    httpx2_mock.get(PR_1).mock(side_effect=[busy, httpx.Response(200, json=deployment())])
    assert read(cluster) == deployment()
    assert time.slept == [4.0]


OTHER = f"{IN_SHOP}/pr-2"


@pytest.mark.parametrize(
    ("headers", "times"), [({"Retry-After": "1"}, 20 + 1), ({}, AS_OFTEN_AS_MAY_BE)], ids=["busy", "no time"]
)
@pytest.mark.parametrize("ask", [read, create, update, patch, delete])
def test_who_is_turned_away_does_not_give_up_while_others_are_taken_up(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, time: FakeTime, ask: Any, headers: Any, times: int
) -> None:
    httpx2_mock.get(OTHER).mock(return_value=httpx.Response(200, json=deployment("pr-2")))
    busy = httpx.Response(429, headers=headers)
    route = httpx2_mock.route(url__startswith=PR_1)
    route.mock(side_effect=[*[busy] * 20, httpx.Response(200, json=deployment())])
    time.meanwhile = lambda: cluster.get(DEPLOYMENT, "shop", "pr-2")
    if times > 20:
        ask(cluster)
    else:
        with pytest.raises(ServerTrouble):
            ask(cluster)
    assert route.call_count == times


@pytest.mark.parametrize(("told", "spread"), [("1", 0.5), ("2", 1.0), ("30", 1.0)])
def test_those_that_are_told_the_same_time_come_back_apart(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, time: FakeTime, told: str, spread: float
) -> None:
    busy = httpx.Response(429, headers={"Retry-After": told})
    httpx2_mock.get(PR_1).mock(side_effect=[busy, httpx.Response(200, json=deployment())])
    read(cluster)
    assert time.slept == [float(told) + spread]


@pytest.mark.parametrize(("value", "pause"), [("100000", 61.0), ("-5", 0.25), ("soon", 0.25), ("1e9", 0.25)])
def test_a_pause_that_makes_no_sense_is_bounded(
    cluster: KubernetesCluster, httpx2_mock: respx.Router, time: FakeTime, value: str, pause: float
) -> None:
    busy = httpx.Response(503, headers={"Retry-After": value})
    httpx2_mock.get(PR_1).mock(side_effect=[busy, httpx.Response(200, json=deployment())])
    read(cluster)
    assert time.slept == [pause]


def test_a_pause_beyond_the_deadline_is_not_begun(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    route = httpx2_mock.get(PR_1).mock(return_value=httpx.Response(429, headers={"Retry-After": "30"}))
    cluster = connected(tmp_path, seconds=20, pacing=time.pacing)
    with pytest.raises(ServerTrouble):
        read(cluster)
    assert (route.call_count, time.slept) == (1, [])


def test_after_the_deadline_nothing_is_sent(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    route = httpx2_mock.get(PR_1).mock(return_value=httpx.Response(200, json=deployment()))
    cluster = connected(tmp_path, seconds=20, pacing=time.pacing)
    read(cluster)
    time.now += 20
    for ask in (read, create, update, delete):
        with pytest.raises(AnswerLost, match=r"the 20 s for the whole run are over \(--timeout\)"):
            ask(cluster)
    assert route.call_count == 1


def test_a_server_that_never_answered_before_the_deadline_is_unreachable(
    tmp_path: Path, time: FakeTime
) -> None:
    cluster = connected(tmp_path, seconds=20, pacing=time.pacing)
    time.now += 20
    with pytest.raises(Unreachable, match="the 20 s for the whole run are over"):
        read(cluster)
