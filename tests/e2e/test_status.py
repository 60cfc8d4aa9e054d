"""What kubectl shows of a preview, and waits for, on a real API server with pods that start or fail."""

from collections.abc import Iterator
from typing import Any

import pytest

from reconcile.desire.children import CHILDREN
from reconcile.model import rules
from reconcile.model.crd import crd
from tests.controlplane import AskFailed, KubectlFailed, eventually, install_crds
from tests.e2e.groups import PREVIEWS, any_spec, installation, without_in_status
from tests.e2e.story import Story


def status(story: Story, name: str = "pr-1") -> dict[str, Any]:
    found: dict[str, Any] = story.live("PreviewEnvironment", name).get("status", {})
    return found


def conditions(story: Story, name: str = "pr-1") -> dict[str, tuple[str, str, str]]:
    """Type to status, reason and message."""
    found = status(story, name).get("conditions", [])
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in found}


def ready(story: Story, name: str = "pr-1") -> tuple[str, str, str]:
    return conditions(story, name)["Ready"]


def told(story: Story, reason: str, name: str = "pr-1") -> str:
    """The message, once runs tell this reason."""

    def once() -> str:
        story.reconcile()
        return ready(story, name)[2] if ready(story, name)[1] == reason else ""

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


def test_the_status_is_managed_and_an_authors_apply_leaves_it_alone(story: Story) -> None:
    story.apply()
    story.reconcile("--url-scheme", "http")
    preview = story.live("PreviewEnvironment")
    ours = [e for e in preview["metadata"]["managedFields"] if e["manager"] == story.names.field_manager]
    assert [(entry["operation"], entry["subresource"]) for entry in ours] == [("Apply", "status")]
    before = status(story)
    assert before["url"] == f"http://{story.host('pr-1')}"
    assert story.apply(revision="b")["status"] == before
    assert story.live("PreviewEnvironment")["metadata"]["generation"] == 2
    twice = {"status": {"conditions": [before["conditions"][0]] * 2}}
    path = f"{story.path_of('PreviewEnvironment', 'pr-1')}/status"
    with pytest.raises(AskFailed):  # one entry for each type
        story.ask("PATCH", path, twice, "application/merge-patch+json")


# what cannot be written


@pytest.fixture(params=["no subresource", "no schema"])
def poorer(request: pytest.FixtureRequest, story: Story) -> Iterator[Story]:
    """A story with a CRD of its own group, which keeps no status."""

    def poor(version: dict[str, Any]) -> None:
        if request.param == "no subresource":
            del version["subresources"]
        else:
            del version["schema"]["openAPIV3Schema"]["properties"]["status"]

    with installation(story, poor) as found:
        yield found


def test_a_crd_without_status_is_reported_and_nothing_expires(poorer: Story) -> None:
    poorer.apply(ttl="1s")
    first, second = (poorer.reconcile().work for _ in range(2))
    for lines in (first, second):
        assert "reconcile --print-crd" in lines[-2]
        assert lines[-1].startswith("a ttl counts from what a run wrote into the status")
    assert poorer.there("Deployment")


@pytest.fixture
def older(story: Story) -> Iterator[Story]:
    """A story with a CRD of its own group, which is older than what a status records by now."""
    with installation(story, lambda version: without_in_status(version, "hostname")) as found:
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


LONG = [{"name": f"V{number}", "value": "x" * 32_000} for number in range(3)]


def refuses_long_specs(story: Story) -> bool:
    """Whether the CRD's rules are in force: an API server takes a new schema a moment after it was written."""
    try:
        story.ask(
            "POST", f"{story.path_of('PreviewEnvironment')}?dryRun=All", story.preview("other", env=LONG)
        )
    except AskFailed as error:
        return error.code == 422
    return False


def test_a_preview_from_before_the_limit_that_is_too_long_is_reported_and_can_be_deleted(
    story: Story,
) -> None:
    with installation(story, any_spec) as own:
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
