"""What is sent again, how often and after which pause; and what never is."""

from itertools import product
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import respx

from reconcile.errors import AnswerLost, Conflict, ReconcileError, ServerTrouble, Unreachable
from reconcile.kube.objects import DEPLOYMENT
from tests.cluster_adapters.conftest import IN_SHOP, Api, FakeTime, connected, deployment, page, status
from tests.cluster_adapters.test_adapter_objects import EVENTS, create, delete, patch, update
from tests.cluster_adapters.test_adapter_objects import apply as make
from tests.cluster_adapters.test_adapter_objects import get as read

PR_1 = f"{IN_SHOP}/pr-1"
HERE = httpx.Response(200, json=deployment())
ONCE, TWICE, AS_OFTEN_AS_MAY_BE = 1, 2, 7
RESET = httpx2.ReadError("[Errno 104] Connection reset by peer")
CLOSED = httpx2.RemoteProtocolError("Server disconnected without sending a response.")
SILENT = httpx2.ReadTimeout("timed out")
REFUSED = httpx2.ConnectError("Connection refused")
PIPE = httpx2.WriteError("[Errno 32] Broken pipe")

# | asked                   | answered                          | sent              | in the end   |
TABLE: list[tuple[tuple[Any, ...], tuple[Any, ...], int, type | None]] = [
    ((read, update, delete), (429, 502, 503, 504), AS_OFTEN_AS_MAY_BE, ServerTrouble),
    ((read,), (500,), AS_OFTEN_AS_MAY_BE, ServerTrouble),
    ((update, delete), (500,), TWICE, ServerTrouble),  # may be its own fault
    ((make, patch), (500,), ONCE, ServerTrouble),
    ((read, make, update, patch, delete), (400, 401, 403, 404, 405, 409, 410, 422), ONCE, None),
    ((make, patch), (502, 503, 504, SILENT, RESET, PIPE, CLOSED), ONCE, AnswerLost),  # may have made it
    ((make, patch), (429,), AS_OFTEN_AS_MAY_BE, ServerTrouble),  # not taken up
    ((make, patch), (REFUSED,), AS_OFTEN_AS_MAY_BE, Unreachable),
    ((update, delete), (RESET, CLOSED), AS_OFTEN_AS_MAY_BE, AnswerLost),
    ((update, delete), (SILENT,), ONCE, AnswerLost),
    ((read,), (SILENT,), AS_OFTEN_AS_MAY_BE, Unreachable),
]
CASES = [
    pytest.param(ask, effect, times, error, id=f"{ask.__name__}-{effect}")
    for asks, effects, times, error in TABLE
    for ask, effect in product(asks, effects)
]


def counted(api: Api, ask: Any, effect: Any) -> tuple[int, type]:
    """How often it was sent, and the error in the end."""
    route = api.says("", PR_1, status(effect, "Any", "no") if isinstance(effect, int) else effect)
    with pytest.raises(ReconcileError) as caught:
        ask(api.cluster)
    return route.call_count, caught.type


@pytest.mark.parametrize(("ask", "effect", "times", "error"), CASES)
def test_each_request_is_sent_as_often_as_is_safe_and_may_help(
    api: Api, ask: Any, effect: Any, times: int, error: type | None
) -> None:
    sent, raised = counted(api, ask, effect)
    assert (sent, raised if error else None) == (times, error)


def test_an_event_is_sent_again_since_its_name_makes_the_second_one_harmless(api: Api) -> None:
    api.says("POST", EVENTS, httpx.Response(503), status(409, "AlreadyExists"))
    assert create(api.cluster) is False


def test_once_the_server_has_answered_a_silence_is_a_lost_answer(api: Api) -> None:
    api.server.get(IN_SHOP).mock(return_value=page())
    api.cluster.list(DEPLOYMENT, namespace="shop")
    assert counted(api, read, SILENT)[1] is AnswerLost


def test_an_update_whose_first_answer_was_lost_meets_its_own_work_as_a_conflict(api: Api) -> None:
    api.says("PATCH", PR_1, RESET, status(409, "Conflict", "changed"))
    with pytest.raises(Conflict):
        update(api.cluster)


@pytest.mark.parametrize(
    ("headers", "times"), [({"Retry-After": "1"}, 20 + 1), ({}, AS_OFTEN_AS_MAY_BE)], ids=["busy", "no time"]
)
@pytest.mark.parametrize("ask", [read, make, update, patch, delete])
def test_who_is_turned_away_does_not_give_up_while_others_are_taken_up(
    api: Api, ask: Any, headers: Any, times: int
) -> None:
    api.says("GET", f"{IN_SHOP}/pr-2", httpx.Response(200, json=deployment("pr-2")))
    route = api.says("", PR_1, *[httpx.Response(429, headers=headers)] * 20, HERE)
    api.time.meanwhile = lambda: api.cluster.get(DEPLOYMENT, "shop", "pr-2")
    if times > 20:
        ask(api.cluster)
    else:
        with pytest.raises(ServerTrouble):
            ask(api.cluster)
    assert route.call_count == times


@pytest.mark.parametrize(
    ("code", "told", "pause"),
    [
        # those that are told the same time come back apart
        *((429, "1", 1.5), (429, "2", 3.0), (429, "3", 4.0), (429, "30", 31.0)),
        # what makes no sense is bounded
        *((503, "100000", 61.0), (503, "-5", 0.25), (503, "soon", 0.25), (503, "1e9", 0.25)),
    ],
)
def test_the_servers_own_pause_is_kept_within_bounds(api: Api, code: int, told: str, pause: float) -> None:
    api.says("GET", PR_1, httpx.Response(code, headers={"Retry-After": told}), HERE)
    assert read(api.cluster) == deployment()
    assert api.time.slept == [pause]


def test_a_pause_beyond_the_deadline_is_not_begun(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    route = httpx2_mock.get(PR_1).mock(return_value=httpx.Response(429, headers={"Retry-After": "30"}))
    with pytest.raises(ServerTrouble):
        read(connected(tmp_path, seconds=20, pacing=time.pacing))
    assert (route.call_count, time.slept) == (1, [])


def test_after_the_deadline_nothing_is_sent(
    tmp_path: Path, httpx2_mock: respx.Router, time: FakeTime
) -> None:
    route = httpx2_mock.get(PR_1).mock(return_value=HERE)
    cluster, silent = (connected(tmp_path, seconds=20, pacing=time.pacing) for _ in range(2))
    read(cluster)
    time.now += 20
    for ask in (read, make, update, delete):
        with pytest.raises(AnswerLost, match=r"the 20 s for the whole run are over \(--timeout\)"):
            ask(cluster)
    with pytest.raises(Unreachable, match="the 20 s for the whole run are over"):
        read(silent)
    assert route.call_count == 1
