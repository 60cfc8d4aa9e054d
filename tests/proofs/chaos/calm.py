"""What has to hold once all is quiet, whatever the storm was: found out from the objects alone."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from reconcile.desire.children.metadata import identity
from reconcile.kube.live import Live
from reconcile.kube.objects import Key, Manifest, key_of
from reconcile.model.names import (
    APPLY_FAILED,
    EXPIRED,
    HOSTNAME_CONFLICT,
    INVALID,
    KIND,
    NAME_TAKEN,
    PROGRESSING,
    READY,
    REFUSED,
    ROUTE_NOT_ACCEPTED,
    Names,
)
from reconcile.plan.ownership import ownership
from reconcile.plan.rules import Rules
from tests.node.node import DOMAIN
from tests.proofs.chaos.api import CHILD_KINDS, ROUTE_KINDS, Api
from tests.proofs.chaos.users import NAMESPACES, STEADY, Ledger

NAMES = Names()
APPLIED = "Apply"
NEVER = (INVALID, REFUSED, APPLY_FAILED, ROUTE_NOT_ACCEPTED, "")
"""Reasons that no preview of ours ends with."""


class Lists(Protocol):
    """Who knows what is there."""

    def items(self, kind: str, namespace: str) -> Iterable[Manifest]: ...


class World:
    """All previews and children, as they are now."""

    def __init__(self, api: Lists) -> None:
        found = [
            item
            for namespace in NAMESPACES
            for kind in (KIND, *CHILD_KINDS)
            for item in api.items(kind, namespace)
        ]
        self.previews = {key_of(item)._replace(kind=KIND): item for item in found if item["kind"] == KIND}
        self.children = {key_of(item): item for item in found if item["kind"] != KIND}

    def of(self, preview: Key) -> dict[str, Manifest]:
        """The children with a preview's own name, by kind."""
        return {key.kind: child for key, child in self.children.items() if key[1:] == preview[1:]}

    def hosts(self) -> dict[str, list[Key]]:
        """Who serves each hostname."""
        found: dict[str, list[Key]] = {}
        for key, child in self.children.items():
            for host in hosts_of(child):
                found.setdefault(host, []).append(key)
        return found

    def steady(self) -> dict[str, str]:
        """The uids of what has to stay the same object for ever."""
        return {
            str(key): child["metadata"]["uid"]
            for key, child in self.children.items()
            if key.name in STEADY and key.kind in ("Deployment", "Service")
        }


def hosts_of(child: Manifest) -> list[str]:
    """The hostnames in the node's domain that a route leads to somewhere."""
    if child["kind"] not in ROUTE_KINDS:
        return []
    spec = child["spec"]
    hosts = [rule.get("host", "") for rule in spec.get("rules", ())] + list(spec.get("hostnames", ()))
    return [host for host in hosts if host.endswith(f".{DOMAIN}")]


def wrong_at_the_end(world: World, route: str) -> Iterator[str]:
    """Previews that are not as they should be, children that nobody wants."""
    for key, preview in world.previews.items():
        yield from (f"{key}: {problem}" for problem in _of_preview(world, preview, route))
    for key, child in world.children.items():
        if _may_go(child) and Key(KIND, key.namespace, _label(child)) not in world.previews:
            yield f"{key} has no preview, and is there: {_in_short(child)}"


def _in_short(child: Manifest) -> str:
    """Its metadata without its history: where the campaign's folder is gone, that is all that is left to see."""
    return json.dumps({name: value for name, value in child["metadata"].items() if name != "managedFields"})


def served_twice(world: World) -> Iterator[str]:
    """Hostnames that routes of two previews lead to: routes that are theirs, by the product's own proof. Who
    takes two marks off a route, or dresses up one of his own, has a stranger's.

    One that neither asks for any more nor has on record, for etcd was put back, is nobody's: both are kept.
    """
    for host, routes in world.hosts().items():
        ours = [key for key in routes if _is_ours(world, key)]
        # One preview's route of each kind leads to the same pods: the old one may be protected.
        if len({key[1:] for key in ours}) > 1 and any(_has(world, key, host) for key in ours):
            yield f"{host} is served by {', '.join(map(str, ours))}"


def strangers_with(world: World, host: str) -> list[Key]:
    """The routes with a hostname that are no preview's by the product's own proof."""
    return [key for key in world.hosts().get(host, ()) if not _is_ours(world, key)]


def _has(world: World, route: Key, host: str) -> bool:
    """Whether a route's preview asks for the hostname, or has it on record."""
    preview = world.previews.get(Key(KIND, *route[1:]), {})
    record = preview.get("status", {}).get("hostname", {})
    return host in (preview.get("spec", {}).get("fqdn"), record.get("name"))


def _is_ours(world: World, key: Key) -> bool:
    child = world.children[key]
    name = _label(child) or key.name
    preview = world.previews.get(Key(KIND, key.namespace, name))
    return ownership(Live(child), name, preview["metadata"]["uid"] if preview else "", Rules(NAMES)).ours


def _of_preview(world: World, preview: Manifest, route: str) -> Iterator[str]:
    reason, generation = ready(preview)
    children = world.of(key_of(preview))
    if preview["metadata"].get("deletionTimestamp"):
        yield "it is still being deleted"
    elif generation != preview["metadata"]["generation"]:
        yield f"its status is about generation {generation}, not {preview['metadata']['generation']}"
    elif reason in NEVER:
        yield f"it is {reason or 'without a condition'}"
    elif reason == EXPIRED:
        left = [kind for kind, child in children.items() if _may_go(child)]
        yield from (f"it has expired, and {kind} is there" for kind in left)
    elif reason == NAME_TAKEN:
        if all(is_managed(child) for child in children.values()):
            yield "its name is taken by nobody"
    elif reason == HOSTNAME_CONFLICT:
        if not [key for key in world.hosts().get(preview["spec"]["fqdn"], ()) if key.name != key_of(preview).name
                or key.namespace != key_of(preview).namespace]:  # fmt: skip
            yield f"nobody else has {preview['spec']['fqdn']}"
    else:
        yield from _of_served(preview, children, route)


def _of_served(preview: Manifest, children: Mapping[str, Manifest], route: str) -> Iterator[str]:
    """A preview that has all that it asks for."""
    routes = {
        kind: hosts_of(child)
        for kind, child in children.items()
        if kind == route or (kind in ROUTE_KINDS and _may_go(child))
    }
    if routes != {route: [preview["spec"]["fqdn"]]}:
        yield f"its routes are {routes}, not {route} with {preview['spec']['fqdn']}"
    for kind in ("Deployment", "Service"):
        if kind not in children:
            yield f"it has no {kind}"
    if "Deployment" in children:
        image = children["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"]
        if image != preview["spec"]["image"]:
            yield f"its image is {image}, not {preview['spec']['image']}"
    for kind, child in children.items():
        owners = [owner["uid"] for owner in child["metadata"].get("ownerReferences", ())]
        if owners not in ([preview["metadata"]["uid"]], []):
            yield f"{kind} is owned by {owners}"


def under_way(world: World) -> list[Key]:
    """The previews that time alone changes."""
    return [key for key, preview in world.previews.items() if _is_under_way(preview, world.of(key))]


def _is_under_way(preview: Manifest, children: Mapping[str, Manifest]) -> bool:
    """Its pods or its router are waited for, its old route stays for a while beside the new one, or its ttl runs.

    A router hears late of a Service that was mended: client-go pauses longer with each API server that died.
    """
    reason = ready(preview)[0]
    routes = [kind for kind, child in children.items() if kind in ROUTE_KINDS and _may_go(child)]
    switches = len(routes) > 1 and reason not in (NAME_TAKEN, HOSTNAME_CONFLICT)
    has_ttl = "ttl" in preview["spec"] and reason != EXPIRED
    return switches or has_ttl or reason in (PROGRESSING, ROUTE_NOT_ACCEPTED)


def ready(preview: Manifest) -> tuple[str, int]:
    """The reason of Ready, and the generation that it is about."""
    status = preview.get("status", {})
    found: Mapping[str, Any] = next((one for one in status.get("conditions", ()) if one["type"] == READY), {})
    return found.get("reason", ""), found.get("observedGeneration", status.get("observedGeneration", 0))


def reasons(world: World) -> Counter[str]:
    return Counter(ready(preview)[0] for preview in world.previews.values())


def is_managed(child: Manifest) -> bool:
    """Whether label, identity and field manager say that a run made it."""
    metadata = child["metadata"]
    return (
        bool(_label(child))
        and metadata.get("annotations", {}).get(NAMES.identity_annotation) == identity(key_of(child))
        and any(
            entry["manager"] == NAMES.field_manager and entry["operation"] == APPLIED
            for entry in metadata.get("managedFields", ())
        )
    )


def _label(child: Manifest) -> str:
    label: str = child["metadata"].get("labels", {}).get(NAMES.preview_label, "")
    return label


def _may_go(child: Manifest) -> bool:
    return is_managed(child) and not NAMES.protects(child["metadata"].get("annotations", {}))


class Strangers:
    """What is nobody's, as it was when it was first seen."""

    def __init__(self) -> None:
        self._contents: dict[str, str] = {}

    def wrong(self, api: Api, ledgers: Iterable[Ledger]) -> Iterator[str]:
        """Each has to be there with its uid and its content."""
        for ledger in ledgers:
            for path, uid in ledger.strangers.items():
                found = api.found(path)
                if found is None or found["metadata"]["uid"] != uid:
                    yield f"{path} is nobody's, and is gone"
                elif _content(found) != self._contents.setdefault(uid, _content(found)):
                    yield f"{path} is nobody's, and has changed"


def _content(found: Mapping[str, Any]) -> str:
    """What a run could have written."""
    metadata = {name: found["metadata"].get(name) for name in ("labels", "annotations", "ownerReferences")}
    if found["kind"] == "Deployment":  # its controller numbers its revisions
        metadata["annotations"] = {
            k: v
            for k, v in (metadata["annotations"] or {}).items()
            if not k.startswith("deployment.kubernetes.io")
        }
    return json.dumps([metadata, found.get("spec")], sort_keys=True)
