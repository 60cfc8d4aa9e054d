"""What a status records of the hostname that a preview holds, so that it keeps it; pure.

A route can be written by whoever may edit routes in its namespace; a status only by who runs this. So the
record tells the holder from a preview whose route somebody gave the same hostname by hand, or by a run that
saw no other namespace.

    the route has the hostname that is wanted, and nobody is in the way    recorded, since then
    it is wanted still, or the route has it still                          stays
    somebody else has it, and the route has not; expired                   dropped

A status of before there was a record says as much by its url, since the preview was made.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.kube.objects import map_in
from reconcile.kube.time import parse_time

FIELD = "hostname"


@dataclass(frozen=True)
class HostnameRecord:
    """A hostname, and the time since which it is held, as Kubernetes writes it."""

    name: str
    held_since: str

    def written(self) -> dict[str, str]:
        """The record as a status has it."""
        return {"name": self.name, "heldSince": self.held_since}


def hostname_record_in(status: Mapping[str, Any], created: str) -> HostnameRecord | None:
    """What the status of a preview that was made at a time records; None where it records nothing.

    A record that is older than its preview came with a backup: it is about one that is no more.
    """
    found = map_in(status.get(FIELD))
    name, since = found.get("name"), found.get("heldSince")
    if not found:
        name, since = _in_url(status.get("url")), created
    if not isinstance(name, str) or not name or not isinstance(since, str):
        return None
    time, birth = parse_time(since), parse_time(created)
    stale = time is None or (birth is not None and time < birth)
    return None if stale else HostnameRecord(name, since)


def _in_url(url: object) -> str:
    return url.partition("://")[2] if isinstance(url, str) else ""


def recorded_after(
    before: HostnameRecord | None, wanted: str, on_route: Collection[str], now: str, *, in_conflict: bool
) -> HostnameRecord | None:
    """What is to be recorded, of a preview that wants a hostname ("" for none) and has a route with some.

    `in_conflict` tells that somebody else has what it wants.
    """
    if wanted in on_route and not in_conflict:
        return before if before and before.name == wanted else HostnameRecord(wanted, now)
    keeps = before and (before.name in on_route or (before.name == wanted and not in_conflict))
    return before if keeps else None
