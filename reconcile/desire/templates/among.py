"""What is wrong with documents only beside each other."""

from collections.abc import Iterator, Sequence

from reconcile.desire.children.further import POD_TEMPLATES
from reconcile.kube.objects import map_in
from reconcile.model.problems import Problem
from reconcile.model.template import Template

SCALER = "HorizontalPodAutoscaler"

Found = tuple[Template, Problem]


def among(templates: Sequence[Template]) -> list[Found]:
    """Two versions of one kind, two workloads of one name, and a number of pods that an autoscaler beside it
    would change back."""
    return [*_versions(templates), *_namesakes(templates), *_scaled(templates)]


def _versions(templates: Sequence[Template]) -> Iterator[Found]:
    first: dict[str, Template] = {}
    for one in templates:
        before = first.setdefault(one.kind, one)
        if before.manifest["apiVersion"] != one.manifest["apiVersion"]:
            other = before.manifest["apiVersion"]
            yield one, Problem(("apiVersion",), f"another document has {other}; use one of them")


def _namesakes(templates: Sequence[Template]) -> Iterator[Found]:
    """Pods are told apart by the name of what makes them, whatever its kind. What `when` parts is not beside
    each other."""
    workloads = [one for one in templates if one.further and one.kind in POD_TEMPLATES]
    for place, one in enumerate(workloads):
        for other in workloads[:place]:
            meet = one.when == other.when or "" in (one.when, other.when)
            if meet and one.name == other.name and one.kind != other.kind:
                sentence = f"a {other.kind} has this name, and their pods would be taken for each other's"
                yield one, Problem(("metadata", "name"), f"{sentence}; choose another name")


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
