"""The rights in cronjob/rights.yaml: the verbs that are used, on the resources that they are used on."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from reconcile.cluster.kubernetes.responses import IN_PLAN_ROLE, IN_RUN_ROLE, PLAN_ROLE, RUN_ROLE
from reconcile.desire.children import CHILDREN
from reconcile.model.names import PLURAL
from tests.controlplane import shipped
from tests.controlplane.rights import resources_of

READ = ["get", "list"]
WHOLE = ["get", "list", "create", "patch", "delete"]
GATEWAYS = "gateways.gateway.networking.k8s.io"
PREVIEWS = f"{PLURAL}.platform9.com"
KINDS = tuple(kind.resource.full_plural for kind in CHILDREN)
ROLES = ("preview-reconcile", "preview-reconcile-plan", "preview-reconcile-author")


def by_resource(rules: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What may be done with each resource; none stands in two rules."""
    pairs = [(resource, rule["verbs"]) for rule in rules for resource in resources_of(rule)]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def test_a_run_may_do_this_and_nothing_else() -> None:
    assert by_resource(shipped()) == {
        PREVIEWS: READ,
        f"{PLURAL}/status.platform9.com": ["patch"],
        **dict.fromkeys(KINDS, WHOLE),
        GATEWAYS: ["get"],
        "pods": ["list"],
        "events": ["list"],
        "events.events.k8s.io": ["create"],
    }


def test_who_only_plans_may_read_previews_and_children_and_nothing_else() -> None:
    assert by_resource(shipped("preview-reconcile-plan")) == {
        PREVIEWS: READ, GATEWAYS: ["get"], **dict.fromkeys(KINDS, READ),
    }  # fmt: skip


def test_the_roles_that_a_missing_right_is_answered_with_have_it() -> None:
    in_run, in_plan = by_resource(shipped(RUN_ROLE)), by_resource(shipped(PLAN_ROLE))
    assert in_plan.keys() >= IN_PLAN_ROLE
    assert {one for one in IN_RUN_ROLE if "/" not in one} <= in_run.keys()
    assert [one for one in IN_RUN_ROLE if "/" in one] == [f"{PREVIEWS}/status"]
    assert f"{PLURAL}/status.platform9.com" in in_run


def test_an_author_may_write_previews_and_nothing_else() -> None:
    verbs = ["get", "list", "watch", "create", "patch", "delete"]
    assert by_resource(shipped("preview-reconcile-author")) == {PREVIEWS: verbs}


def test_the_options_are_one_configmap_by_its_name() -> None:
    assert shipped("preview-reconcile-options") == [
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["preview-reconcile"],
            "verbs": ["get"],
        }
    ]


@pytest.mark.parametrize("role", ROLES)
def test_a_rule_is_a_list_of_names_without_wildcards_or_names_of_objects(role: str) -> None:
    for rule in shipped(role):
        assert sorted(rule) == ["apiGroups", "resources", "verbs"]
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert len(rule["apiGroups"]) == len(rule["resources"]) == 1


@pytest.mark.parametrize("role", ROLES)
def test_the_previews_rules_follow_the_api_group(role: str) -> None:
    ours = {f"{PLURAL}.example.com", f"{PLURAL}/status.example.com"}
    default, other = (by_resource(shipped(role, group)) for group in ("platform9.com", "example.com"))
    assert {name: verbs for name, verbs in other.items() if name in ours} == {
        name.replace("platform9.com", "example.com"): verbs
        for name, verbs in default.items()
        if "platform9.com" in name
    }
