"""A pass that goes by fingerprints plans exactly what one that ignores them plans, whatever was done to the objects.

`PROOF=whole` (`make walks`) takes 1,500 steps; else it is a few of them. The seed is printed where they differ.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from reconcile.model.names import PRUNE_DISABLED
from reconcile.model.status import FINGERPRINT
from reconcile.plan.preview import draft_of
from tests.controlplane import AskFailed, service_account
from tests.e2e.granted import allow_runs
from tests.e2e.story import ROUTES, STATUS, Result, Story
from tests.e2e.strangers import export, marks, stranger
from tests.whole import WHOLE

STEPS = 1500 if WHOLE else 8
NAMES = ("pr-0", "pr-1", "pr-2", "pr-3")
MANAGERS = ("kubectl-edit", "kube-controller-manager", "somebody")
MERGE = "application/merge-patch+json"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that was changed a moment ago is marked too: nobody waits for a minute here."""
    monkeypatch.setattr("reconcile.status.publish.SETTLING", timedelta(hours=-1))


def fingerprint(story: Story, name: str = "pr-1") -> str:
    found: str = story.live("PreviewEnvironment", name).get("status", {}).get(FINGERPRINT, "")
    return found


def settled(story: Story, *names: str, **kwargs: Any) -> None:
    """Previews without pods, which a run has found unchanged and marked."""
    names = names or ("pr-1",)
    for name in names:
        story.apply(name, suspend=True)
    before: list[str] = []
    for turn in range(9):  # a controller may come between two runs
        story.reconcile(everywhere=True, **kwargs)
        if turn > 1 and (found := [fingerprint(story, name) for name in names]) == before:
            break
        before = found if turn > 1 else []


def read(story: Story, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Result, list[str]]:
    """A run, and which previews it has compared."""
    compared: list[str] = []

    def noted(draft: Any, world: Any) -> Any:
        compared.extend([draft.desired.preview.name] if draft.desired else [])
        return draft_of(draft, world)

    with monkeypatch.context() as patched:
        patched.setattr("reconcile.plan.plan.draft_of", noted)
        return story.attempt(*arguments, everywhere=True), sorted(compared)


def test_an_unchanged_preview_is_not_compared_until_something_changes(
    alone: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(alone, "pr-1", "pr-2")
    assert fingerprint(alone)
    assert fingerprint(alone, "pr-2")
    result, compared = read(alone, monkeypatch)
    assert (compared, result.lines[-1]) == ([], "Plan: 0 to create, 0 to update, 0 to delete, 6 unchanged.")
    assert read(alone, monkeypatch, "--no-fingerprint")[1] == ["pr-1", "pr-2"]
    assert read(alone, monkeypatch, "--url-scheme", "http", "--dry-run")[1] == ["pr-1", "pr-2"]
    alone.patch("Service", {"spec": {"ports": [{"port": 80, "targetPort": 1}]}}, by="kubectl-edit")
    result, compared = read(alone, monkeypatch)
    assert compared == ["pr-1"]
    assert "1 updated" in result.stdout
    assert read(alone, monkeypatch)[1] == ["pr-1"]  # once more, to find nothing
    assert read(alone, monkeypatch)[1] == []


def test_nothing_but_fingerprints_is_written_a_few_at_a_time(
    alone: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade there is one for each preview, and two installations would write them for ever."""
    settled(alone, *NAMES[:3])
    monkeypatch.setattr("reconcile.status.publish.MOST_MARKED", 1)
    for left in (2, 1, 0):
        before = len(statuses(alone))
        alone.reconcile(
            "--url-scheme", "https", "--pod-security", "baseline", "--max-ttl", "0", everywhere=True
        )
        assert len(statuses(alone)) - before == 1
        assert sum(compares(alone, name, "--max-ttl", "0") for name in NAMES[:3]) == left


def compares(story: Story, name: str, *arguments: str) -> bool:
    with pytest.MonkeyPatch.context() as patched:
        return name in read(story, patched, "--dry-run", *arguments)[1]


def statuses(story: Story) -> list[Any]:
    return [
        event for event in story.requests() if event.verb == "patch" and event.resource.endswith("/status")
    ]


def test_who_changes_a_child_all_the_time_costs_no_status_each_time(
    alone: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(alone)
    monkeypatch.setattr("reconcile.status.publish.SETTLING", timedelta(minutes=1))
    for turn in range(3):
        alone.patch("Service", {"metadata": {"annotations": {"touched": str(turn)}}}, by="somebody")
        before = len(statuses(alone))
        alone.reconcile(everywhere=True)
        assert len(statuses(alone)) == before


def test_a_status_others_wrote_is_compared_and_corrected(alone: Story) -> None:
    edits: tuple[dict[str, Any], ...] = (
        {"kept": [{"kind": "Service", "reason": "x"}]}, {"fingerprint": "0" * 32}, {"hostname": None}, {"url": "x"},
    )  # fmt: skip
    settled(alone, *NAMES)
    before = [alone.live("PreviewEnvironment", name)["status"] for name in NAMES]
    for name, edit in zip(NAMES, edits, strict=True):
        path = f"{alone.path_of('PreviewEnvironment', name)}/status?fieldManager=somebody"
        alone.ask("PATCH", path, {"status": edit}, MERGE)
    alone.reconcile(everywhere=True)
    after = [alone.live("PreviewEnvironment", name)["status"] for name in NAMES]
    assert [name for name in NAMES if compares(alone, name)] == []
    assert [status.pop("kept", None) or None for status in after] == [None] * len(NAMES)
    for status in (*before, *after):  # a record that was taken away begins anew
        status["hostname"].pop("heldSince")
        status.pop("fingerprint")
    assert after == before


def test_without_the_right_to_the_status_all_is_compared_each_time_and_nothing_noted(
    alone: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(alone)
    path = f"{alone.path_of('PreviewEnvironment', 'pr-1')}/status?fieldManager=somebody"
    alone.ask("PATCH", path, {"status": {"fingerprint": None}}, MERGE)
    account = service_account(alone.plane, alone.namespace, "without")
    allow_runs(alone.plane, account.user, alone.group, without=[STATUS])
    for _ in range(2):
        result, compared = read(replace(alone, account=account), monkeypatch)
        assert (result.code, compared) == (0, ["pr-1"])
        assert "not written" not in result.stdout
    assert fingerprint(alone) == ""


def test_a_preview_that_is_read_for_the_sake_of_others_keeps_its_status(
    alone: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(alone, "pr-1", "pr-2")
    alone.apply("pr-3", suspend=True, fqdn=alone.host("pr-1"))
    for turn in range(3):
        before = alone.live("PreviewEnvironment")["metadata"]["resourceVersion"]
        assert "pr-1" in read(alone, monkeypatch)[1]
        assert alone.live("PreviewEnvironment")["metadata"]["resourceVersion"] == before, turn


# The proof


@dataclass
class Walk:
    """Random deeds of everybody, in two namespaces; after each the two ways of planning are compared."""

    stories: tuple[Story, ...]
    random: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    backup: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def story(self) -> Story:
        return self.random.choice(self.stories)

    def deed(self) -> None:
        deeds: tuple[Callable[[Story, str], object], ...] = (
            self.preview, self.preview, self.field, self.field, self.field, self.metadata, self.status_of_child,
            self.status_of_preview, self.gone, self.child_gone, self.foreign, self.dressed, self.history,
            self.labels, self.restored,
        )  # fmt: skip
        act, name = self.random.choice(deeds), self.random.choice(NAMES)
        try:
            act(self.story, name)
            self.counts[act.__name__] += 1
        except AskFailed:  # not there, or not to be had so
            self.counts["refused"] += 1

    def kind(self) -> str:
        return self.random.choice(("Deployment", "Service", *ROUTES))

    def preview(self, story: Story, name: str) -> None:
        draw = self.random
        spec: dict[str, Any] = {"suspend": draw.random() < 0.9, "replicas": draw.choice((0, 1))}
        spec |= {"fqdn": story.host(draw.choice(NAMES))} if draw.random() < 0.2 else {}
        spec |= {"env": [{"name": "A", "value": draw.choice("xyz")}]} if draw.random() < 0.3 else {}
        spec |= {"ttl": draw.choice(("1h", "2s"))} if draw.random() < 0.15 else {}
        spec |= {"annotations": {story.names.prune_annotation: PRUNE_DISABLED}} if draw.random() < 0.1 else {}
        story.apply(name, **spec)

    def field(self, story: Story, name: str) -> None:
        kind = self.kind()
        patch: Any = {
            "Deployment": {
                "spec": {"replicas": self.random.choice((0, 3)), "paused": self.random.random() < 0.5}
            },
            "Service": {"spec": {"sessionAffinity": self.random.choice(("ClientIP", "None"))}},
            "Mapping": {
                "spec": {self.random.choice(("prefix", "hostname")): self.random.choice(("/x/", None))}
            },
            "Ingress": {"spec": {"ingressClassName": self.random.choice(("web", "other"))}},
            "HTTPRoute": {"spec": {"hostnames": self.random.choice(([story.host("pr-0")], None))}},
        }[kind]
        story.patch(kind, patch, name, by=self.random.choice((*MANAGERS, story.names.field_manager)))

    def metadata(self, story: Story, name: str) -> None:
        names, draw = story.names, self.random
        story.patch(self.kind(), {"metadata": draw.choice((
            {"labels": {names.preview_label: draw.choice((None, *NAMES))}},
            {"annotations": {names.identity_annotation: None}},
            {"annotations": {names.applied_annotation: "x"}},
            {"annotations": {names.prune_annotation: draw.choice((PRUNE_DISABLED, None))}},
            {"annotations": {names.edits_annotation: draw.choice(("keep", None))}},
            {"annotations": {"somebody": draw.choice("abc")}},
            {"ownerReferences": None},
        ))}, name, by=draw.choice(MANAGERS))  # fmt: skip

    def status_of_child(self, story: Story, name: str) -> None:
        path = f"{story.path_of('Deployment', name)}/status?fieldManager=kube-controller-manager"
        counts = dict.fromkeys(
            ("replicas", "updatedReplicas", "availableReplicas"), self.random.choice((0, 1))
        )
        story.ask(
            "PATCH", path, {"status": {**counts, "observedGeneration": self.random.choice((1, 9))}}, MERGE
        )

    def status_of_preview(self, story: Story, name: str) -> None:
        """By whoever has the right, the fingerprint but for a copy of another's left alone."""
        draw = self.random
        other = story.live("PreviewEnvironment", draw.choice(NAMES)).get("status", {})
        path = f"{story.path_of('PreviewEnvironment', name)}/status?fieldManager=somebody"
        story.ask("PATCH", path, {"status": draw.choice((
            {"url": "http://elsewhere"}, {"ttl": "1h"}, {"hostname": None}, {"conditions": []},
            {"setup": {"job": f"{name}-0123456789", "result": "Complete"}}, other,
            {"fingerprint": other.get("fingerprint")}, {"hostname": {"name": story.host(draw.choice(NAMES)),
             "heldSince": "2026-01-01T00:00:00Z"}},
        ))}, MERGE)  # fmt: skip

    def gone(self, story: Story, name: str) -> None:
        if self.random.random() < 0.5:
            self.backup[story.namespace + name] = story.live("PreviewEnvironment", name)
        story.delete("PreviewEnvironment", name, self.random.choice(("Background", "Orphan")))

    def restored(self, story: Story, name: str) -> None:
        if found := self.backup.get(story.namespace + name):
            story.create(export(found))
            path = f"{story.path_of('PreviewEnvironment', name)}/status?fieldManager=backup"
            story.ask("PATCH", path, {"status": found.get("status")}, MERGE)

    def child_gone(self, story: Story, name: str) -> None:
        kind = self.kind()
        before = story.live(kind, name)
        story.delete(kind, name)
        if self.random.random() < 0.5:
            story.create(export(before))

    def foreign(self, story: Story, name: str) -> None:
        # No hostname of another namespace: other tests have their previews there.
        kind = self.random.choice(tuple(ROUTES))
        spec: Any = {
            "Mapping": {"hostname": self.random.choice((story.host(name), f"*.{story.namespace}.example.com")),
                        "prefix": self.random.choice(("/", "/x/")), "service": "x", "precedence": self.random.choice((0, 1))},
            "Ingress": {"rules": [{"host": story.host(name)}]},
            "HTTPRoute": {"hostnames": [story.host(name)]},
        }[kind]  # fmt: skip
        story.create({**stranger(kind, f"foreign-{self.random.randrange(3)}"), "spec": spec})

    def dressed(self, story: Story, name: str) -> None:
        kind = self.kind()
        other = self.random.choice((name, "long-gone", f"copy-{name}"))
        story.create(stranger(kind, other, **marks(kind, story.namespace, name)))

    def history(self, story: Story, name: str) -> None:
        story.patch(self.kind(), {"metadata": {"managedFields": [{}]}}, name)

    def labels(self, story: Story, name: str) -> None:
        story.patch("PreviewEnvironment", {"metadata": {"labels": {"team": self.random.choice("ab")}}}, name)

    def begin_again(self) -> None:
        """Only previews that are well, and marked."""
        for story in self.stories:
            story.clear()
            for name in NAMES:
                story.apply(name, suspend=True)
        for _ in range(3):
            self.carry_out()

    # the two ways

    def options(self) -> tuple[str, ...]:
        draw = self.random
        return tuple(option for options, chance in (
            (("--adopt",), 0.2), (("-l", "team=a"), 0.15), (("-n", self.stories[0].namespace), 0.15),
            (("--max-previews", draw.choice("123")), 0.15), (("--max-deletes", draw.choice(("0", "100%"))), 0.3),
            (("--max-ttl", "2h"), 0.1), (("--url-scheme", "http"), 0.1), (("--route", draw.choice(("ingress", "none"))), 0.15),
            (("--route-kind", "mapping"), 0.1), (("--allow-fqdn", "*.example.com"), 0.1),
        ) if draw.random() < chance for option in options)  # fmt: skip

    def compare(self) -> None:
        options = self.options()
        for _ in range(4):  # somebody else, such as a controller, may come between the two
            reports = [self.report(*options, *more) for more in ((), ("--no-fingerprint",), ())]
            if reports[0] == reports[2]:
                break
        assert reports[0] == reports[1], f"{options}"
        self.counts["comparisons"] += 1

    def report(self, *options: str) -> Any:
        with pytest.MonkeyPatch.context() as patched:
            result, compared = read(self.stories[0], patched, "--dry-run", "-o", "json", *options)
        if "--no-fingerprint" not in options and result.code in (0, 1, 3, 4):
            self.counts["settled"] += len(result.report["previews"]) - len(compared)
            self.counts["previews"] += len(result.report["previews"])
        return result.code, result.report if result.stdout else result.stderr

    def carry_out(self) -> None:
        self.stories[0].attempt(
            "--max-deletes", "100%", *self.random.choice(((), ("--adopt",))), everywhere=True
        )


@pytest.fixture
def walk(alone: Story, elsewhere: Story) -> Walk:
    seed = random.randrange(10**6)
    sys.stdout.write(f"seed {seed}\n")
    return Walk((alone, elsewhere), random.Random(seed))


@pytest.mark.usefixtures("gateway_api")
def test_a_pass_by_fingerprints_plans_what_one_without_plans(walk: Walk) -> None:
    for step in range(STEPS):
        if step % 15 == 0:  # what strangers leave behind would keep everybody from settling
            walk.begin_again()
        for _ in range(walk.random.choice((1, 1, 2, 3))):
            walk.deed()
        walk.compare()
        for _ in range(walk.random.choice((0, 1, 2)) if step % 10 else 3):
            walk.carry_out()
    sys.stdout.write(f"{dict(walk.counts)}\n")
    assert walk.counts["settled"] > walk.counts["previews"] / 20, "too few were settled to prove anything"
