"""Policies of the cluster about the objects of one namespace: what they refuse, or rewrite."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

from tests.controlplane import AskFailed, eventually
from tests.e2e.story import Story

ADMISSION = "/apis/admissionregistration.k8s.io/v1"


def rule(operations: list[str], plural: str = "deployments", group: str = "apps") -> dict[str, Any]:
    """Which requests admission looks at."""
    return {"apiGroups": [group], "apiVersions": ["v1"], "operations": operations, "resources": [plural]}


def in_namespace(story: Story) -> dict[str, Any]:
    """A selector of the story's namespace."""
    return {"matchLabels": {"kubernetes.io/metadata.name": story.namespace}}


@contextmanager
def policy(
    story: Story, about: dict[str, Any], in_force: Callable[[], object], **spec: Any
) -> Iterator[Callable[[], None]]:
    """An admission policy about these requests, from when it is in force; gives what lifts it early.

    With `validations` it denies, with `mutations` it rewrites.
    """
    sort = "mutating" if "mutations" in spec else "validating"
    policies, bindings = (f"{ADMISSION}/{sort}admissionpolic{end}" for end in ("ies", "ybindings"))
    name = f"{story.namespace}-{uuid4().hex[:4]}"
    constraints = {"resourceRules": [about], "namespaceSelector": in_namespace(story)}
    denies = {"validationActions": ["Deny"]} if "validations" in spec else {}

    def lift() -> None:
        for plural in (bindings, policies):
            with suppress(AskFailed):
                story.ask("DELETE", f"{plural}/{name}")

    story.ask(
        "POST", policies, {"metadata": {"name": name}, "spec": {"matchConstraints": constraints, **spec}}
    )
    story.ask("POST", bindings, {"metadata": {"name": name}, "spec": {"policyName": name, **denies}})
    try:
        eventually(in_force, "the policy is in force")
        yield lift
    finally:
        lift()
