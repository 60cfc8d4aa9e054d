"""What kubectl shows of a preview, and waits for, on a real API server with pods that start or fail."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.children import CHILDREN
from reconcile.model import rules
from reconcile.model.crd import crd
from tests.controlplane import AskFailed, ControlPlane, KubectlFailed, allow, eventually, install_crds
from tests.controlplane.rights import service_account
from tests.e2e.groups import PREVIEWS, changed_crd, installation, without_in_status
from tests.e2e.story import CHILD_RESOURCES, STATUS, Story


def status(story: Story, name: str = "pr-1") -> dict[str, Any]:
    found: dict[str, Any] = story.live("PreviewEnvironment", name).get("status", {})
    return found


def conditions(story: Story, name: str = "pr-1") -> dict[str, tuple[str, str, str]]:
    """Type to status, reason and message."""
    found = status(story, name).get("conditions", [])
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in found}


def ready(story: Story, name: str = "pr-1") -> tuple[str, str, str]:
    return conditions(story, name)["Ready"]


def told(story: Story, reason: str) -> str:
    """The message, once runs tell this reason."""

    def once() -> str:
        story.reconcile()
        return ready(story)[2] if ready(story)[1] == reason else ""

    return eventually(once, f"Ready says {reason}", timeout=90, pause=0.5)


@pytest.mark.usefixtures("control_plane")
def test_kubectl_waits_for_a_preview_and_shows_it_and_then_all_is_silent(story: Story) -> None:
    story.apply(ttl="72h", replicas=2)
    story.reconcile()
    wait = ("wait", "-n", story.namespace, "--for=condition=Ready", f"{PREVIEWS}/pr-1")
    with pytest.raises(KubectlFailed, match="condition not met"):
        story.plane.kubectl(*wait, "--timeout=0s")
    told(story, "Available")
    assert (
        story.plane.kubectl(*wait, "--timeout=5s") == "previewenvironment.platform9.com/pr-1 condition met\n"
    )
    head, line = story.plane.kubectl("get", PREVIEWS, "-n", story.namespace).splitlines()
    assert head.split() == ["NAME", "URL", "READY", "REASON", "EXPIRES", "AGE"]
    url, expires = f"https://{story.host('pr-1')}", status(story)["expiresAt"]
    assert line.split()[:-1] == ["pr-1", url, "True", "Available", expires]
    story.silent()
    assert len(story.asked_by_a_run()) == len(CHILDREN) + 1


@pytest.mark.usefixtures("control_plane")
def test_a_status_is_written_once_for_each_news(story: Story) -> None:
    story.apply()
    story.reconcile()
    told(story, "Available")
    story.silent()
    written = [event for event in story.requests() if event.resource == STATUS]
    assert [event.code for event in written] == [200] * len(written)
    versions = story.live("PreviewEnvironment")["metadata"]["resourceVersion"]
    story.reconcile()
    assert story.live("PreviewEnvironment")["metadata"]["resourceVersion"] == versions


@pytest.mark.usefixtures("control_plane")
@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("fail.test/pull:1", "ImagePullBackOff: Back-off pulling image fail.test/pull:1: not found"),
        ("fail.test/dies:1", "CrashLoopBackOff: exit code 1"),
    ],
)
def test_pods_that_fail_are_told_with_their_own_reason(story: Story, image: str, message: str) -> None:
    story.apply(image=image)
    story.reconcile()
    assert told(story, "RolloutFailed") == message
    assert conditions(story)["Stalled"] == ("True", "RolloutFailed", message)
    assert "pods" in {event.resource for event in story.asked_by_a_run()}
    assert STATUS not in {event.resource for event in story.asked_by_a_run()}
    story.apply(image="registry.example.com/web:2")
    story.reconcile()
    assert ready(story)[:2] == ("False", "Progressing")
    told(story, "Available")
    assert set(conditions(story)) == {"Ready"}


@pytest.mark.usefixtures("control_plane")
def test_pods_that_run_and_are_not_ready_are_on_their_way(story: Story) -> None:
    story.apply(image="fail.test/unready:1")
    story.reconcile()
    pods = f"/api/v1/namespaces/{story.namespace}/pods"

    def runs() -> bool:
        items = story.ask("GET", pods)["items"]
        return bool(items) and items[0]["status"]["phase"] == "Running"

    eventually(runs, "its pod runs", timeout=60)
    story.reconcile()
    probe = "readiness probe TCP :80: no success yet"
    assert conditions(story) == {"Ready": ("False", "Progressing", f"0 of 1 pods are available: {probe}")}


@pytest.mark.usefixtures("control_plane")
def test_a_pod_that_fits_nowhere_is_told(story: Story) -> None:
    story.apply(resources={"requests": {"cpu": "10000"}})
    story.reconcile()
    assert told(story, "RolloutFailed").startswith(
        "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu"
    )


@pytest.mark.usefixtures("control_plane")
def test_a_quota_that_refuses_pods_is_told(story: Story) -> None:
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}}
    story.ask("POST", f"/api/v1/namespaces/{story.namespace}/resourcequotas", quota)
    eventually(lambda: quota_is_counted(story), "the quota is in force", timeout=60)
    story.apply()
    story.reconcile()
    message = told(story, "RolloutFailed")
    assert message == "FailedCreate: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0"


def quota_is_counted(story: Story) -> bool:
    path = f"/api/v1/namespaces/{story.namespace}/resourcequotas/small"
    return bool(story.ask("GET", path).get("status", {}).get("hard"))


@pytest.mark.usefixtures("control_plane")
def test_a_change_is_not_ready_until_its_own_pods_are(story: Story) -> None:
    """The Deployment that the list showed was available; the answer to the update counts."""
    story.apply()
    story.reconcile()
    told(story, "Available")
    story.apply(image="fail.test/unready:1")
    story.reconcile()
    assert ready(story)[:2] == ("False", "Progressing")
    assert status(story)["observedGeneration"] == 2
    story.reconcile()
    assert ready(story)[:2] == ("False", "Progressing")


@pytest.mark.usefixtures("control_plane")
def test_a_suspended_preview_is_not_ready_and_not_stalled(story: Story) -> None:
    story.apply(suspend=True)
    story.reconcile()
    assert conditions(story) == {"Ready": ("False", "Suspended", "suspended (spec.suspend is true)")}
    story.silent()


@pytest.mark.usefixtures("control_plane", "gateway_api")
def test_an_httproute_is_ready_when_its_gateway_takes_it(story: Story) -> None:
    story = replace(story, route="HTTPRoute")
    story.apply()
    story.reconcile()
    silent = f"Gateway infra/web has not taken HTTPRoute {story.namespace}/pr-1 yet"
    assert told(story, "RouteNotAccepted") == silent
    story.answer(Accepted="False", ResolvedRefs="True")
    story.reconcile()
    refused = f"Gateway infra/web does not take HTTPRoute {story.namespace}/pr-1: NoAccepted"
    assert conditions(story)["Stalled"] == ("True", "RouteNotAccepted", refused)
    story.accept()
    story.reconcile()
    assert conditions(story) == {"Ready": ("True", "Available", "its pods are available")}
    story.silent()


def test_the_loser_of_a_hostname_is_told_who_has_it(story: Story) -> None:
    story.apply("pr-1")
    story.reconcile()
    story.apply("pr-2", fqdn=story.host("pr-1"))
    story.reconcile(code=1)
    message = f"{story.host('pr-1')}: belongs to {story.namespace}/pr-1; change spec.fqdn"
    assert conditions(story, "pr-2") == {
        "Ready": ("False", "HostnameConflict", message),
        "Stalled": ("True", "HostnameConflict", message),
    }
    assert "url" not in status(story, "pr-2")


def test_a_dry_run_writes_none(story: Story) -> None:
    story.apply()
    story.reconcile("--dry-run")
    assert status(story) == {}


def test_the_authors_next_apply_leaves_the_status_alone(story: Story) -> None:
    story.apply()
    story.reconcile("--url-scheme", "http")
    assert status(story)["url"] == f"http://{story.host('pr-1')}"
    before = status(story)
    assert story.apply(revision="b")["status"] == before
    assert story.live("PreviewEnvironment")["metadata"]["generation"] == 2


def test_a_preview_that_is_going_gets_none(story: Story) -> None:
    story.apply(finalizers=["example.com/hold"])
    story.delete("PreviewEnvironment")
    story.reconcile()
    assert status(story) == {}
    story.patch("PreviewEnvironment", {"metadata": {"finalizers": None}})


# what cannot be written


def test_without_the_right_to_write_it_the_run_goes_on_and_says_so(story: Story) -> None:
    account = service_account(story.plane, story.namespace, "narrow")
    allow(story.plane, account.user, ["get", "list"], ["previewenvironments.platform9.com"])
    allow(story.plane, account.user, ["get", "list", "create", "patch", "delete"], CHILD_RESOURCES)
    allow(story.plane, account.user, ["create"], ["events.events.k8s.io"])
    narrow = replace(story, account=account)
    narrow.apply("pr-1", ttl="1h")
    narrow.apply("pr-2")
    lines = narrow.reconcile().work
    assert lines[-3] == "Done: 6 created, 0 updated, 0 deleted."
    assert lines[-2].startswith(
        f"the status of {story.namespace}/pr-1 and 1 more was not written: patch status of PreviewEnvironment"
    )
    assert "no right to patch status of previewenvironments.platform9.com" in lines[-2]
    assert lines[-1] == (
        "a ttl counts from what a run wrote into the status: without it a preview never expires"
    )
    assert status(story) == {}


@pytest.fixture(params=["no subresource", "no schema"])
def poorer(request: pytest.FixtureRequest, story: Story) -> Iterator[Story]:
    """A story with a CRD of its own group, which keeps no status."""

    def poor(version: dict[str, Any]) -> None:
        if request.param == "no subresource":
            del version["subresources"]
        else:
            del version["schema"]["openAPIV3Schema"]["properties"]["status"]

    with changed_crd(story, poor) as found:
        yield found


def test_a_crd_that_keeps_no_status_is_told_and_nothing_expires(poorer: Story) -> None:
    poorer.apply(ttl="1s")
    first, second = (poorer.reconcile().work for _ in range(2))
    for lines in (first, second):
        assert "reconcile --print-crd" in lines[-2]
        assert lines[-1].startswith("a ttl counts from what a run wrote into the status")
    assert poorer.there("Deployment")


@pytest.fixture
def older(story: Story) -> Iterator[Story]:
    """A story with a CRD of its own group, which is older than what a status records by now."""
    with changed_crd(story, lambda version: without_in_status(version, "hostname")) as found:
        yield found


def test_a_crd_that_is_older_costs_what_it_does_not_know_and_nothing_else(older: Story) -> None:
    for name in ("pr-1", "pr-2"):
        older.apply(name, replicas=0)
    for _ in range(3):
        lines = older.reconcile().work
        assert lines[-1].startswith("the CRD that is installed does not know status.hostname: statuses are ")
    assert ready(older, "pr-1")[1] == ready(older, "pr-2")[1]
    assert "hostname" not in status(older)
    version = older.live("PreviewEnvironment")["metadata"]["resourceVersion"]
    older.reconcile()
    assert older.live("PreviewEnvironment")["metadata"]["resourceVersion"] == version


def test_the_status_is_applied_by_our_field_manager(story: Story, api_server: ControlPlane) -> None:
    story.apply()
    story.reconcile()
    entries = story.live("PreviewEnvironment")["metadata"]["managedFields"]
    ours = [entry for entry in entries if entry["manager"] == "preview-reconcile.platform9.com"]
    assert [(entry["operation"], entry["subresource"]) for entry in ours] == [("Apply", "status")]
    twice = {"status": {"conditions": [status(story)["conditions"][0]] * 2}}
    path = f"{story.path_of('PreviewEnvironment', 'pr-1')}/status"
    with pytest.raises(AskFailed):  # one entry for each type
        api_server.ask("PATCH", path, twice, content_type="application/merge-patch+json")


LONG = [{"name": f"V{number}", "value": "x" * 32_000} for number in range(3)]


def refuses_long_specs(story: Story) -> bool:
    """Whether the CRD's rules are in force: an API server takes a new schema a moment after it was written."""
    manifest = {
        "apiVersion": story.names.api_version,
        "kind": "PreviewEnvironment",
        "metadata": {"name": "other"},
        "spec": {"image": "web:1", "fqdn": story.host("other"), "env": LONG},
    }
    try:
        story.ask("POST", f"{story.path_of('PreviewEnvironment')}?dryRun=All", manifest)
    except AskFailed as error:
        return error.code == 422
    return False


def test_a_preview_from_before_the_bound_that_is_too_long_is_told_so_and_can_be_deleted(story: Story) -> None:
    with installation(story, takes_anything=True) as own:
        own.apply(replicas=0, env=LONG[:2], finalizers=["example.com/hold"])
        own.reconcile()
        own.apply(replicas=0, env=LONG, finalizers=["example.com/hold"])
        there = own.everything()
        install_crds(own.plane, [crd(own.group)])
        eventually(lambda: refuses_long_specs(own), "the CRD's rules are in force")
        own.reconcile(code=1)
        assert ready(own) == ("False", "Invalid", f"spec: {rules.TOO_MUCH_TEXT}")
        assert own.everything() == there
        with pytest.raises(AskFailed, match="has more than 65536 characters"):
            own.patch("PreviewEnvironment", {"spec": {"image": "registry.example.com/web:2"}})
        own.patch("PreviewEnvironment", {"metadata": {"annotations": {"example.com/note": "seen"}}})
        own.delete("PreviewEnvironment")
        own.patch("PreviewEnvironment", {"metadata": {"finalizers": None}})
        assert not own.there("PreviewEnvironment")
        own.clear()
