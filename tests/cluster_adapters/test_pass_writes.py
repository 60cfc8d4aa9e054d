"""What one write meets, and what the run makes of it: requests that follow, outcome, exit code."""

import signal
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx
import httpx2
import pytest

from reconcile.execute.write import TRIES
from reconcile.kube.managedfields import Path
from tests.builders import a_preview
from tests.cluster_adapters.conftest import status, text_404
from tests.cluster_adapters.world import (
    APPLY,
    MANAGER,
    PREVIEWS,
    Answer,
    World,
    a_list,
    after_apply,
    after_patch,
    an_object,
    changed,
    gone,
    path,
)
from tests.given import a_read_preview, children_of, edited, entry, live

Manifest = dict[str, Any]

PREVIEW = PREVIEWS.kind
DEPLOYMENT, SERVICE, MAPPING = "Deployment", "Service", "Mapping"
PUTS = (DEPLOYMENT, SERVICE, MAPPING)
WANTED = children_of(a_read_preview())
CONFLICT = status(409, "Conflict", "the object has been modified; please apply your changes to the latest")
TOO_OFTEN = "gave up after 5 update conflicts; the next run will retry"
NAME_LABEL: Path = ("f:metadata", "f:labels", "f:app.kubernetes.io/name")


def breaks_off(request: httpx.Request) -> httpx.Response:
    raise httpx2.ReadError("connection reset by peer")


def late(request: httpx.Request) -> httpx.Response:
    raise httpx2.ReadTimeout("timed out")


def told_to_end(request: httpx.Request) -> httpx.Response:
    handler = signal.getsignal(signal.SIGTERM)
    assert callable(handler)
    handler(signal.SIGTERM, None)
    return CONFLICT


def there(kind: str = SERVICE, name: str = "pr-1", *others: Manifest, **metadata: Any) -> Manifest:
    """A child as the server has it after our apply of it."""
    return dict(live(children_of(a_read_preview(name))[kind], *others, **metadata).manifest)


def drifted(**metadata: Any) -> Manifest:
    """The Service after somebody changed one of its labels."""
    manifest = there(SERVICE, "pr-1", entry("kubectl-edit", [NAME_LABEL]), **metadata)
    return edited(manifest, "metadata", "labels", "app.kubernetes.io/name", to="edited")


def port_edited(**metadata: Any) -> Manifest:
    """The Service after somebody led its port elsewhere."""
    field = ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:targetPort")
    manifest = there(SERVICE, "pr-1", entry("kubectl-edit", [field]), uid="ours", **metadata)
    return edited(manifest, "spec", "ports", 0, "targetPort", to=81)


def guarded(version: str, uid: str = "uid-of-Service") -> Manifest:
    """The body of an update: what is wanted, for this very object in this very state."""
    return changed(WANTED[SERVICE], uid=uid, resourceVersion=version)


def delete_of(version: str, kind: str = SERVICE) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": f"uid-of-{kind}", "resourceVersion": version},
        "propagationPolicy": "Background",
    }


def strange(version: str = "7") -> Manifest:
    """A stranger's Service of the right name, before anything of ours came into it."""
    metadata = {"name": "pr-1", "namespace": "shop"}
    spec = {"selector": {"app": "theirs"}}
    manifest = {"apiVersion": "v1", "kind": SERVICE, "metadata": metadata, "spec": spec}
    by_helm = [entry("helm", manifest)]
    return dict(live(manifest, managedFields=by_helm, uid="theirs", resourceVersion=version).manifest)


def merged(version: str) -> Manifest:
    """What becomes of it when an unforced apply of ours meets it: the server says 200, and merges. It has our
    label, our annotation and our Apply entry."""
    both = changed(after_apply(WANTED[SERVICE], strange()), resourceVersion=version)
    spec = {**both["spec"], "selector": {**strange()["spec"]["selector"], **both["spec"]["selector"]}}
    return {**both, "spec": spec}


def withdrawal(version: str) -> Manifest:
    """An apply of nothing: by server-side apply's own rules, it takes out what we had put in."""
    metadata = {"name": "pr-1", "namespace": "shop", "uid": "theirs", "resourceVersion": version}
    return {"apiVersion": "v1", "kind": SERVICE, "metadata": metadata}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """That they are long enough is shown where somebody really writes between."""
    monkeypatch.setattr("reconcile.execute.write.PAUSE", 0.0)


class Scene(NamedTuple):
    """What is there, and the one child about which something is to be done."""

    objects: Sequence[Mapping[str, Any]]
    kind: str = SERVICE
    name: str = "pr-1"
    arguments: tuple[str, ...] = ()


ALL = [there(kind) for kind in PUTS]
LEFTOVER = Scene([a_preview("pr-1"), there(SERVICE, "pr-0"), *ALL], name="pr-0")
"""A Service whose preview is gone, beside a preview that has all it wants."""
AN_INGRESS = dict(live(children_of(a_read_preview(), route="ingress")["Ingress"]).manifest)
UNWANTED = Scene([a_preview("pr-1"), *ALL, AN_INGRESS], MAPPING, arguments=("--route", "ingress"))
"""The Mapping of a preview that has an Ingress now."""
NEW = Scene([a_preview("pr-1"), there(DEPLOYMENT), there(MAPPING)])
"""A preview that lacks its Service alone."""
DRIFTED = Scene([a_preview("pr-1"), there(DEPLOYMENT), drifted(), there(MAPPING)])

PROTECTED = {"platform9.com/prune": "disabled"}
WEEK = ("--max-ttl", "7d")
PAST = {"observedGeneration": 1, "ttl": "7d", "ttlCountsFrom": "2026-11-01T00:00:00Z"}
EXPIRED: dict[str, Any] = {"status": PAST, "annotations": PROTECTED}
DELETED: dict[str, Any] = {"deleted": "2026-11-01T00:00:00Z", "annotations": PROTECTED}


def protected_service(name: str = "pr-1", **metadata: Any) -> Manifest:
    """The Service of a protected preview, as the server has it after our apply of it."""
    service = children_of(a_read_preview(name, annotations=PROTECTED))[SERVICE]
    return dict(live(service, creationTimestamp="2026-11-01T00:00:00Z", **metadata).manifest)


def ended(how: dict[str, Any]) -> Scene:
    """A protected preview for which the operator's most is over."""
    return Scene([a_preview("pr-1", **how), protected_service()], arguments=WEEK)


LEFT_PROTECTED = Scene([a_preview("pr-1"), *ALL, protected_service("pr-0")], name="pr-0", arguments=WEEK)
APPLIED_AGAIN = protected_service("pr-0", resourceVersion="8")
APPLIED_AGAIN["metadata"]["managedFields"][0]["time"] = "2026-11-22T18:56:59Z"


class Row(NamedTuple):
    """What the server says to the requests of the child and to a read of its preview; what comes of it.

    `message` is in that of the outcome; `writes` are the bodies that were sent.
    """

    scene: Scene
    result: str
    message: str = ""
    says: Mapping[str, Sequence[Answer | Manifest]] = {}
    preview: Answer | Manifest | None = None
    writes: Sequence[Manifest] = ()
    code: int | None = None


MADE_AGAIN, CHANGED = "its preview was deleted or recreated", "its preview was changed"
# Each answer that proves nothing is an error of a read: test_adapter_objects.py.
NO_PREVIEW: dict[str, tuple[Answer | Manifest, str]] = {
    "a text 404": (text_404(), "does not serve previewenvironments.platform9.com of v1 (404)"),
    "500": (status(500, "InternalError", "etcd is slow"), "the API server is in trouble (500): etcd is slow"),
    "401": (status(401, "Unauthorized", "Unauthorized"), "does not know who we are (401)"),
    "no answer": (breaks_off, "no whole answer from the API server: connection reset by peer"),
}
A_POD = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}
LEFT = there(SERVICE, "pr-0")
GOING = "2026-11-22T18:00:00Z"
BY_NOW: dict[str, tuple[Manifest, str]] = {
    "another controller": (
        there(SERVICE, "pr-0", ownerReferences=[A_POD]),
        "kept: its preview is gone, but it is not managed by preview-reconcile (controlled by Pod p)",
    ),
    "being deleted": (
        there(SERVICE, "pr-0", deletionTimestamp=GOING),
        "is being deleted, and waits for its finalizers",
    ),
}
DELETES: dict[str, Row] = {
    "the server's own word that the preview is gone lets the delete go": Row(
        LEFTOVER, "deleted", writes=[delete_of("7")]
    ),
    **{
        f"any other answer about the preview is a failure and no delete: {case}": Row(
            LEFTOVER, "failed", words, preview=answer
        )
        for case, (answer, words) in NO_PREVIEW.items()
    },
    "a child that its preview still does not want goes": Row(
        UNWANTED, "deleted", writes=[delete_of("7", MAPPING)]
    ),
    **{
        f"a preview that is another now keeps what it did not want: {[*fields]}": Row(
            UNWANTED, "canceled", words, preview=a_preview("pr-1", **fields)
        )
        for fields, words in (
            ({"uid": "another"}, MADE_AGAIN),
            ({"deleted": GOING}, MADE_AGAIN),
            ({"generation": 2}, CHANGED),
            ({"annotations": PROTECTED}, CHANGED),
        )
    },
    **{
        f"what is protected goes when the operator's most has ended: {[*how]}": Row(
            ended(how), "deleted", writes=[delete_of("7")]
        )
        for how in (EXPIRED, DELETED)
    },
    **{
        f"but not when its preview is another by then: {[*how]} {fields}": Row(
            ended(how), "canceled", words, preview=a_preview("pr-1", **{**how, **fields})
        )
        for how in (EXPIRED, DELETED)
        for fields, words in (({"uid": "another"}, MADE_AGAIN), ({"generation": 2}, CHANGED))
    },
    "one that expired and is being deleted by then waits for the next run": Row(
        ended(EXPIRED), "canceled", MADE_AGAIN, preview=a_preview("pr-1", deleted=GOING, **EXPIRED)
    ),
    "what a gone preview left protected is kept where it was applied again meanwhile": Row(
        LEFT_PROTECTED,
        "canceled",
        "it was applied again",
        {"DELETE": [CONFLICT], "GET": [APPLIED_AGAIN]},
        writes=[delete_of("7")],
    ),
    "a 404 that is not about the child is no success": Row(
        LEFTOVER, "failed", "delete Service shop/pr-0: t", {"DELETE": [text_404()]}, writes=[delete_of("7")]
    ),
    "a child that has changed is deleted as it is now": Row(
        LEFTOVER,
        "deleted",
        says={
            "DELETE": [CONFLICT, httpx.Response(200, json={"kind": "Status"})],
            "GET": [there(SERVICE, "pr-0", resourceVersion="8")],
        },
        writes=[delete_of("7"), delete_of("8")],
    ),
    **{
        f"a child that is another now is kept: {case}": Row(
            LEFTOVER, "canceled", words, {"DELETE": [CONFLICT], "GET": [now]}, writes=[delete_of("7")]
        )
        for case, (now, words) in BY_NOW.items()
    },
    "a delete that conflicts for ever is a failure": Row(
        LEFTOVER,
        "failed",
        f"Service shop/pr-0: {TOO_OFTEN}",
        {"DELETE": [CONFLICT]},
        writes=[delete_of("7")] * TRIES,
    ),
}

TO = path(SERVICE, "pr-1")
BY_HELM = (
    "Service shop/pr-1: was created by helm a moment ago and is not managed by preview-reconcile; "
    "delete it, or rename the preview"
)
UNMANAGED = (
    "Service shop/pr-1: exists and is not managed by preview-reconcile (no label platform9.com/preview and no "
    "annotation platform9.com/identity; field managers: helm); delete it, or rename the preview"
)
CREATED = WANTED[SERVICE]
KUBE_PROXY = entry("kube-proxy", [("f:status",)], subresource="status")
CREATES: dict[str, Row] = {
    **{
        f"a create that met what another run of ours made is a success: {len(others)} others": Row(
            NEW, "created", says={"PATCH": [after_apply(CREATED, None, *others)]}, writes=[CREATED]
        )
        for others in ((), (KUBE_PROXY,))
    },
    "a create that met a stranger's object is taken out again": Row(
        NEW,
        "blocked",
        BY_HELM,
        {"PATCH": [merged("8"), strange("9")]},
        writes=[CREATED, withdrawal("8")],
    ),
    "a withdrawal that met a change is tried again and the object never taken for ours": Row(
        NEW,
        "blocked",
        BY_HELM,
        {"PATCH": [merged("8"), CONFLICT, strange("10")], "GET": [gone(TO), merged("9")]},
        writes=[CREATED, withdrawal("8"), withdrawal("9")],
    ),
    "a withdrawal that never succeeds is a failure": Row(
        NEW,
        "failed",
        f"Service shop/pr-1: {TOO_OFTEN}",
        {"PATCH": [merged("8"), CONFLICT], "GET": [gone(TO), merged("9")]},
        writes=[CREATED, withdrawal("8"), *[withdrawal("9")] * (TRIES - 1)],
    ),
    "a run that is told to end still takes out what it put into a stranger's object": Row(
        NEW,
        "blocked",
        BY_HELM,
        {"PATCH": [merged("8"), told_to_end, strange("10")], "GET": [gone(TO), merged("9")]},
        writes=[CREATED, withdrawal("8"), withdrawal("9")],
        code=143,
    ),
    "a create whose answer was lost before it was done is decided again": Row(
        NEW,
        "created",
        says={"PATCH": [breaks_off, an_object(after_apply(CREATED, None), 201)]},
        writes=[CREATED] * 2,
    ),
    "a create whose answer was lost and that met a stranger's object is taken out again": Row(
        NEW,
        "blocked",
        BY_HELM,
        {"PATCH": [breaks_off, strange("9")], "GET": [gone(TO), merged("8")]},
        writes=[CREATED, withdrawal("8")],
    ),
    "what was once seen to be ours after a lost answer stays so whoever edits it then": Row(
        NEW,
        "created",
        says={
            "PATCH": [breaks_off, CONFLICT, there(resourceVersion="10", uid="ours")],
            "GET": [gone(TO), drifted(resourceVersion="8", uid="ours"), port_edited(resourceVersion="9")],
        },
        writes=[CREATED, guarded("8", "ours"), guarded("9", "ours")],
    ),
    # Refused, it was not merged: what carries our marks had them before, and nothing is taken out of it.
    "a create that is refused for what another run made and somebody edited mends it": Row(
        NEW,
        "created",
        says={
            "PATCH": [CONFLICT, there(resourceVersion="9", uid="ours")],
            "GET": [gone(TO), port_edited(resourceVersion="8")],
        },
        writes=[CREATED, guarded("8", "ours")],
    ),
    "a create whose last answer was lost is done when it is there": Row(
        NEW,
        "created",
        says={"PATCH": [breaks_off], "GET": [*[gone(TO)] * TRIES, there()]},
        writes=[CREATED] * TRIES,
    ),
    "a create that conflicts finds the stranger's object": Row(
        NEW, "blocked", UNMANAGED, {"PATCH": [CONFLICT], "GET": [gone(TO), strange()]}, writes=[CREATED]
    ),
}

DONE = after_apply(CREATED, drifted())
CAUSE = {"reason": "FieldValueInvalid", "message": "field is immutable", "field": "metadata.uid"}
UPDATES: dict[str, Row] = {
    "an update that conflicts is decided again on what is there now": Row(
        DRIFTED,
        "updated",
        says={"PATCH": [CONFLICT, DONE], "GET": [drifted(resourceVersion="8")]},
        writes=[guarded("7"), guarded("8")],
    ),
    "an update that succeeds at the fifth try is a success": Row(
        DRIFTED,
        "updated",
        says={"PATCH": [*[CONFLICT] * (TRIES - 1), DONE]},
        writes=[guarded("7")] * TRIES,
    ),
    "an update of an object that was made again by a stranger is blocked": Row(
        DRIFTED,
        "blocked",
        UNMANAGED,
        {"PATCH": [status(422, "Invalid", "field is immutable", causes=[CAUSE])], "GET": [strange()]},
        writes=[guarded("7")],
    ),
    "an update whose answer was lost after it was done is a success": Row(
        DRIFTED,
        "updated",
        says={"PATCH": [late], "GET": [there(resourceVersion="8")]},
        writes=[guarded("7")],
    ),
}
ROWS = {**DELETES, **CREATES, **UPDATES}


def as_answer(said: Answer | Manifest) -> Answer:
    return an_object(said) if isinstance(said, dict) else said


@pytest.mark.parametrize("case", ROWS)
def test_the_result_of_a_write(world: World, case: str) -> None:
    row = ROWS[case]
    world.has(*row.scene.objects)
    for method, answers in row.says.items():
        world.says(method, path(row.scene.kind, row.scene.name), *map(as_answer, answers))
    preview = path(PREVIEW, row.scene.name)
    if row.preview is not None:
        world.says("GET", preview, as_answer(row.preview))
    ended = world.run("-o", "json", *row.scene.arguments)
    assert ended.outcomes.keys() == {f"{row.scene.kind} {row.scene.name}"}
    [(result, message)] = ended.outcomes.values()
    assert result == row.result
    assert row.message in message
    assert bool(row.message) == bool(message)
    assert [sent.body for sent in world.writes] == list(row.writes)
    if case in DELETES:
        assert world.count("GET", preview) >= len([sent for sent in world.writes if sent.method == "DELETE"])
    expected = 1 if result in ("failed", "blocked", "rejected") else 0
    assert ended.code == (expected if row.code is None else row.code)


def test_the_preview_is_read_right_before_the_delete_and_updated_after_it(world: World) -> None:
    world.has(*UNWANTED.objects)
    world.run(*UNWANTED.arguments)
    assert [str(sent) for sent in world.sent[-4:]] == [
        f"GET {path(PREVIEW, 'pr-1')}",
        f"DELETE {path(MAPPING, 'pr-1')}",
        f"PATCH {path(PREVIEW, 'pr-1')}/status",
        "POST /apis/events.k8s.io/v1/namespaces/shop/events",
    ]


@pytest.mark.parametrize("how", [EXPIRED, DELETED])
def test_what_the_operator_allows_to_protect_stays(world: World, how: dict[str, Any]) -> None:
    world.has(*ended(how).objects)
    assert world.run(*WEEK, "--allow-protect", "shop/*").code == 0
    assert world.writes == []


LISTED = path(SERVICE, "pr-0").rpartition("/")[0]
NOT_STORED = (
    "Service shop/pr-0 is listed and does not exist: the lists of the API server are of another time "
    "than what it stores, such as after etcd was restored under it; restart the API server"
)
BY_SOMEBODY = ("canceled", "already deleted, not by this run")


@pytest.mark.parametrize(
    ("said", "again", "outcome"),
    [
        (CONFLICT, a_list(), BY_SOMEBODY),  # changed, and then deleted
        (gone(path(SERVICE, "pr-0")), a_list(), BY_SOMEBODY),
        (gone(path(SERVICE, "pr-0")), a_list([there(SERVICE, "pr-0", uid="another")]), BY_SOMEBODY),
        (gone(path(SERVICE, "pr-0")), text_404(), BY_SOMEBODY),
        (gone(path(SERVICE, "pr-0")), a_list([LEFT]), ("failed", NOT_STORED)),
    ],
)
def test_a_child_that_is_gone_already_is_a_success_of_somebody_else_unless_it_is_still_listed(
    world: World, said: httpx.Response, again: httpx.Response, outcome: tuple[str, str]
) -> None:
    world.has(*LEFTOVER.objects)
    world.says("DELETE", path(SERVICE, "pr-0"), said)
    world.says("GET", path(SERVICE, "pr-0"), gone(path(SERVICE, "pr-0")))
    world.says("GET", LISTED, again)
    ended = world.run("-o", "json")
    assert (world.count("DELETE", path(SERVICE, "pr-0")), world.count("GET", LISTED)) == (1, 1)
    assert ended.outcomes == {"Service pr-0": outcome}
    assert ended.code == (outcome[0] == "failed")


@pytest.mark.parametrize(
    ("scene", "params", "body", "outcome"),
    [
        (NEW, {"fieldManager": MANAGER}, CREATED, "created"),
        (DRIFTED, {"fieldManager": MANAGER, "force": "true"}, guarded("7"), "updated"),
    ],
)
def test_a_create_is_unforced_and_without_uid_and_an_update_is_forced_for_this_very_object(
    world: World, scene: Scene, params: dict[str, str], body: Manifest, outcome: str
) -> None:
    world.has(*scene.objects)
    ended = world.run("-o", "json")
    [sent] = world.writes
    assert (str(sent), sent.type, sent.params, sent.body) == (f"PATCH {TO}", APPLY, params, body)
    assert (ended.outcomes, ended.code) == ({"Service pr-1": (outcome, "")}, 0)


# taking over

KEPT_EDITS = {"platform9.com/hand-edits": "keep"}

PORTS: Path = ("f:spec", "f:ports")
THEIR_PORT: Path = (*PORTS, 'k:{"port":8081,"protocol":"TCP"}')
THEIR_FIELDS = [
    THEIR_PORT,
    *((*THEIR_PORT, f"f:{name}") for name in ("name", "port", "protocol", "targetPort")),
]


@pytest.fixture
def collides(world: World) -> Manifest:
    """A Service whose port somebody has edited: theirs took our name, and our own port is gone."""
    port = {"name": "http", "port": 8081, "protocol": "TCP", "targetPort": "http"}
    by = entry("kubectl-edit", [*THEIR_FIELDS, ("f:metadata", "f:annotations", "f:note")])
    service = edited(there(SERVICE, "pr-1", by), "spec", "ports", to=[port])
    world.has(a_preview("pr-1"), there(DEPLOYMENT), service, there(MAPPING))
    return service


def test_a_colliding_field_is_taken_over_and_then_applied(world: World, collides: Manifest) -> None:
    ended = world.run("-o", "json")
    takeover, apply = world.writes
    assert takeover.type == "application/json-patch+json"
    assert takeover.params == {"fieldManager": MANAGER}
    uid, version, fields = takeover.body
    assert uid == {"op": "replace", "path": "/metadata/uid", "value": "uid-of-Service"}
    assert version == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    assert (fields["op"], fields["path"]) == ("add", "/metadata/managedFields")
    theirs, ours = fields["value"]
    assert theirs == entry("kubectl-edit", [("f:metadata", "f:annotations", "f:note")]), "and no more of it"
    own = collides["metadata"]["managedFields"][0]["fieldsV1"]
    their_port = entry("kubectl-edit", THEIR_FIELDS)["fieldsV1"]["f:spec"]["f:ports"]
    spec = {**own["f:spec"], "f:ports": {**own["f:spec"]["f:ports"], **their_port}}
    assert ours == {
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {**own, "f:spec": spec},
    }
    assert (apply.type, apply.params) == (APPLY, {"fieldManager": MANAGER, "force": "true"})
    assert apply.body == guarded("8"), "of the version that the takeover has made"
    assert (ended.outcomes, ended.code) == ({"Service pr-1": ("updated", "")}, 0)


def test_a_takeover_that_conflicts_is_decided_again(world: World, collides: Manifest) -> None:
    now = changed(collides, resourceVersion="20")

    def taken(request: httpx.Request) -> httpx.Response:
        return an_object(after_patch(now, world.sent[-1].body))

    world.says("PATCH", TO, CONFLICT, taken, an_object(after_apply(CREATED, None)))
    world.says("GET", TO, an_object(now))
    ended = world.run("-o", "json")
    first, second, apply = world.bodies("PATCH", TO)
    assert [first[1]["value"], second[1]["value"]] == ["7", "20"]
    assert apply == guarded("21")
    assert (ended.outcomes, ended.code) == ({"Service pr-1": ("updated", "")}, 0)


def test_a_removal_that_did_not_happen_is_a_failure_that_names_the_owner(
    world: World, collides: Manifest
) -> None:
    still = after_apply(CREATED, None, entry("kubectl-edit", THEIR_FIELDS))
    ports = [*CREATED["spec"]["ports"], *collides["spec"]["ports"]]
    left = an_object({**still, "spec": {**still["spec"], "ports": ports}})
    world.says("PATCH", TO, an_object(changed(collides, resourceVersion="8")), left)
    ended = world.run("-o", "json")
    why = "spec.ports[http]: not removed, because kubectl-edit also sets it"
    assert (ended.outcomes, ended.code) == ({"Service pr-1": ("failed", why)}, 1)


BESIDE: Path = ("f:spec", "f:sessionAffinity")
REFUSED = status(422, "Invalid", 'Service "pr-1" is invalid: spec.sessionAffinity: may not be set with that')
UNCHANGEABLE = status(422, "Invalid", 'Service "pr-1" is invalid: spec.clusterIP: field is immutable')


@pytest.fixture
def beside(world: World) -> Manifest:
    """A drifted Service in which somebody has also set a field that the server does not take beside ours."""
    by = [entry("kubectl-edit", [NAME_LABEL]), entry("an-operator", [BESIDE, ("f:spec", "f:replicas")])]
    service = edited(drifted(), "spec", "sessionAffinity", to="ClientIP")
    service = changed(service, managedFields=[*service["metadata"]["managedFields"][:1], *by])
    world.has(a_preview("pr-1"), there(DEPLOYMENT), service, there(MAPPING))
    return service


def test_fields_of_others_are_removed_where_the_server_refuses_both(world: World, beside: Manifest) -> None:
    def taken(request: httpx.Request) -> httpx.Response:
        return an_object(after_patch(beside, world.sent[-1].body))

    world.says("PATCH", TO, REFUSED, taken, an_object(after_apply(CREATED, None)))
    ended = world.run()
    refused, takeover, apply = world.bodies("PATCH", TO)
    assert (refused, apply) == (guarded("7"), guarded("8"))
    *others, ours = takeover[2]["value"]
    assert others == [entry("kubectl-edit", [NAME_LABEL]), entry("an-operator", [("f:spec", "f:replicas")])]
    assert ours["fieldsV1"]["f:spec"]["f:sessionAffinity"] == {}
    told = "~ Service shop/pr-1  done: removed spec.sessionAffinity, which the API server refused beside ours"
    assert (told in ended.out, ended.code) == (True, 0)


@pytest.mark.parametrize("statuses", [0, 1, 3], ids="{} statuses written meanwhile".format)
def test_where_that_does_not_help_what_was_theirs_is_theirs_again(
    world: World, beside: Manifest, statuses: int
) -> None:
    versions = iter(map(str, range(9, 99)))

    def taken(request: httpx.Request) -> httpx.Response:
        return an_object(after_patch(beside, world.sent[-1].body))

    def later(request: httpx.Request) -> httpx.Response:
        patch = next(sent.body for sent in world.sent if isinstance(sent.body, list))
        return an_object(changed(after_patch(beside, patch), resourceVersion=next(versions)))

    meanwhile = [CONFLICT] * statuses
    world.says("PATCH", TO, REFUSED, taken, *meanwhile, REFUSED, *meanwhile, an_object(beside))
    world.says("GET", TO, *[later] * (2 * statuses), an_object(beside))
    ended = world.run("-o", "json")
    *_, back = world.bodies("PATCH", TO)
    version = str(8 + 2 * statuses)
    assert [step["value"] for step in back] == [
        "uid-of-Service",
        version,
        beside["metadata"]["managedFields"],
    ]
    assert ended.outcomes["Service pr-1"][0] == "rejected"


@pytest.mark.parametrize(("answer", "annotations"), [(UNCHANGEABLE, {}), (REFUSED, KEPT_EDITS)])
def test_what_others_set_stays_where_it_is_not_the_reason_or_is_to_stay(
    world: World, beside: Manifest, answer: httpx.Response, annotations: dict[str, str]
) -> None:
    kept = edited(beside, "metadata", "annotations", to={**beside["metadata"]["annotations"], **annotations})
    world.has(kept)
    world.says("PATCH", TO, answer)
    ended = world.run("-o", "json")
    assert (world.count("PATCH", TO), ended.outcomes["Service pr-1"][0]) == (1, "rejected")


def test_the_text_names_what_failed_and_sums_up(world: World) -> None:
    world.has(*DRIFTED.objects)
    world.says("PATCH", TO, CONFLICT)
    assert world.run().out.splitlines()[-2:] == [
        f"x Service shop/pr-1  failed: Service shop/pr-1: {TOO_OFTEN}",
        "Done: 0 created, 0 updated, 0 deleted, 1 failed.",
    ]
