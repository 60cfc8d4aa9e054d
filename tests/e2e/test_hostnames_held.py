"""Whoever holds a hostname keeps it, against an author with the rights on previews and routes of one namespace.

The holder's status records it, where that author cannot write.
"""

import time
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pytest

from reconcile.model.names import PLURAL
from tests.controlplane import KubectlFailed, allow
from tests.controlplane.rights import Account, service_account
from tests.e2e.granted import allow_runs
from tests.e2e.story import READS, Result, Story, hosts_of

AUTHORS = ("get", "list", "create", "update", "patch", "delete")


@dataclass(frozen=True)
class Author:
    """Somebody with rights on previews and routes of one namespace, and what he does by hand."""

    story: Story
    account: Account

    def apply(self, name: str, fqdn: str, **metadata: Any) -> None:
        manifest = {
            "apiVersion": self.story.names.api_version,
            "kind": "PreviewEnvironment",
            "metadata": {"name": name, **metadata},
            "spec": {"image": "registry.example.com/web:1", "fqdn": fqdn, "replicas": 0},
        }
        self.kubectl("apply", "--server-side", "-f", "-", input=manifest)

    def patch(self, what: str, patch: str) -> None:
        self.kubectl("patch", what, "--type=merge", "-p", patch)

    def kubectl(self, *arguments: str, **kwargs: Any) -> None:
        place = ("-n", self.story.namespace)
        self.story.plane.kubectl(*arguments, *place, kubeconfig=self.account.kubeconfig, **kwargs)


@pytest.fixture
def holder(alone: Story) -> Story:
    return replace(alone, route="Ingress")


@pytest.fixture
def thief(holder: Story, elsewhere: Story) -> Author:
    story = replace(elsewhere, route="Ingress")
    account = service_account(story.plane, story.namespace, "author")
    previews, *routes = f"{PLURAL}.{story.group}", "ingresses.networking.k8s.io", "mappings.getambassador.io"
    allow(story.plane, account.user, AUTHORS, [previews, *routes], namespace=story.namespace)
    return Author(story, account)


def both(holder: Story, *arguments: str, code: int = 0) -> Result:
    """A run over all namespaces."""
    return holder.reconcile(*arguments, code=code, everywhere=True)


def hosts(story: Story) -> list[str]:
    return hosts_of(story.live("Ingress")) if story.there("Ingress") else []


def test_a_hostname_written_by_hand_into_a_route_takes_it_from_nobody(holder: Story, thief: Author) -> None:
    mine = holder.host("pr-1")
    thief.apply("pr-1", f"old.{thief.story.namespace}.example.com")
    both(holder)
    holder.apply(replicas=0)
    both(holder)
    assert holder.live("PreviewEnvironment")["status"]["hostname"]["name"] == mine
    # An older preview asks for it, and its author writes it into its route: he has it now as well.
    thief.apply("pr-1", mine)
    route = hosts_json(mine)
    thief.patch("ingress/pr-1", route)
    told = both(holder, code=1)
    place = f"{thief.story.namespace}/pr-1"
    assert f"- Ingress {place} it has {mine}, which belongs to {holder.namespace}/pr-1" in told.changes
    assert (hosts(holder), hosts(thief.story)) == ([mine], [])
    ready = conditions(thief.story)["Ready"]
    assert (ready["reason"], ready["message"]) == (
        "HostnameConflict", f"{mine}: belongs to {holder.namespace}/pr-1; change spec.fqdn",
    )  # fmt: skip
    assert "hostname" not in thief.story.live("PreviewEnvironment")["status"]
    # And the holder is mended as ever.
    holder.patch("Ingress", {"spec": {"rules": None, "defaultBackend": {"service": BACKEND}}})
    both(holder, code=1)
    assert hosts(holder) == [mine]
    assert is_quiet(holder)


def is_quiet(holder: Story) -> bool:
    """Whether another run only reads."""
    size = holder.plane.audit_log.stat().st_size
    both(holder, code=1)
    return {event.verb for event in holder.plane.audit(holder.account.user, size)} <= READS


BACKEND = {"name": "pr-1", "port": {"number": 80}}


def hosts_json(host: str) -> str:
    return f'{{"spec": {{"rules": [{{"host": "{host}"}}]}}}}'


def conditions(story: Story) -> dict[str, Any]:
    return {c["type"]: c for c in story.live("PreviewEnvironment")["status"]["conditions"]}


def test_an_annotation_keeps_no_hostname_that_was_added_by_hand(holder: Story, thief: Author) -> None:
    """A Mapping takes a second spelling beside ours, and the annotation keeps what is added for debugging."""
    mapped = replace(holder, route="Mapping")
    mine, other = holder.host("pr-1"), f"old.{thief.story.namespace}.example.com"
    thief.apply("pr-1", other)
    both(mapped)
    keep = f'"metadata": {{"annotations": {{"{holder.group}/hand-edits": "keep"}}}}'
    thief.patch("mapping/pr-1", f'{{{keep}, "spec": {{"timeout_ms": 9000, "host": "{mine}"}}}}')
    both(mapped)
    spec = thief.story.live("Mapping")["spec"]
    assert "host" not in spec
    assert spec["hostname"] == other


def test_a_run_that_sees_one_namespace_gives_nobody_what_it_cannot_know_to_be_free(
    holder: Story, thief: Author
) -> None:
    mine = holder.host("pr-1")
    thief.apply("pr-1", mine)
    holder.apply(replicas=0)
    allowed = ("--allow-fqdn", f"*.{holder.namespace}.example.com")
    holder.reconcile("--namespace-only", *allowed)
    assert hosts(holder) == [mine]
    account = service_account(holder.plane, thief.story.namespace, "narrow")
    allow_runs(holder.plane, account.user, holder.group, namespace=thief.story.namespace)
    narrow = replace(thief.story, account=account)
    told = narrow.reconcile("--namespace-only", code=1)
    assert (
        f"! Preview {narrow.namespace}/pr-1 {mine}: is not assigned while only this namespace is read, "
        "because others may use it; pass --allow-fqdn with the hostnames of this namespace"
    ) in told.changes
    assert not narrow.there("Ingress")
    # Where its operator says that the hostname is the namespace's own, a run of all puts that right.
    time.sleep(1)  # statuses have whole seconds, and of one second the name decides
    narrow.reconcile("--namespace-only", *allowed)
    assert hosts(narrow) == [mine]
    both(holder, code=1)
    assert (hosts(holder), hosts(narrow)) == ([mine], [])
    # What it has on record it keeps, and mends, without the option.
    alone = service_account(holder.plane, holder.namespace, "alone")
    allow_runs(holder.plane, alone.user, holder.group, namespace=holder.namespace)
    held = replace(holder, account=alone)
    held.delete("Ingress")
    held.reconcile("--namespace-only")
    assert hosts(held) == [mine]


def test_an_author_cannot_write_the_record(thief: Author) -> None:
    thief.apply("pr-1", "pr-1.example.com")
    preview = f"{PLURAL}.{thief.story.group}/pr-1"
    record = '{"status": {"hostname": {"name": "x.example.com", "heldSince": "2020-01-01T00:00:00Z"}}}'
    with pytest.raises(KubectlFailed, match="forbidden"):
        thief.kubectl("patch", preview, "--subresource=status", "--type=merge", "-p", record)
    thief.patch(preview, record)
    assert "status" not in thief.story.live("PreviewEnvironment")


@pytest.mark.parametrize("mark", ["labels", "annotations", "ownerReferences"])
def test_the_marks_of_a_route_in_conflict_are_mended(holder: Story, thief: Author, mark: str) -> None:
    mine, old = holder.host("pr-1"), f"old.{thief.story.namespace}.example.com"
    holder.apply(replicas=0)
    thief.apply("pr-1", old)
    both(holder)
    thief.apply("pr-1", mine)
    both(holder, code=1)
    before = thief.story.live("Ingress")
    group = holder.group
    gone = {"labels": {f"{group}/preview": None}, "annotations": {f"{group}/identity": None}}
    thief.story.patch("Ingress", {"metadata": {mark: gone.get(mark)}})
    both(holder, code=1)
    after = thief.story.live("Ingress")
    assert after["metadata"][mark] == before["metadata"][mark]
    assert (after["spec"], hosts(thief.story)) == (before["spec"], [old])
    assert is_quiet(holder)


BY_HAND: dict[str, dict[str, Any]] = {
    "a default": {"spec": {"defaultBackend": {"service": BACKEND}}},
    "another class": {"spec": {"ingressClassName": "other"}},
    "no rules": {"spec": {"rules": None, "defaultBackend": {"service": BACKEND}}},
    "a label": {"metadata": {"labels": {"debug": "yes"}}},
}


@pytest.mark.parametrize("edits", [*combinations(BY_HAND, 1), tuple(BY_HAND)], ids="+".join)
def test_what_is_edited_on_a_route_in_conflict_is_left_alone(
    holder: Story, thief: Author, edits: tuple[str, ...]
) -> None:
    mine, old = holder.host("pr-1"), f"old.{thief.story.namespace}.example.com"
    holder.apply(replicas=0)
    thief.apply("pr-1", old)
    both(holder)
    thief.apply("pr-1", mine)
    for edit in edits:
        thief.story.patch("Ingress", BY_HAND[edit])
    both(holder, code=1)
    assert is_quiet(holder)
    thief.apply("pr-1", old)
    both(holder)
    assert hosts(thief.story) == [old]


def test_a_route_in_conflict_keeps_no_hostname_that_another_holds(holder: Story, thief: Author) -> None:
    mine, other = holder.host("pr-1"), holder.host("pr-2")
    for name in ("pr-1", "pr-2"):
        holder.apply(name, replicas=0)
    thief.apply("pr-1", f"old.{thief.story.namespace}.example.com")
    both(holder)
    thief.apply("pr-1", other)
    thief.patch("ingress/pr-1", hosts_json(mine))
    told = both(holder, code=1)
    place = f"{thief.story.namespace}/pr-1"
    assert f"- Ingress {place} it has {mine}, which belongs to {holder.namespace}/pr-1" in told.changes
    assert (hosts(holder), hosts(thief.story)) == ([mine], [])
    assert is_quiet(holder)


def test_what_is_left_of_a_gone_preview_keeps_no_hostname_that_another_holds(
    holder: Story, thief: Author
) -> None:
    """Protected by its author it would stay for ever, and he may edit it all the same."""
    mine = holder.host("pr-1")
    holder.apply(replicas=0)
    thief.apply("pr-1", f"old.{thief.story.namespace}.example.com")
    both(holder)
    thief.patch("ingress/pr-1", f'{{"metadata": {{"annotations": {{"{holder.group}/prune": "disabled"}}}}}}')
    thief.kubectl("delete", f"{PLURAL}.{thief.story.group}/pr-1", "--cascade=orphan")
    both(holder)
    assert thief.story.there("Ingress")
    thief.patch("ingress/pr-1", hosts_json(mine))
    told = both(holder)
    place = f"{thief.story.namespace}/pr-1"
    assert f"- Ingress {place} it has {mine}, which belongs to {holder.namespace}/pr-1" in told.changes
    assert (hosts(holder), hosts(thief.story)) == ([mine], [])


def test_a_preview_that_a_finalizer_holds_keeps_no_hostname_that_another_holds(
    holder: Story, thief: Author
) -> None:
    mine = holder.host("pr-1")
    holder.apply(replicas=0)
    thief.apply("pr-1", f"old.{thief.story.namespace}.example.com", finalizers=["example.com/for-ever"])
    both(holder)
    thief.kubectl("delete", f"{PLURAL}.{thief.story.group}/pr-1", "--wait=false")
    thief.patch("ingress/pr-1", hosts_json(mine))
    told = both(holder)
    place = f"{thief.story.namespace}/pr-1"
    assert f"- Ingress {place} it has {mine}, which belongs to {holder.namespace}/pr-1" in told.changes
    assert (hosts(holder), hosts(thief.story)) == ([mine], [])
    thief.patch(f"{PLURAL}.{thief.story.group}/pr-1", '{"metadata": {"finalizers": null}}')
