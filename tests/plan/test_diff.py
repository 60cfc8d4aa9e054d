"""Live against wanted: every difference is found and named, and nothing else is one."""

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.kube.live import Live
from reconcile.kube.managedfields import Path, field_set_of, leaves, node_at, path_text
from reconcile.kube.objects import Manifest
from reconcile.plan.changes import FieldChange
from reconcile.plan.diff import Difference, difference
from tests.given import (
    CONTAINER,
    FOLDER,
    MANAGER,
    RULES,
    a_read_preview,
    as_child,
    children_of,
    edited,
    entry,
    live,
    untracked,
)
from tests.whole import drawn

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
    return difference(as_child(there, RULES if from_server else FOLDER), wanted)


def by_hand(
    manifest: Manifest, *path: str | int, to: Any, owner: str = "kubectl-edit", owns: Path = ()
) -> Live:
    """Somebody set one field: it is theirs now, and not ours any more."""
    there = edited(manifest, *path, to=to)
    mine = field_set_of(manifest) - {owns}
    entries = [entry(MANAGER, mine, "Apply"), entry(owner, {owns})]
    return untracked(there, managedFields=entries)


IMAGE, REPLICAS = (*CONTAINER, "f:image"), ("f:spec", "f:replicas")
ENV_A, ENV_C = ((*CONTAINER, "f:env", f'k:{{"name":"{name}"}}') for name in "AC")
OTHER_IMAGE = edited(DEPLOYMENT, *APP, "image", to="other")
TWO_VARIABLES = edited(DEPLOYMENT, *APP, "env", to=ENV[:2])
WITHOUT_REPLICAS = edited(DEPLOYMENT, "spec", "replicas", to=None)
PLAIN, NGINX_1, NGINX_2, SUSPENDED = (
    children_of(a_read_preview(**spec))["Deployment"]
    for spec in ({}, {"image": "nginx:1"}, {"image": "nginx:2"}, {"suspend": True})
)
TWICE = children_of(a_read_preview(replicas=2))["Deployment"]
HASH = ("metadata", "annotations", "platform9.com/applied")
BETWEEN = edited(DEPLOYMENT, *APP, "env", to=[{"name": "X"}, ENV[0], {"name": "Y"}, *ENV[1:]])
XY = {(*CONTAINER, "f:env", f'k:{{"name":"{name}"}}') for name in "XY"}
PORT_81 = edited(SERVICE, "spec", "ports", 0, "port", to=81)
AT_81 = ("f:spec", "f:ports", 'k:{"port":81,"protocol":"TCP"}')
THEIR_PORT = {AT_81, *((*AT_81, f"f:{name}") for name in ("name", "port", "protocol", "targetPort"))}
SOURCED = edited(DEPLOYMENT, *APP, "env", 0, to={"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}})
DEFAULTED_REF = edited(SOURCED, *APP, "env", 0, "valueFrom", "fieldRef", "apiVersion", to="v1")
WITHOUT_STDIN, WITH_STDIN = DEPLOYMENT, edited(DEPLOYMENT, *APP, "stdin", to=False)
THEIR_SOURCE = {(*ENV_A, "f:valueFrom", "f:fieldRef")}


def everywhere_else() -> Live:
    """What a server adds, and what others add where we want nothing."""
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
    return live(there, *others, applied=DEPLOYMENT)


def without(
    manifest: Manifest, *others: dict[str, Any], lost: Iterable[Path], there: Manifest | None = None
) -> Live:
    """The object where our entry has lost these paths."""
    mine = entry(MANAGER, field_set_of(manifest) - frozenset(lost), "Apply")
    return untracked(there or manifest, managedFields=[mine, *others])


def told(path: str, before: str | None, after: str | None, note: str = "") -> Difference:
    return Difference((FieldChange(path, before, after, note),))


ROWS: dict[str, tuple[Live, Manifest, Difference]] = {
    **{f"applied and read back: {m['kind']}": (live(m), m, Difference()) for m in (DEPLOYMENT, SERVICE, MAPPING)},
    "what a server and others add elsewhere": (everywhere_else(), DEPLOYMENT, Difference()),
    **{
        f"the same amount: {there}": (
            live(edited(DEPLOYMENT, *path, to=there), applied=edited(DEPLOYMENT, *path, to=wanted)),
            edited(DEPLOYMENT, *path, to=wanted), Difference(),
        )
        for path, wanted, there in (
            (("spec", "replicas"), 1, 1.0),
            ((*APP, "resources", "limits", "memory"), "1Gi", "1024Mi"),
            ((*APP, "resources", "limits", "cpu"), "500m", "0.5"),
        )
    },
    "a value that somebody changed is told before and after": (
        by_hand(SERVICE, "spec", "ports", 0, "targetPort", to=8080, owns=(*PORT, "f:targetPort")), SERVICE,
        told("spec.ports[http].targetPort", "8080", "http"),
    ),
    "an image that the author changed is told, and our own hash is not": (
        live(NGINX_1), NGINX_2, told(f"{AT_APP}.image", "nginx:1", "nginx:2")
    ),
    "a changed hash alone is told": (
        live(edited(SERVICE, *HASH, to="x")), SERVICE,
        told("metadata.annotations[platform9.com/applied]", "x", SERVICE["metadata"]["annotations"][HASH[-1]]),
    ),
    "a new variable is one line, and not one for each field of it": (
        live(TWO_VARIABLES), DEPLOYMENT, told(f"{AT_APP}.env[C]", None, "(not shown)")
    ),
    "a variable that the author dropped is taken away": (
        live(DEPLOYMENT), TWO_VARIABLES, told(f"{AT_APP}.env[C]", "(not shown)", None)
    ),
    # One may refer to another.
    "variables in another order are a difference": (
        live(edited(DEPLOYMENT, *APP, "env", to=[ENV[1], ENV[0], ENV[2]])), DEPLOYMENT,
        told(f"{AT_APP}.env", None, None, "is in another order"),
    ),
    "somebody else's between ours are none": (
        live(BETWEEN, entry("injector", XY), applied=DEPLOYMENT), DEPLOYMENT, Difference()
    ),
    # It has our value, but is not ours: dropped from the spec later, it would stay for ever.
    "a field that was edited and edited back is taken back": (
        without(DEPLOYMENT, entry("kubectl-edit", {IMAGE}), lost={IMAGE}), DEPLOYMENT,
        told(f"{AT_APP}.image", None, None, "is set by kubectl-edit, not by us"),
    ),
    "a field that nobody owns is taken back too": (
        without(SERVICE, lost={("f:spec", "f:selector")}), SERVICE,
        told("spec.selector", None, None, "is set by nobody, not by us"),
    ),
    "what we drop and somebody else owns too is taken over first, or it would stay": (
        live(DEPLOYMENT, entry("kubectl", DEPLOYMENT)), TWO_VARIABLES,
        replace(told(f"{AT_APP}.env[C]", "(not shown)", None), takeover=frozenset({ENV_C, (*ENV_C, "f:name")})),
    ),
    "replicas that an autoscaler owns too are let go": (
        live(TWICE, entry("hpa", {REPLICAS})), PLAIN, told("spec.replicas", None, None, "is left to hpa")
    ),
    "replicas that we alone own are dropped": (live(SUSPENDED), PLAIN, told("spec.replicas", "0", None)),
    "what is recorded as ours and does not exist is told without a value": (
        live(WITHOUT_REPLICAS, applied=DEPLOYMENT), WITHOUT_REPLICAS,
        told("spec.replicas", None, None, "is recorded as ours, and does not exist"),
    ),
    "a Service port that somebody edited is taken over, since ours has its name": (
        without(
            SERVICE, entry("kubectl-edit", THEIR_PORT), there=PORT_81,
            lost={path for path in field_set_of(SERVICE) if path[:2] == ("f:spec", "f:ports")},
        ),
        SERVICE,
        Difference(
            (
                FieldChange("spec.ports[http]", "{name: http, port: 81, protocol: TCP, targetPort: http}", None),
                FieldChange("spec.ports[http]", None, "{name: http, port: 80, protocol: TCP, targetPort: http}"),
            ),
            frozenset(THEIR_PORT),
        ),
    ),
    "a variable that somebody gave another source is taken over": (
        without(DEPLOYMENT, entry("kubectl-edit", THEIR_SOURCE), there=SOURCED, lost={(*ENV_A, "f:value")}), DEPLOYMENT,
        Difference(
            (
                FieldChange(f"{AT_APP}.env[A].value", None, "(not shown)"),
                FieldChange(f"{AT_APP}.env[A].valueFrom", "(not shown)", None),
            ),
            frozenset({(*ENV_A, "f:valueFrom"), *THEIR_SOURCE}),
        ),
    ),
    "what a server leaves out, since it says nothing, is as desired": (
        live(WITHOUT_STDIN, applied=WITH_STDIN), WITH_STDIN, Difference()
    ),
    "unless somebody else owns it too": (
        live(WITHOUT_STDIN, entry("kubectl", {(*CONTAINER, "f:stdin")}), applied=WITH_STDIN), WITH_STDIN,
        told(f"{AT_APP}.stdin", None, "false"),
    ),
    "what a server adds to a whole is as desired": (
        live(DEFAULTED_REF, applied=SOURCED), SOURCED, Difference()
    ),
    # A mutating policy: we stay the only owner, and wanted the same before.
    "what the server keeps another way stays, and is told": (
        live(OTHER_IMAGE), DEPLOYMENT, Difference(kept=(f"{AT_APP}.image",))
    ),
}  # fmt: skip
IN_A_FOLDER: dict[str, tuple[Live, Manifest, Difference]] = {
    "no history needs no takeover": (
        untracked(PORT_81), SERVICE,
        Difference(ROWS["a Service port that somebody edited is taken over, since ours has its name"][2].fields),
    ),
    "what says nothing and does not exist is drift": (
        live(WITHOUT_STDIN, applied=WITH_STDIN), WITH_STDIN, told(f"{AT_APP}.stdin", None, "false")
    ),
    "what a server would keep is drift": (
        live(OTHER_IMAGE), DEPLOYMENT, told(f"{AT_APP}.image", "other", "registry.example.com/shop:1")
    ),
    "without managedFields a removal cannot be seen": (untracked(DEPLOYMENT), TWO_VARIABLES, Difference()),
    "and a value can": (
        untracked(OTHER_IMAGE), DEPLOYMENT, told(f"{AT_APP}.image", "other", "registry.example.com/shop:1")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [*ROWS, *IN_A_FOLDER])
def test_the_difference_is_the_one_of_its_row(name: str) -> None:
    there, wanted, found = (ROWS | IN_A_FOLDER)[name]
    assert diff(there, wanted, from_server=name in ROWS) == found


def test_a_key_added_to_the_selector_is_seen_in_the_whole_selector() -> None:
    there = edited(SERVICE, "spec", "selector", "extra", to="x")
    found = diff(live(there, entry("kubectl-edit", {("f:spec", "f:selector")}), applied=SERVICE), SERVICE)
    assert [change.path for change in found.fields] == ["spec.selector"]


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
            node = node_at(manifest, path[: len(steps)])
            step: str | int = [node.element_of(item) for item in value].index(element)
        else:
            step = name
        value = value[step]
        steps.append(step)
    return steps


@drawn()
@given(st.sampled_from(_drifts()), st.sampled_from(["other", 7, None, True]))
def test_any_one_field_that_somebody_changed_is_found_and_nothing_else_is(
    case: tuple[Manifest, Path], value: Any
) -> None:
    manifest, path = case
    there = by_hand(manifest, *_plain_path(manifest, path), to=value, owns=path)
    found = diff(there, manifest)
    assert {change.path for change in found.fields} == {path_text(path, manifest)}
    assert found.kept == ()


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


WIDGET: Manifest = {
    "apiVersion": "example.com/v1",
    "kind": "Widget",
    "metadata": {**SERVICE["metadata"], "labels": {**SERVICE["metadata"]["labels"], "tier": "gold"}},
    "spec": {"size": 3, "on": True, "image": "db:1", "password": "hunter2", "hosts": [{"a": "hunter2", "port": 1}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "to", "before", "after"),
    [
        (("spec", "size"), 4, "3", "4"),
        (("spec", "on"), False, "true", "false"),
        (("spec", "image"), "db:2", "db:1", "db:2"),
        (("spec", "password"), "hunter3", "(not shown)", "(not shown)"),
        (("spec", "password"), 7, "(not shown)", "7"),
        (("spec", "password"), None, "(not shown)", None),
        (("spec", "hosts"), ["hunter3"], "[{a: (not shown), port: 1}]", "[(not shown)]"),
        (("metadata", "labels", "tier"), "iron", "gold", "iron"),
    ],
)
def test_of_a_custom_resource_no_text_but_its_images_is_shown(
    path: tuple[str, ...], to: Any, before: str, after: str | None
) -> None:
    found = diff(live(WIDGET), edited(WIDGET, *path, to=to), from_server=False)
    assert found == told(".".join(path), before, after)


# what the server made of it


def test_what_is_desired_otherwise_now_is_applied_whatever_the_server_made_of_it_before() -> None:
    there = edited(DEPLOYMENT, *APP, "image", to="mirror.example.com/nginx:1")
    wanted = children_of(a_read_preview(image="nginx:2", port=8080, replicas=1))["Deployment"]
    assert f"{AT_APP}.image" in [change.path for change in diff(live(there), wanted).fields]


def test_what_others_add_to_an_empty_map_is_no_difference_unless_atomic() -> None:
    wanted = edited(DEPLOYMENT, *POD, "volumes", to=[{"name": "tmp", "emptyDir": {}}])
    wanted = edited(wanted, *POD, "nodeSelector", to={})
    volume = (*POD, "volumes", 0, "emptyDir")
    assert (
        diff(live(edited(wanted, *volume, to={"medium": "Memory"}), applied=wanted), wanted) == Difference()
    )
    whole = ("f:spec", "f:template", "f:spec", "f:nodeSelector")
    assert diff(by_hand(wanted, *POD, "nodeSelector", to={"a": "b"}, owns=whole), wanted)


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
