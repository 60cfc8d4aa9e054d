"""What the API server's audit log says of one user's requests."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class AuditEvent(NamedTuple):
    """One request, as the server saw it; what does not apply to it is `""`.

    `resource` is the plural, with the subresource where there is one: `deployments/status`.
    """

    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    uri: str


def events_of(user: str, log: Path, since: int = 0) -> Iterator[AuditEvent]:
    """A user's requests that were answered, oldest first, from this place in the log."""
    needle = f'"username":"{user}"'  # most lines are the controllers' own; parsing them takes seconds
    with log.open("rb") as file:
        file.seek(since)
        lines = (line.decode() for line in file)
        for event in (json.loads(line) for line in lines if needle in line and line.endswith("\n")):
            if event["user"]["username"] == user and event["stage"] == "ResponseComplete":
                yield _event(event)


def _event(event: Mapping[str, Any]) -> AuditEvent:
    target = event.get("objectRef", {})
    parts = (target.get("resource"), target.get("subresource"))
    return AuditEvent(
        verb=event["verb"],
        resource="/".join(part for part in parts if part),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event["responseStatus"]["code"],
        uri=event["requestURI"],
    )
