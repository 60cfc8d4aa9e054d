"""The shipped rights are the ones that a run uses: no more, and none that would not be missed.

One life of a preview, through all kinds of route, a race and an end, asks for everything that is granted.
With any one verb taken away, that life is told which right is missing: PROOF=whole (`make whole`) takes
each, else it is every tenth.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from reconcile.cluster.kubernetes import connect
from reconcile.desire.children import RESOURCES
from reconcile.errors import Rejected
from reconcile.kube.objects import SERVICE
from reconcile.model.names import PLURAL
from tests.builders import EVERY_FIELD
from tests.controlplane import AuditEvent, eventually, grant, service_account, shipped
from tests.e2e.gate import gate_before, write_of
from tests.e2e.process import behind
from tests.e2e.story import ROUTES, Result, Story
from tests.whole import WHOLE

Right = tuple[str, str]
"""A verb and a resource, such as `("patch", "previewenvironments/status")`."""

CREATED = 201
CATCH_ALL = {
    "apiVersion": RESOURCES["HTTPRoute"].api_version,
    "kind": "HTTPRoute",
    "metadata": {"name": "catch-all"},
    "spec": {"parentRefs": [{"name": "web", "namespace": "infra"}]},
}
"""A stranger's route without hostnames: it has those of its Gateway's listeners."""
OPTIONS = ("--allow-secret", "**")
"""What a preview with every field needs of an operator."""


def granted() -> set[Right]:
    """The rights of cronjob/rights.yaml; no resource is in two API groups."""
    return {
        (verb, resource) for rule in shipped() for resource in rule["resources"] for verb in rule["verbs"]
    }


def used(events: Iterator[AuditEvent] | tuple[AuditEvent, ...]) -> set[Right]:
    """What was asked and given. An apply that makes an object takes the right to create it, too."""
    rights = set()
    for event in events:
        rights.add((event.verb, event.resource))
        if event.verb == "patch" and event.code == CREATED:
            rights.add(("create", event.resource))
    return rights


@contextmanager
def raced(story: Story, kind: str, folder: Path) -> Iterator[Story]:
    """The same user; just before the write of this child, somebody else changes it."""
    with gate_before(story) as gate:
        hold = gate.hold(write_of(RESOURCES[kind].plural))

        def meanwhile() -> None:
            hold.reached()
            story.patch(kind, {"metadata": {"annotations": {"touched": "yes"}}})
            hold.release()

        thread = Thread(target=meanwhile, daemon=True)
        thread.start()
        yield behind(story, gate, folder)
        hold.release()


def asked_for(story: Story, verb: str, resource: str) -> Result | None:
    """What a run says; None where nothing of the sort was asked for so far."""
    result = story.attempt()
    return result if any((e.verb, e.resource) == (verb, resource) for e in story.requests()) else None


def life(story: Story, folder: Path) -> Iterator[Result]:
    """What a run says at each turn of a preview's life. Each right is asked for at one of them."""
    story.create(CATCH_ALL)
    story.apply(**EVERY_FIELD)
    yield story.attempt(*OPTIONS)
    for kind in ROUTES:
        routed = replace(story, route=kind)
        yield routed.attempt(*OPTIONS)
        if kind == "HTTPRoute" and routed.there(kind):
            routed.accept()
            yield routed.attempt(*OPTIONS)
        if routed.there(kind):
            routed.apply(**EVERY_FIELD, fqdn=story.host(f"by-{kind.lower()}"))
            with raced(routed, kind, folder) as late:
                yield late.attempt(*OPTIONS)
    last = replace(story, route="HTTPRoute")
    last.apply(image="fail.test/pull:1")
    yield last.attempt()

    yield eventually(lambda: asked_for(last, "list", "pods"), "the pods are asked for", pause=0.5)
    last.apply(image="fail.test/unready:1")
    yield eventually(lambda: asked_for(last, "list", "events"), "the events are asked for", pause=0.5)
    story.orphan()
    story.delete("HTTPRoute", "catch-all")
    yield last.attempt("--max-deletes", "100%")  # it may have been the only one in the cluster


@pytest.mark.usefixtures("control_plane", "gateway_api")
def test_one_life_uses_every_right_that_is_shipped_and_no_other(story: Story, tmp_path: Path) -> None:
    for result in life(story, tmp_path):
        assert result.code == 0, f"{result.stdout}\n{result.stderr}"
    assert story.children() == []
    assert used(story.requests()) == granted()


@pytest.mark.usefixtures("control_plane", "gateway_api")
@pytest.mark.parametrize(("verb", "resource"), sorted(granted())[:: 1 if WHOLE else 10])
def test_each_right_is_missed_by_name(story: Story, tmp_path: Path, verb: str, resource: str) -> None:
    account = service_account(story.plane, story.namespace, "short")
    rules = [
        {**rule, "verbs": [one for one in rule["verbs"] if (one, rule["resources"][0]) != (verb, resource)]}
        for rule in shipped()
    ]
    grant(story.plane, account.user, [rule for rule in rules if rule["verbs"]])
    short = replace(story, account=account)
    plural, _, subresource = resource.partition("/")
    right = (
        f"no right to {verb}{' ' + subresource if subresource else ''}{' of' if subresource else ''} {plural}"
    )
    for result in life(short, tmp_path):
        said = result.stdout + result.stderr
        if right in said:
            # These are extras: a run does its work without them, and says so.
            extra = resource in (f"{PLURAL}/status", "pods", "events", "gateways")
            assert (result.code == 0) == extra, f"exit {result.code}\n{said}"
            return
        assert "no right to" not in said, said
    pytest.fail(f"nobody missed the right to {verb} {resource}")


def test_an_owner_reference_that_blocks_would_take_more(story: Story) -> None:
    """The API server of the tests enforces rights to owner references, and ours get along with that."""
    story.apply()
    story.reconcile()
    child = story.live("Service")
    (reference,) = child["metadata"]["ownerReferences"]
    blocking = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            **{name: child["metadata"][name] for name in ("name", "namespace", "uid", "resourceVersion")},
            "ownerReferences": [{**reference, "blockOwnerDeletion": True}],
        },
        "spec": {"ports": child["spec"]["ports"], "selector": child["spec"]["selector"]},
    }
    kubeconfig = str(story.account.kubeconfig)
    cluster = connect(kubeconfig, None, deadline_seconds=60, concurrency=1, user_agent="tests")
    try:
        with pytest.raises(Rejected, match="can't set finalizers on"):
            cluster.apply(SERVICE, blocking, manager="somebody", force=True)
    finally:
        cluster.close()
