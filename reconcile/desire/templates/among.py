"""What is wrong with documents only beside each other."""

from collections.abc import Iterator, Sequence

from reconcile.desire.children.further import POD_TEMPLATES
from reconcile.kube.objects import map_in
from reconcile.model.problems import Problem
from reconcile.model.template import Template

SCALER = "HorizontalPodAutoscaler"

Found = tuple[Template, Problem]


def among(templates: Sequence[Template]) -> list[Found]:
    """Two versions of one kind, and a number of pods that an autoscaler beside it would change back."""
    return [*_versions(templates), *_scaled(templates)]


def _versions(templates: Sequence[Template]) -> Iterator[Found]:
    first: dict[str, Template] = {}
    for one in templates:
        before = first.setdefault(one.kind, one)
        if before.manifest["apiVersion"] != one.manifest["apiVersion"]:
            other = before.manifest["apiVersion"]
            yield one, Problem(("apiVersion",), f"another document has {other}; use one of them")


def _scaled(templates: Sequence[Template]) -> Iterator[Found]:
    scaled = {_target(one) for one in templates if one.kind == SCALER}
    for one in templates:
        named = (one.manifest["kind"], one.name)
        if one.kind in POD_TEMPLATES and named in scaled and "replicas" in map_in(one.manifest.get("spec")):
            yield one, Problem(("spec", "replicas"), f"a {SCALER} sets it; leave it out")


def _target(scaler: Template) -> tuple[str, str]:
    """Of a version without a known schema it may be anything."""
    target = map_in(map_in(scaler.manifest.get("spec")).get("scaleTargetRef"))
    return str(target.get("kind")), str(target.get("name"))
