"""Live against wanted: every difference is found and named, and nothing else is one."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.kube.live import Live
from reconcile.kube.managedfields import Path, field_set_of, leaves, path_text
from reconcile.kube.objects import Manifest
from reconcile.plan.changes import FieldChange
from reconcile.plan.diff import Difference, difference
from tests.given import (
    CONTAINER,
    MANAGER,
    NAMES,
    a_read_preview,
    children_of,
    edited,
    entry,
    live,
    untracked,
)

ENV = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C"}]
PREVIEW = a_read_preview(
    port=8080,
    replicas=1,
    env=ENV,
    healthPath="/healthz",
    command=["run"],
    args=["--all"],
    resources={"limits": {"memory": "1Gi", "cpu": "500m"}},
    revision="abc",
)
CHILDREN = children_of(PREVIEW)
DEPLOYMENT, SERVICE, MAPPING = (CHILDREN[kind] for kind in ("Deployment", "Service", "Mapping"))
PORT = ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}')
POD = ("spec", "template", "spec")
APP = (*POD, "containers", 0)
AT_APP = "spec.template.spec.containers[app]"


def diff(there: Live, wanted: Manifest, *, from_server: bool = True) -> Difference:
    return difference(there, wanted, NAMES, from_server=from_server)


def by_hand(
    manifest: Manifest, *path: str | int, to: Any, owner: str = "kubectl-edit", owns: Path = ()
) -> Live:
    """Somebody set one field: it is theirs now, and not ours any more."""
    there = edited(manifest, *path, to=to)
    mine = field_set_of(manifest) - {owns}
    entries = [entry(MANAGER, mine, "Apply"), entry(owner, {owns})]
    return untracked(there, managedFields=entries)


@pytest.mark.parametrize("manifest", [DEPLOYMENT, SERVICE, MAPPING], ids=["Deployment", "Service", "Mapping"])
def test_what_was_applied_and_read_back_is_no_difference(manifest: Manifest) -> None:
    assert diff(live(manifest), manifest) == Difference()


def test_what_a_server_adds_and_what_others_add_elsewhere_is_no_difference() -> None:
    there = copy.deepcopy(DEPLOYMENT)
    there["spec"]["progressDeadlineSeconds"] = 600
    there["spec"]["template"]["spec"]["containers"][0]["terminationMessagePath"] = "/dev/x"
    there["spec"]["template"]["spec"]["containers"].insert(0, {"name": "sidecar", "image": "x"})
    there["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1"
    there["status"] = {"replicas": 1}
    sidecar = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"sidecar"}')
    others = (
        entry("injector", {sidecar, (*sidecar, "f:image"), (*sidecar, "f:name")}),
        entry("kube-controller-manager", {("f:status", "f:replicas")}, subresource="status"),
    )
    assert diff(live(there, *others, applied=DEPLOYMENT), DEPLOYMENT) == Difference()


@pytest.mark.parametrize(
    ("path", "wanted", "there"),
    [
        (("spec", "replicas"), 1, 1.0),
        ((*APP, "resources", "limits", "memory"), "1Gi", "1024Mi"),
        ((*APP, "resources", "limits", "cpu"), "500m", "0.5"),
    ],
)
def test_the_same_amount_written_another_way_is_no_difference(path: Any, wanted: Any, there: Any) -> None:
    manifest = edited(DEPLOYMENT, *path, to=wanted)
    assert diff(live(edited(manifest, *path, to=there), applied=manifest), manifest) == Difference()


# every single field


def _drifts() -> list[tuple[Manifest, Path]]:
    return [
        (manifest, path)
        for manifest in (DEPLOYMENT, SERVICE, MAPPING)
        for path, _ in leaves(manifest)
        if not path[-1].startswith("k:")
        and path[-1] not in ("f:name", "f:containerPort", "f:protocol", "f:port")
    ] + [(DEPLOYMENT, ("f:spec", "f:replicas"))]


def _plain_path(manifest: Manifest, path: Path) -> list[str | int]:
    """The path in terms of Python: items by their place."""
    steps: list[str | int] = []
    value: Any = manifest
    for element in path:
        name = element[2:]
        if element.startswith("k:"):
            from reconcile.kube.managedfields import item_element, list_keys

            keys = list_keys(path[: len(steps) - 1], str(steps[-1])) or ()
            step: str | int = [item_element(item, keys) for item in value].index(element)
        else:
            step = name
        value = value[step]
        steps.append(step)
    return steps


@given(st.sampled_from(_drifts()), st.sampled_from(["other", 7, None, True]))
def test_any_one_field_that_somebody_changed_is_found_and_nothing_else_is(
    case: tuple[Manifest, Path], value: Any
) -> None:
    manifest, path = case
    there = by_hand(manifest, *_plain_path(manifest, path), to=value, owns=path)
    found = diff(there, manifest)
    assert {change.path for change in found.fields} == {path_text(path, manifest)}
    assert found.kept == ()


def test_a_value_that_somebody_changed_is_told_before_and_after() -> None:
    there = by_hand(SERVICE, "spec", "ports", 0, "targetPort", to=8080, owns=(*PORT, "f:targetPort"))
    assert diff(there, SERVICE).fields == (FieldChange("spec.ports[http].targetPort", "8080", "http"),)


def test_an_image_that_the_author_changed_is_told_and_our_own_hash_is_not() -> None:
    wanted = children_of(a_read_preview(image="nginx:2"))["Deployment"]
    there = children_of(a_read_preview(image="nginx:1"))["Deployment"]
    assert diff(live(there), wanted) == Difference((FieldChange(f"{AT_APP}.image", "nginx:1", "nginx:2"),))


def test_a_changed_hash_alone_is_told() -> None:
    there = edited(SERVICE, "metadata", "annotations", "platform9.com/applied", to="x")
    assert [change.path for change in diff(live(there), SERVICE).fields] == [
        "metadata.annotations[platform9.com/applied]"
    ]


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ((*APP, "env", 0, "value"), "hunter2"),
        ((*APP, "args"), ["hunter2"]),
        ((*APP, "command"), ["hunter2"]),
        ((*APP, "env"), None),
    ],
)
def test_values_of_env_args_and_command_are_never_shown(path: tuple[str | int, ...], to: Any) -> None:
    for before, after in (
        (edited(DEPLOYMENT, *path, to=to), DEPLOYMENT),
        (DEPLOYMENT, edited(DEPLOYMENT, *path, to=to)),
    ):
        found = diff(live(before), after, from_server=False)
        assert found.fields
        assert "hunter2" not in str(found)
        assert "--all" not in str(found)


def test_a_variable_that_is_new_is_one_line_and_not_one_for_each_field_of_it() -> None:
    before = edited(DEPLOYMENT, *APP, "env", to=ENV[:2])
    assert diff(live(before), DEPLOYMENT).fields == (FieldChange(f"{AT_APP}.env[C]", None, "(not shown)"),)


def test_a_variable_that_the_author_dropped_is_taken_away() -> None:
    wanted = edited(DEPLOYMENT, *APP, "env", to=[ENV[0], ENV[2]])
    assert diff(live(DEPLOYMENT), wanted).fields == (FieldChange(f"{AT_APP}.env[B]", "(not shown)", None),)


def test_variables_in_another_order_are_a_difference_since_one_may_refer_to_another() -> None:
    there = edited(DEPLOYMENT, *APP, "env", to=[ENV[1], ENV[0], ENV[2]])
    assert diff(live(there), DEPLOYMENT).fields == (
        FieldChange(f"{AT_APP}.env", None, None, "is in another order"),
    )


def test_somebody_elses_variables_between_ours_are_no_difference() -> None:
    there = edited(DEPLOYMENT, *APP, "env", to=[{"name": "X"}, ENV[0], {"name": "Y"}, *ENV[1:]])
    theirs = {(*CONTAINER, "f:env", f'k:{{"name":"{name}"}}') for name in "XY"}
    assert diff(live(there, entry("injector", theirs), applied=DEPLOYMENT), DEPLOYMENT) == Difference()


def test_a_key_that_somebody_added_to_the_selector_is_seen_in_the_whole() -> None:
    there = edited(SERVICE, "spec", "selector", "extra", to="x")
    found = diff(live(there, entry("kubectl-edit", {("f:spec", "f:selector")}), applied=SERVICE), SERVICE)
    assert [change.path for change in found.fields] == ["spec.selector"]


# what was taken from us, and what we drop


def test_a_field_that_was_edited_and_edited_back_is_taken_back() -> None:
    """It has our value, but is not ours: dropped from the spec later, it would stay for ever."""
    image = (*CONTAINER, "f:image")
    mine = entry(MANAGER, field_set_of(DEPLOYMENT) - {image}, "Apply")
    there = untracked(DEPLOYMENT, managedFields=[mine, entry("kubectl-edit", {image})])
    assert diff(there, DEPLOYMENT).fields == (
        FieldChange(f"{AT_APP}.image", None, None, "is set by kubectl-edit, not by us"),
    )


def test_a_field_that_nobody_owns_is_taken_back_too() -> None:
    mine = entry(MANAGER, field_set_of(SERVICE) - {("f:spec", "f:selector")}, "Apply")
    assert diff(untracked(SERVICE, managedFields=[mine]), SERVICE).fields == (
        FieldChange("spec.selector", None, None, "is set by nobody, not by us"),
    )


def test_what_we_drop_and_somebody_else_owns_too_is_taken_over_first_or_it_would_stay() -> None:
    wanted = edited(DEPLOYMENT, *APP, "env", to=ENV[:2])
    item = (*CONTAINER, "f:env", 'k:{"name":"C"}')
    there = live(DEPLOYMENT, entry("kubectl", DEPLOYMENT))
    found = diff(there, wanted)
    assert found.fields == (FieldChange(f"{AT_APP}.env[C]", "(not shown)", None),)
    assert found.takeover == {item, (*item, "f:name")}


def test_replicas_that_an_autoscaler_owns_too_are_let_go_and_not_taken_over() -> None:
    wanted = children_of(a_read_preview())["Deployment"]
    before = children_of(a_read_preview(replicas=2))["Deployment"]
    found = diff(live(before, entry("hpa", {("f:spec", "f:replicas")})), wanted)
    assert found == Difference((FieldChange("spec.replicas", None, None, "is left to hpa"),))


def test_replicas_that_we_alone_own_are_dropped() -> None:
    wanted = children_of(a_read_preview())["Deployment"]
    found = diff(live(children_of(a_read_preview(suspend=True))["Deployment"]), wanted)
    assert found == Difference((FieldChange("spec.replicas", "0", None),))


def test_what_is_recorded_as_ours_and_does_not_exist_is_told_without_a_value() -> None:
    wanted = edited(DEPLOYMENT, "spec", "replicas", to=None)
    assert diff(live(wanted, applied=DEPLOYMENT), wanted).fields == (
        FieldChange("spec.replicas", None, None, "is recorded as ours, and does not exist"),
    )


def test_what_we_drop_alone_needs_no_takeover() -> None:
    wanted = edited(DEPLOYMENT, *APP, "env", to=ENV[:2])
    assert diff(live(DEPLOYMENT), wanted).takeover == frozenset()


# what cannot stand beside ours


def test_a_service_port_that_somebody_edited_is_taken_over_since_ours_has_its_name() -> None:
    there = edited(SERVICE, "spec", "ports", 0, "port", to=81)
    item = ("f:spec", "f:ports", 'k:{"port":81,"protocol":"TCP"}')
    theirs = {item, *((*item, f"f:{name}") for name in ("name", "port", "protocol", "targetPort"))}
    mine = {path for path in field_set_of(SERVICE) if path[:2] != ("f:spec", "f:ports")}
    found = diff(
        untracked(there, managedFields=[entry(MANAGER, mine, "Apply"), entry("kubectl-edit", theirs)]),
        SERVICE,
    )
    assert found.takeover == theirs
    assert [(c.path, c.before, c.after) for c in found.fields] == [
        ("spec.ports[http]", "{name: http, port: 81, protocol: TCP, targetPort: http}", None),
        ("spec.ports[http]", None, "{name: http, port: 80, protocol: TCP, targetPort: http}"),
    ]


def test_a_variable_that_somebody_gave_another_source_is_taken_over() -> None:
    there = edited(
        DEPLOYMENT, *APP, "env", 0, to={"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}
    )
    value_from = (*CONTAINER, "f:env", 'k:{"name":"A"}', "f:valueFrom")
    theirs = {(*value_from, "f:fieldRef")}
    value = (*CONTAINER, "f:env", 'k:{"name":"A"}', "f:value")
    mine = entry(MANAGER, field_set_of(DEPLOYMENT) - {value}, "Apply")
    found = diff(untracked(there, managedFields=[mine, entry("kubectl-edit", theirs)]), DEPLOYMENT)
    assert found.takeover == {value_from, *theirs}
    assert found.fields == (
        FieldChange(f"{AT_APP}.env[A].value", None, "(not shown)"),
        FieldChange(f"{AT_APP}.env[A].valueFrom", "(not shown)", None),
    )


def test_a_folder_that_has_no_history_needs_no_takeover() -> None:
    there = edited(SERVICE, "spec", "ports", 0, "port", to=81)
    assert diff(untracked(there), SERVICE, from_server=False).takeover == frozenset()


# the server's own doing


def test_what_the_server_keeps_another_way_stays_and_is_told() -> None:
    """A mutating policy: we stay the only owner, and wanted the same before."""
    there = edited(DEPLOYMENT, *APP, "image", to="mirror.example.com/nginx:1")
    assert diff(live(there), DEPLOYMENT) == Difference(kept=(f"{AT_APP}.image",))


def test_the_same_in_a_folder_is_drift() -> None:
    there = edited(DEPLOYMENT, *APP, "image", to="other")
    found = diff(live(there), DEPLOYMENT, from_server=False)
    assert [change.path for change in found.fields] == [f"{AT_APP}.image"]
    assert found.kept == ()


def test_what_we_want_otherwise_now_is_applied_whatever_the_server_made_of_it_before() -> None:
    there = edited(DEPLOYMENT, *APP, "image", to="mirror.example.com/nginx:1")
    wanted = children_of(a_read_preview(image="nginx:2", port=8080, replicas=1))["Deployment"]
    assert f"{AT_APP}.image" in [change.path for change in diff(live(there), wanted).fields]


def test_without_managed_fields_a_removal_cannot_be_seen_and_a_value_can() -> None:
    wanted = edited(DEPLOYMENT, *APP, "env", to=ENV[:2])
    assert diff(untracked(DEPLOYMENT), wanted, from_server=False) == Difference()
    there = edited(DEPLOYMENT, *APP, "image", to="other")
    assert diff(untracked(there), DEPLOYMENT, from_server=False).fields == (
        FieldChange(f"{AT_APP}.image", "other", "registry.example.com/shop:1"),
    )


def test_true_is_not_one() -> None:
    there = edited(DEPLOYMENT, *POD, "automountServiceAccountToken", to=0)
    assert diff(live(there, applied=edited(DEPLOYMENT, "spec", "replicas", to=None)), DEPLOYMENT)
    assert f"{'.'.join(POD)}.automountServiceAccountToken" in [
        change.path for change in diff(untracked(there), DEPLOYMENT, from_server=False).fields
    ]


@pytest.mark.parametrize(
    "junk", [5, "x", [5], None, {}, {"ports": 5}, {"ports": [5, None]}, {"template": {"spec": []}}]
)
def test_whatever_stands_in_a_file_is_a_difference_and_no_exception(junk: Any) -> None:
    for manifest in (DEPLOYMENT, SERVICE, MAPPING):
        there = edited(manifest, "spec", to=junk)
        assert diff(untracked(there), manifest, from_server=False)
