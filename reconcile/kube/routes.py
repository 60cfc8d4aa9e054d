"""Whether whoever serves a route has accepted it, by the word of its kind; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.kube.live import Live
from reconcile.kube.objects import HTTPROUTE, conditions_in, map_in, maps_in


@dataclass(frozen=True)
class Objection:
    """Why a route leads nowhere yet; `final` when its parent has refused it, and not only kept silent."""

    message: str
    final: bool


def objection(live: Live) -> Objection | None:
    """What stands between a route and its traffic: an HTTPRoute needs every parent's Accepted and
    ResolvedRefs at the current generation; other kinds have no such word."""
    if live.key.kind != HTTPROUTE.kind:
        return None
    parents = maps_in(live.spec.get("parentRefs"))
    if not parents:
        return Objection(f"{live.key} has no parent", final=False)
    found = [one for parent in parents if (one := _objection_of(parent, live))]
    return min(found, key=lambda one: not one.final) if found else None


def _objection_of(parent: Mapping[str, Any], live: Live) -> Objection | None:
    """What one parent says; where several controllers answer for it, one that accepts the route is enough."""
    name = "/".join(str(parent[field]) for field in ("namespace", "name", "sectionName") if field in parent)
    where = f"{parent.get('kind', 'Gateway')} {name}"
    statuses = maps_in(live.status.get("parents"))
    answers = [
        _current(status, live.metadata.get("generation"))
        for status in statuses
        if _same_parent(parent, status)
    ]
    if any(all(answer.get(type_, {}).get("status") == "True" for type_ in _NEEDED) for answer in answers):
        return None
    for condition in (answer[type_] for answer in answers for type_ in _NEEDED if type_ in answer):
        if condition.get("status") == "False":
            says = f"{condition.get('reason', '')}: {condition.get('message', '')}".strip(": ")
            return Objection(
                f"{where} does not accept {live.key}: {says or 'it does not say why'}", final=True
            )
    return Objection(f"{where} has not accepted {live.key} yet", final=False)


_NEEDED = ("Accepted", "ResolvedRefs")


def _current(status: Mapping[str, Any], generation: Any) -> Mapping[str, Mapping[str, Any]]:
    """The conditions by type, without those that are about an earlier spec.

    One that names no generation counts as current, as kstatus takes it: some controllers never name any.
    """
    conditions = conditions_in(status)
    return {
        type_: c for type_, c in conditions.items() if c.get("observedGeneration", generation) == generation
    }


def _same_parent(parent: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    answered = map_in(status.get("parentRef"))
    return all(answered.get(field) == parent.get(field) for field in ("namespace", "name", "sectionName"))
