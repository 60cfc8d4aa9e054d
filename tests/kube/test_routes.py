"""Who says that a route serves."""

from typing import Any

import pytest

from reconcile.kube.live import Live
from reconcile.kube.routes import Objection, objection


def a_route(kind: str, spec: Any, status: Any = None, generation: int = 2) -> Live:
    metadata = {"name": "web", "namespace": "infra", "generation": generation}
    return Live({"apiVersion": "x/v1", "kind": kind, "metadata": metadata, "spec": spec, "status": status})


PARENT = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "infra", "name": "web"}
OTHER = {**PARENT, "name": "other"}


def observed(generation: int | None) -> dict[str, int]:
    """What a condition says about its generation; some controllers say nothing."""
    return {} if generation is None else {"observedGeneration": generation}


def says(parent: dict[str, Any], status: str = "True", generation: int | None = 2) -> dict[str, Any]:
    condition = {"type": "Accepted", "status": status, **observed(generation)}
    return {"parentRef": parent, "conditions": [{"type": "ResolvedRefs", "status": "True"}, condition]}


@pytest.mark.parametrize(
    ("parents", "statuses", "is_accepted"),
    [
        ([PARENT], [says(PARENT)], True),
        ([PARENT], [says(OTHER, "False"), says(PARENT)], True),
        ([PARENT, OTHER], [says(PARENT), says(OTHER)], True),
        ([PARENT, OTHER], [says(PARENT)], False),
        ([PARENT], [says(PARENT, "False")], False),
        ([PARENT], [says(PARENT, generation=1)], False),
        ([PARENT], [says(PARENT, generation=None)], True),
        ([PARENT], [says(PARENT, "False", generation=None)], False),
        ([{**PARENT, "sectionName": "https"}], [says(PARENT)], False),
        ([PARENT], [], False),
        ([], [], False),
        ("x", [says(PARENT)], False),
        ([PARENT], [None, {"parentRef": "x", "conditions": 5}], False),
    ],
)
def test_an_httproute_is_accepted_if_each_parent_reports_it_now(
    parents: Any, statuses: Any, is_accepted: bool
) -> None:
    route = a_route("HTTPRoute", {"parentRefs": parents}, {"parents": statuses})
    assert (objection(route) is None) is is_accepted


ROUTE = "HTTPRoute infra/web"
SILENT = Objection(f"Gateway infra/web has not accepted {ROUTE} yet", final=False)


def answers(parent: dict[str, Any], generation: int | None = 2, **statuses: str) -> dict[str, Any]:
    """What one controller says for a parent, such as `Accepted="True"`."""
    why = {"message": "because", **observed(generation)}
    conditions = [{"type": t, "status": s, "reason": f"No{t}", **why} for t, s in statuses.items()]
    return {"parentRef": parent, "conditions": conditions}


YES: dict[str, Any] = {"Accepted": "True", "ResolvedRefs": "True"}


NO = f"does not accept {ROUTE}:"
HTTPS = {**OTHER, "sectionName": "https"}


@pytest.mark.parametrize(
    ("parents", "statuses", "told"),
    [
        ([PARENT], [answers(PARENT, **YES)], None),
        ([PARENT, OTHER], [answers(PARENT, **YES), answers(OTHER, **YES)], None),
        ([PARENT], [answers(PARENT, Accepted="False"), answers(PARENT, **YES)], None),
        ([PARENT], [], SILENT),
        ([PARENT], [answers(OTHER, **YES)], SILENT),
        ([PARENT], [answers(PARENT, 1, **YES)], SILENT),
        ([PARENT], [answers(PARENT, None, **YES)], None),
        ([PARENT], [answers(PARENT, Accepted="True")], SILENT),
        ([PARENT], [answers(PARENT, Accepted="Unknown", ResolvedRefs="True")], SILENT),
        ([PARENT], [answers(PARENT, 1, Accepted="False")], SILENT),
        (
            [PARENT],
            [answers(PARENT, Accepted="True", ResolvedRefs="False")],
            f"web {NO} NoResolvedRefs: because",
        ),
        ([PARENT], [answers(PARENT, None, Accepted="False")], f"web {NO} NoAccepted: because"),
        ([PARENT, HTTPS], [answers(HTTPS, Accepted="False")], f"other/https {NO} NoAccepted: because"),
        ([], [], Objection(f"{ROUTE} has no parent", final=False)),
    ],
)
def test_an_httproute_serves_when_each_parent_takes_it_and_finds_its_service(
    parents: Any, statuses: Any, told: Objection | str | None
) -> None:
    expected = Objection(f"Gateway infra/{told}", final=True) if isinstance(told, str) else told
    assert objection(a_route("HTTPRoute", {"parentRefs": parents}, {"parents": statuses})) == expected


@pytest.mark.parametrize("kind", ["Mapping", "Ingress"])
def test_other_kinds_have_no_word_for_it_and_count_as_accepted(kind: str) -> None:
    assert objection(a_route(kind, {})) is None
