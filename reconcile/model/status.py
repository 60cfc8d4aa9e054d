"""A preview's status: its data, and how it is written as conditions; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from reconcile.kube.objects import conditions_in
from reconcile.kube.time import time_text
from reconcile.model.hostname_record import FIELD as HOSTNAME
from reconcile.model.hostname_record import HostnameRecord
from reconcile.model.names import EXPIRES_SOON, EXPIRING, READY, STALLED
from reconcile.model.setup_record import FIELD as SETUP
from reconcile.model.setup_record import SetupRecord

TYPES = (READY, STALLED, EXPIRING)
KEPT = "kept"
FINGERPRINT = "fingerprint"
FIELDS = ("observedGeneration", "url", "expiresAt", "ttl", "ttlCountsFrom", SETUP, HOSTNAME, KEPT)


class Kept(NamedTuple):
    """A child that stays otherwise than it is wanted, and why; `name` is "" where it is its preview's."""

    kind: str
    name: str
    reason: str

    def written(self) -> dict[str, str]:
        """As a status has it."""
        return {name: value for name, value in self._asdict().items() if value}


def kept_in(found: Mapping[str, str]) -> Kept:
    """What a status says of one child."""
    return Kept(*(found.get(name, "") for name in Kept._fields))


@dataclass(frozen=True)
class Status:
    """What is told of a preview: whether it is ready, and why (a reason of `names`).

    `stalled`: only a person can help. `url` is "" where the hostname does not lead to it; `ttl`,
    `ttl_counts_from` and `expires_at` are "" where it never expires, and `expires_soon` tells that its
    time is nearly over. `observed_generation` is the generation that all of this is about; `setup` is about
    the last setup Job, and `hostname` about the hostname that it holds, None where there is none. `kept` are
    the children that stay otherwise than they are wanted.
    """

    ready: bool
    reason: str
    message: str
    stalled: bool = False
    url: str = ""
    ttl: str = ""
    ttl_counts_from: str = ""
    expires_at: str = ""
    expires_soon: bool = False
    observed_generation: int = 0
    setup: SetupRecord | None = None
    hostname: HostnameRecord | None = None
    kept: tuple[Kept, ...] = ()


def rendered(status: Status, before: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The status as the CRD has it; a condition whose status is as `before` keeps its time."""
    conditions = [
        _condition(type_, value, status, reason, message, before=before, now=now)
        for type_, value, reason, message in _wanted(status)
    ]
    values = (
        status.observed_generation,
        status.url,
        status.expires_at,
        status.ttl,
        status.ttl_counts_from,
        status.setup.written() if status.setup else None,
        status.hostname.written() if status.hostname else None,
        [kept.written() for kept in status.kept],
    )
    fields = {name: value for name, value in zip(FIELDS, values, strict=True) if value}
    # What somebody else wrote there would stay where ours says nothing.
    emptied: dict[str, Any] = {KEPT: []} if before.get(KEPT) and KEPT not in fields else {}
    return {**fields, **emptied, "conditions": conditions}


def _wanted(status: Status) -> Iterator[tuple[str, str, str, str]]:
    """Type, status, reason and message; what does not hold is not there, but for Ready."""
    yield READY, "True" if status.ready else "False", status.reason, status.message
    if status.stalled:
        yield STALLED, "True", status.reason, status.message
    if status.expires_soon:
        yield (
            EXPIRING,
            "True",
            EXPIRES_SOON,
            f"its children go at {status.expires_at}; "
            "any change of its spec, such as another spec.revision, keeps it",
        )


def _condition(
    type_: str,
    value: str,
    status: Status,
    reason: str,
    message: str,
    *,
    before: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md"""
    there = conditions_in(before).get(type_, {})
    kept = there.get("lastTransitionTime") if there.get("status") == value else None
    return {
        "type": type_,
        "status": value,
        "observedGeneration": status.observed_generation,
        "lastTransitionTime": kept or time_text(now),
        "reason": reason,
        "message": message,
    }


def is_written(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether a status says this already; conditions of other types, which others wrote, do not count, nor
    does a fingerprint: `is_marked`."""
    ours = {type_: c for type_, c in conditions_in(there).items() if type_ in TYPES}
    same = all((wanted.get(name) or None) == (there.get(name) or None) for name in FIELDS)
    return same and conditions_in(wanted) == ours


def is_marked(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether a status has this fingerprint already; one that fits nothing any more may stay."""
    return FINGERPRINT not in wanted or wanted[FINGERPRINT] == there.get(FINGERPRINT)
