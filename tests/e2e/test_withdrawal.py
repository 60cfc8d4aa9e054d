"""A create that was merged into a stranger's object is taken out again, if need be more than once."""

from collections.abc import Callable
from typing import Any

import pytest

from reconcile.cluster.kubernetes import KubernetesCluster
from reconcile.cluster.port import Applied
from reconcile.errors import AnswerLost
from reconcile.kube.objects import Resource
from reconcile.model.names import Names
from tests.e2e.story import Story
from tests.e2e.strangers import stranger
from tests.e2e.test_races import fields_of, touch

MANAGER = Names().field_manager
Apply = Callable[..., Applied]


def applies(
    monkeypatch: pytest.MonkeyPatch, around: Callable[[Apply, dict[str, Any], bool], Applied]
) -> None:
    """Carry out each apply of a Service this way; the third argument tells a withdrawal from a create."""
    real = KubernetesCluster.apply

    def apply(
        self: KubernetesCluster, resource: Resource, manifest: dict[str, Any], **options: Any
    ) -> Applied:
        if manifest["kind"] != "Service":
            return real(self, resource, manifest, **options)
        return around(lambda: real(self, resource, manifest, **options), manifest, "spec" not in manifest)

    monkeypatch.setattr(KubernetesCluster, "apply", apply)


def test_a_withdrawal_that_meets_a_change_is_tried_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the create was merged into carries our label, our annotation and our entry: it looks like ours."""
    story.apply(replicas=0)
    made: list[dict[str, Any]] = []
    turns = ["changed once"]

    def around(apply: Apply, manifest: dict[str, Any], withdrawing: bool) -> Applied:
        if not withdrawing:
            made.append(story.create(stranger("Service"), by="helm"))
        elif turns:
            turns.pop()
            touch(story, "Service")()
        return apply()

    applies(monkeypatch, around)
    assert_it_is_the_strangers(story, made)
    assert turns == []


def test_a_merge_whose_answer_is_lost_is_taken_out_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.apply(replicas=0)
    made: list[dict[str, Any]] = []

    def around(apply: Apply, manifest: dict[str, Any], withdrawing: bool) -> Applied:
        if withdrawing:
            return apply()
        made.append(story.create(stranger("Service"), by="helm"))
        apply()
        raise AnswerLost("the connection broke")

    applies(monkeypatch, around)
    assert_it_is_the_strangers(story, made)


def assert_it_is_the_strangers(story: Story, made: list[dict[str, Any]]) -> None:
    result = story.reconcile(code=1)
    service = f"Service {story.namespace}/pr-1"
    assert f"! {service} blocked: {service}: was created by " in "\n".join(result.lines)
    after = story.live("Service")
    assert len(made) == 1
    assert {**fields_of(after), "metadata": None} == {**fields_of(made[0]), "metadata": None}
    assert MANAGER not in [entry["manager"] for entry in after["metadata"]["managedFields"]]
    assert "platform9.com/preview" not in after["metadata"].get("labels", {})
