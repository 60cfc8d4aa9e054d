"""A path that cert-manager adds to an Ingress of ours stays while it is there, and nothing else does."""

import copy
from typing import Any

import pytest

from reconcile.kube.live import Live
from reconcile.plan.challenges import EDIT_IN_PLACE, RULES, solvers
from reconcile.plan.changes import FieldChange, Keep, Update
from reconcile.plan.child import child_of
from reconcile.plan.decide import decide
from reconcile.plan.rules import Rules
from tests.given import FOLDER, NAMES, a_read_preview, children_of, edited, entry, key, live
from tests.given import RULES as OURS

PREVIEW = a_read_preview(uid="u-1")
ASKED = ((EDIT_IN_PLACE, "true"),)
CERT_MANAGER = "cert-manager-challenges"


def an_ingress(preview: Any = PREVIEW, **settings: Any) -> dict[str, Any]:
    return children_of(preview, route="ingress", **{"route_annotations": ASKED, **settings})["Ingress"]


WANTED = an_ingress()


def a_path(path: Any) -> dict[str, Any]:
    backend = {"service": {"name": "cm-acme-http-solver-x7k2p", "port": {"number": 8089}}}
    return {"path": path, "pathType": "ImplementationSpecific", "backend": backend}


CHALLENGE = a_path("/.well-known/acme-challenge/Zm9v")


def with_paths(*added: dict[str, Any], of: dict[str, Any] = WANTED) -> dict[str, Any]:
    """The Ingress with these paths before our own, as cert-manager adds them."""
    made = copy.deepcopy(of)
    made["spec"]["rules"][0]["http"]["paths"][:0] = added
    return made


def without_spec(manifest: dict[str, Any], *names: str) -> dict[str, Any]:
    spec = {name: value for name, value in manifest["spec"].items() if name not in names}
    rest = {name: value for name, value in manifest.items() if name != "spec"}
    return {**rest, "spec": spec} if spec else rest


def edited_in_place(manifest: dict[str, Any]) -> Live:
    """As the server has it after a PUT by cert-manager, which took the list of rules from us."""
    return live(manifest, entry(CERT_MANAGER, {RULES}), applied=without_spec(manifest, "rules"))


def decided(there: Live, wanted: dict[str, Any] = WANTED, rules: Rules = OURS) -> Any:
    return decide(wanted, PREVIEW, child_of(PREVIEW, there, rules))


KEPT = Keep(key("Ingress"), "shop/pr-1", f"kept with the path that {CERT_MANAGER} added for a certificate")


@pytest.mark.parametrize("rules", [OURS, FOLDER])
@pytest.mark.parametrize("settings", [{}, {"ingress_class": "nginx"}, {"cluster_issuer": "letsencrypt"}])
def test_a_path_for_a_challenge_is_kept(settings: dict[str, Any], rules: Rules) -> None:
    wanted = an_ingress(**settings)
    assert decided(edited_in_place(with_paths(CHALLENGE, of=wanted)), wanted, rules) == KEPT


def test_so_are_several() -> None:
    assert decided(edited_in_place(with_paths(CHALLENGE, a_path("/.well-known/acme-challenge/YmFy")))) == KEPT


def test_another_change_is_made_around_it() -> None:
    there = edited_in_place(with_paths(CHALLENGE, of=an_ingress(ingress_class="nginx")))
    wanted = an_ingress(ingress_class="traefik")
    change = decided(there, wanted)
    assert isinstance(change, Update)
    assert change.fields == (FieldChange("spec.ingressClassName", "nginx", "traefik"),)
    assert change.manifest == without_spec(wanted, "rules")


def test_rules_are_managed_again_when_the_path_is_gone() -> None:
    change = decided(edited_in_place(WANTED))
    assert isinstance(change, Update)
    assert change.fields == (FieldChange("spec.rules", None, None, f"is set by {CERT_MANAGER}, not by us"),)
    assert change.manifest == WANTED


OTHER_HOST = an_ingress(a_read_preview(uid="u-1", fqdn="other.example.com"))


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (with_paths(a_path("/oauth2")), WANTED),
        (with_paths(CHALLENGE, a_path("/oauth2")), WANTED),
        (with_paths(a_path(None)), WANTED),
        (edited(with_paths(CHALLENGE), "spec", "rules", 0, "http", "paths", 1, "path", to="/x"), WANTED),
        (edited(with_paths(CHALLENGE), "spec", "rules", 0, "http", "paths", to=[CHALLENGE]), WANTED),
        (edited(with_paths(CHALLENGE), "spec", "rules", to=[]), WANTED),
        (with_paths(CHALLENGE), OTHER_HOST),
        (with_paths(CHALLENGE, of=an_ingress(route_annotations=())), an_ingress(route_annotations=())),
        (
            with_paths(CHALLENGE, of=an_ingress(route_annotations=((EDIT_IN_PLACE, "false"),))),
            an_ingress(route_annotations=((EDIT_IN_PLACE, "false"),)),
        ),
    ],
)
def test_all_else_is_put_back(there: dict[str, Any], wanted: dict[str, Any]) -> None:
    change = decided(edited_in_place(there), wanted)
    assert isinstance(change, Update)
    assert change.manifest == wanted


def test_what_is_in_our_own_hands_is_put_back() -> None:
    there = with_paths(CHALLENGE)
    assert solvers(live(there), WANTED, NAMES.field_manager) == ()
    assert solvers(live(there, entry(CERT_MANAGER, {RULES})), WANTED, NAMES.field_manager) == ()


def test_what_is_adopted_is_fully_adopted() -> None:
    there = with_paths(CHALLENGE)
    metadata = {
        **there["metadata"],
        "uid": "u",
        "resourceVersion": "7",
        "managedFields": [entry("velero", there)],
    }
    change = decided(Live({**there, "metadata": metadata}), rules=Rules(NAMES, adopt=True))
    assert isinstance(change, Update)
    assert change.manifest == WANTED
