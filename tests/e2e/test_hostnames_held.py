"""Whoever holds a hostname keeps it, against an author with the rights on previews and routes of one namespace.

The holder's status records it, where that author cannot write.
"""

import time
from dataclasses import replace
from typing import Any

import pytest

from tests.controlplane import KubectlFailed
from tests.controlplane.rights import service_account
from tests.e2e.author import Author
from tests.e2e.granted import allow_runs
from tests.e2e.story import READS, Result, Story, hosts_of
from tests.e2e.test_status import ready


@pytest.fixture
def holder(alone: Story) -> Story:
    return replace(alone, route="Ingress")


@pytest.fixture
def thief(elsewhere: Story) -> Author:
    return Author(replace(elsewhere, route="Ingress"), "Ingress", "Mapping")


def both(holder: Story, *arguments: str, code: int = 0) -> Result:
    """A run over all namespaces."""
    return holder.reconcile(*arguments, code=code, everywhere=True)


def hosts(story: Story) -> list[str]:
    return hosts_of(story.live("Ingress")) if story.there("Ingress") else []


def test_a_hostname_written_by_hand_into_a_route_takes_it_from_nobody(holder: Story, thief: Author) -> None:
    mine = holder.host("pr-1")
    thief.apply(fqdn=thief.story.host("old"), replicas=0)
    both(holder)
    holder.apply(replicas=0)
    both(holder)
    assert holder.live("PreviewEnvironment")["status"]["hostname"]["name"] == mine
    record = {"status": {"hostname": {"name": mine, "heldSince": "2020-01-01T00:00:00Z"}}}
    with pytest.raises(KubectlFailed, match="forbidden"):
        thief.patch(f"{thief.previews}/pr-1", record, "--subresource=status")
    thief.patch(f"{thief.previews}/pr-1", record)  # which the server leaves out
    # An older preview asks for it, and its author writes it into its route: he has it now as well.
    thief.apply(fqdn=mine, replicas=0)
    thief.patch("ingress/pr-1", with_host(mine))
    told = both(holder, code=1)
    place = f"{thief.story.namespace}/pr-1"
    assert f"- Ingress {place} it has {mine}, which belongs to {holder.namespace}/pr-1" in told.changes
    assert (hosts(holder), hosts(thief.story)) == ([mine], [])
    message = f"{mine}: belongs to {holder.namespace}/pr-1; change spec.fqdn"
    assert ready(thief.story) == ("False", "HostnameConflict", message)
    assert "hostname" not in thief.story.live("PreviewEnvironment")["status"]
    # And the holder is mended as ever.
    default = {"service": {"name": "pr-1", "port": {"number": 80}}}
    holder.patch("Ingress", {"spec": {"rules": None, "defaultBackend": default}})
    both(holder, code=1)
    assert hosts(holder) == [mine]
    assert is_quiet(holder)


def is_quiet(holder: Story) -> bool:
    """Whether another run only reads."""
    size = holder.plane.audit_log.stat().st_size
    both(holder, code=1)
    return {event.verb for event in holder.plane.audit(holder.account.user, size)} <= READS


def with_host(host: str) -> dict[str, Any]:
    """What an author writes by hand into a route."""
    return {"spec": {"rules": [{"host": host}]}}


def test_a_run_that_sees_one_namespace_gives_nobody_what_it_cannot_know_to_be_free(
    holder: Story, thief: Author
) -> None:
    mine = holder.host("pr-1")
    thief.apply(fqdn=mine, replicas=0)
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


def test_a_conflicting_routes_marks_are_corrected(holder: Story, thief: Author) -> None:
    mine, group = holder.host("pr-1"), holder.group
    changes: dict[str, Any] = {
        "labels": {f"{group}/preview": None}, "annotations": {f"{group}/identity": None}, "ownerReferences": None,
    }  # fmt: skip
    names = {mark: mark.lower() for mark in changes}
    holder.apply(replicas=0)
    for name in names.values():
        thief.apply(name, replicas=0)
    both(holder)
    for name in names.values():
        thief.apply(name, fqdn=mine, replicas=0)
    both(holder, code=1)
    before = {mark: thief.story.live("Ingress", name) for mark, name in names.items()}
    for mark, name in names.items():
        thief.story.patch("Ingress", {"metadata": {mark: changes[mark]}}, name)
    both(holder, code=1)
    for mark, name in names.items():
        after = thief.story.live("Ingress", name)
        assert after["metadata"][mark] == before[mark]["metadata"][mark]
        assert after["spec"] == before[mark]["spec"]
    # What is edited beside the marks is left alone while the conflict lasts, and asks for nothing again.
    default = {"service": {"name": "labels", "port": {"number": 80}}}
    thief.story.patch("Ingress", {"spec": {"rules": None, "defaultBackend": default}}, "labels")
    both(holder, code=1)
    assert is_quiet(holder)
    thief.apply("labels", replicas=0)
    both(holder, code=1)
    assert hosts_of(thief.story.live("Ingress", "labels")) == [thief.story.host("labels")]


def test_neither_a_route_of_a_gone_preview_nor_one_that_a_finalizer_holds_keeps_a_hostname(
    holder: Story, thief: Author
) -> None:
    """Protected by its author, or on a preview that never goes, it would stay, and he may edit it all the same."""
    mine = holder.host("pr-1")
    holder.apply(replicas=0)
    thief.apply("gone", replicas=0, annotations={f"{holder.group}/prune": "disabled"})
    thief.apply("held", replicas=0, finalizers=["example.com/for-ever"])
    both(holder)
    thief.kubectl("delete", thief.previews, "gone", "held", "--wait=false")
    both(holder)
    for name in ("gone", "held"):
        thief.patch(f"ingress/{name}", with_host(mine))
    changes = both(holder).changes
    for name in ("gone", "held"):
        place = f"{thief.story.namespace}/{name}"
        assert f"- Ingress {place} it has {mine}, which belongs to {holder.namespace}/pr-1" in changes
        assert not thief.story.there("Ingress", name)
    assert hosts(holder) == [mine]
    thief.patch(f"{thief.previews}/held", {"metadata": {"finalizers": None}})
