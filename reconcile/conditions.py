"""A preview's status: its data, and how it is written as conditions; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconcile.fields import maps_in
from reconcile.names import READY, STALLED
from reconcile.times import time_text

FIELDS = ("observedGeneration", "url", "expiresAt", "ttl", "ttlCountsFrom")


@dataclass(frozen=True)
class Status:
    """What is told of a preview: whether it is ready, and why (a reason of `names`).

    `stalled`: only a person can help. `url` is "" where the hostname does not lead to it; `ttl`,
    `ttl_counts_from` and `expires_at` are "" where it never expires. `observed_generation` is the
    generation that all of this is about.
    """

    ready: bool
    reason: str
    message: str
    stalled: bool = False
    url: str = ""
    ttl: str = ""
    ttl_counts_from: str = ""
    expires_at: str = ""
    observed_generation: int = 0


def rendered(status: Status, before: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The status as the CRD has it; a condition whose status is as `before` keeps its time."""
    conditions = [_condition(READY, status, holds=status.ready, before=before, now=now)]
    if status.stalled:
        conditions.append(_condition(STALLED, status, holds=True, before=before, now=now))
    values = (
        status.observed_generation,
        status.url,
        status.expires_at,
        status.ttl,
        status.ttl_counts_from,
    )
    fields = {name: value for name, value in zip(FIELDS, values, strict=True) if value}
    return {**fields, "conditions": conditions}


def _condition(
    type_: str, status: Status, *, holds: bool, before: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md"""
    value = "True" if holds else "False"
    there = _by_type(before).get(type_, {})
    kept = there.get("lastTransitionTime") if there.get("status") == value else None
    return {
        "type": type_,
        "status": value,
        "observedGeneration": status.observed_generation,
        "lastTransitionTime": kept or time_text(now),
        "reason": status.reason,
        "message": status.message,
    }


def is_written(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether a status says this already; conditions of other types, which others wrote, do not count."""
    ours = {type_: c for type_, c in _by_type(there).items() if type_ in (READY, STALLED)}
    same = all(wanted.get(name) == there.get(name) for name in FIELDS)
    return same and _by_type(wanted) == ours


def _by_type(status: Mapping[str, Any]) -> dict[Any, Mapping[str, Any]]:
    return {condition.get("type"): condition for condition in maps_in(status.get("conditions"))}
