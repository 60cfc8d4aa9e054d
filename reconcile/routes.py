"""What routes of each kind say: the hostnames that they ask for, and whether they were accepted; pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconcile.objects import HTTPROUTE, INGRESS, MAPPING
from reconcile.snapshot import Live


def hostnames(live: Live) -> frozenset[str]:
    """The hostnames that a route of any kind asks for, in lower case."""
    found = _ASKED.get(live.key.kind, _nothing)(live.manifest.get("spec") or {})
    return frozenset(name.lower() for name in found if isinstance(name, str) and name)


def _nothing(spec: Mapping[str, Any]) -> Iterator[Any]:
    return iter(())


def _of_mapping(spec: Mapping[str, Any]) -> Iterator[Any]:
    # `host` is the older name of `hostname`; ours never has it, a stranger's may.
    yield spec.get("hostname")
    yield spec.get("host")


def _of_ingress(spec: Mapping[str, Any]) -> Iterator[Any]:
    for rule in spec.get("rules") or ():
        yield rule.get("host")


def _of_httproute(spec: Mapping[str, Any]) -> Iterator[Any]:
    yield from spec.get("hostnames") or ()


_ASKED = {MAPPING.kind: _of_mapping, INGRESS.kind: _of_ingress, HTTPROUTE.kind: _of_httproute}


def accepted(live: Live) -> bool:
    """Whether whoever serves the route says that it does; kinds that have no such word count as accepted.

    An HTTPRoute is accepted when each of its parents says so at the current generation:
    https://gateway-api.sigs.k8s.io/api-types/httproute/#routestatus
    """
    if live.key.kind != HTTPROUTE.kind:
        return True
    parents = (live.manifest.get("spec") or {}).get("parentRefs") or ()
    statuses = (live.manifest.get("status") or {}).get("parents") or ()
    generation = live.metadata.get("generation")
    return bool(parents) and all(
        any(_same_parent(parent, status) and _says_yes(status, generation) for status in statuses)
        for parent in parents
    )


def _same_parent(parent: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    told = status.get("parentRef") or {}
    return all(told.get(field) == parent.get(field) for field in ("namespace", "name", "sectionName"))


def _says_yes(status: Mapping[str, Any], generation: Any) -> bool:
    return any(
        condition.get("type") == "Accepted"
        and condition.get("status") == "True"
        and condition.get("observedGeneration") == generation
        for condition in status.get("conditions") or ()
    )
