"""Worlds of previews that authors may make, beside the ordinary one of as many; built in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from bench.previews import name_of, namespace_of, preview
from reconcile.desire.children import render
from reconcile.kube.managedfields import field_set_of, to_fields_v1
from reconcile.kube.objects import Manifest
from reconcile.kube.rawjson import plain
from reconcile.model.names import APP_COMPONENT, COMPONENT_LABEL, PRUNE_DISABLED, Names
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.settings import Settings

NAMES = Names()
CREATED, LONG_AGO = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
SETTINGS = {"allow_secret": ("*",)}
IMAGE = "ghcr.io/acme/shop:1"
HOST = "pr.preview.example.com"
EXPIRED = {"observedGeneration": 1, "ttl": "1h", "ttlCountsFrom": LONG_AGO}

Change = Callable[[int, dict[str, Any]], None]

_encode = msgspec.json.Encoder().encode


@dataclass
class World:
    """What an API server has, and the operator's options; objects are JSON, by kind."""

    objects: dict[str, list[bytes]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=lambda: SETTINGS)

    def add(self, manifest: Manifest) -> None:
        self.objects.setdefault(manifest["kind"], []).append(_encode(manifest))

    def add_preview(self, number: int, change: Change, *, created: bool = True) -> dict[str, Any]:
        """A preview, and its children as an earlier run made them of it, unless they are still to be made."""
        manifest = served(preview(number), f"uid-{number}")
        change(number, manifest)
        self.add(manifest)
        parsed = parse_preview(manifest, group=NAMES.group)
        if created and isinstance(parsed, PreviewEnvironment):
            self.add_children(parsed)
        return manifest

    def add_children(self, parsed: PreviewEnvironment) -> None:
        for child in render(parsed, Settings(**self.settings)):
            self.add(live(plain(child), parsed.uid))


def served(manifest: Manifest, uid: str, **metadata: Any) -> dict[str, Any]:
    """The object as a server has it."""
    own = {"uid": uid, "resourceVersion": "1", "generation": 1, "creationTimestamp": CREATED}
    return {**manifest, "metadata": {**manifest["metadata"], **own, **metadata}}


def live(manifest: Manifest, owner: str, **metadata: Any) -> dict[str, Any]:
    """A child after our apply of it."""
    text = fields_of(manifest["kind"], _shape(manifest)).replace(b"OWNER", owner.encode())
    ours = {"manager": NAMES.field_manager, "operation": "Apply", "fieldsType": "FieldsV1"}
    entry = {**ours, "time": CREATED, "apiVersion": manifest["apiVersion"], "fieldsV1": msgspec.Raw(text)}
    uid = f"{manifest['kind']}-of-{owner}"
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    more = {"status": status} if manifest["kind"] == "Deployment" else {}
    return {**served(manifest, uid, managedFields=[entry], **metadata), **more}


_shapes: dict[int, Manifest] = {}


def _shape(manifest: Manifest) -> int:
    """Children with the same fields have one number: to compute these for each takes minutes."""
    metadata = manifest["metadata"]
    env = manifest["spec"].get("template", {}).get("spec", {}).get("containers", [{}])[0].get("env", ())
    marks = (manifest["kind"], len(env), *metadata["annotations"], "ownerReferences" in metadata)
    number = hash(marks)
    _shapes.setdefault(number, manifest)
    return number


@cache
def fields_of(kind: str, shape: int) -> bytes:
    manifest = _shapes[shape]
    text = _encode(to_fields_v1(field_set_of(manifest)))
    owners = manifest["metadata"].get("ownerReferences") or [{"uid": "OWNER"}]
    return text.replace(owners[0]["uid"].encode(), b"OWNER")


def plainly(number: int, manifest: dict[str, Any]) -> None:
    """Nothing."""


def of_all(change: Change, *, created: bool = True, **settings: Any) -> Callable[[int], World]:
    """The world of previews with this change."""

    def make(previews: int) -> World:
        world = World(settings={**SETTINGS, **settings})
        for number in range(previews):
            world.add_preview(number, change, created=created)
        return world

    return make


def to_spec(**fields: Any) -> Change:
    return lambda number, manifest: manifest["spec"].update(fields)


def in_one_namespace(number: int, manifest: dict[str, Any]) -> None:
    manifest["metadata"]["namespace"] = "team-0"


def in_its_own_namespace(number: int, manifest: dict[str, Any]) -> None:
    manifest["metadata"]["namespace"] = f"team-{number}"


def expired(number: int, manifest: dict[str, Any]) -> None:
    manifest["spec"]["ttl"], manifest["status"] = "1h", EXPIRED


def protected(number: int, manifest: dict[str, Any]) -> None:
    manifest["metadata"]["annotations"][NAMES.prune_annotation] = PRUNE_DISABLED


def unreadable(number: int, manifest: dict[str, Any]) -> None:
    manifest["spec"] = {str(field): [[field] * 3] * 3 for field in range(10)}


def wrong(number: int, manifest: dict[str, Any]) -> None:
    manifest["spec"] |= {"fqdn": "Not A Hostname", "port": 0, "env": [{"name": "A=B"}] * 50}


def gone(previews: int) -> World:
    """Leftovers alone, but for one preview."""
    world = World()
    world.add_preview(previews, plainly)
    for number in range(previews):
        parsed = parse_preview(served(preview(number), f"uid-{number}"), group=NAMES.group)
        assert isinstance(parsed, PreviewEnvironment)
        world.add_children(parsed)
    return world


def drifted(previews: int) -> World:
    """Of each Deployment somebody has changed the image."""
    world = of_all(plainly)(previews)
    old = world.objects["Deployment"]
    world.objects["Deployment"] = [
        text.replace(b"ghcr.io/acme/shop:", b"ghcr.io/acme/other:") for text in old
    ]
    return world


def long_env(previews: int) -> World:
    """A fiftieth as many with as much env as a preview may have, all drifted."""
    variables = [{"name": f"VARIABLE_{at}", "value": "v" * 20} for at in range(200)]
    world = of_all(to_spec(env=variables))(max(1, previews // 50))
    old = world.objects["Deployment"]
    world.objects["Deployment"] = [text.replace(b"v" * 20, b"w" * 20) for text in old]
    return world


def moving(next_one: Callable[[int, int], int]) -> Callable[[int], World]:
    """Each preview asks for the hostname of another one."""

    def make(previews: int) -> World:
        world = of_all(plainly)(previews)
        hosts = [preview(number)["spec"]["fqdn"] for number in range(previews + 1)]
        world.objects["PreviewEnvironment"] = []
        for number in range(previews):
            change = to_spec(fqdn=hosts[next_one(number, previews)])
            world.add_preview(number, change, created=False)
        return world

    return make


def mapping(number: int, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A stranger's."""
    metadata = {"name": f"route-{number}", "namespace": namespace_of(number)}
    head = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": metadata}
    return served({**head, "spec": {"prefix": "/", "service": "web", **spec}}, f"route-{number}")


def strangers(spec_of: Callable[[int, str], Mapping[str, Any]]) -> Callable[[int], World]:
    """As many routes of others as previews; the previews have none yet."""

    def make(previews: int) -> World:
        world = of_all(plainly, created=False)(previews)
        for number in range(previews):
            world.add(mapping(number, spec_of(number, preview(number)["spec"]["fqdn"])))
        return world

    return make


def one_label(previews: int) -> World:
    """As many routes as previews, all with the label of one preview."""
    world = of_all(plainly)(previews)
    for number in range(previews):
        route = mapping(number, {"hostname": f"other-{number}.example.com"})
        route["metadata"] |= {"namespace": namespace_of(0), "labels": {NAMES.preview_label: name_of(0)}}
        world.add(route)
    return world


def crashing(pods_of_one: bool) -> Callable[[int], World]:
    """A pod for each preview, or all of one preview's, that crashes, with Events."""

    def make(previews: int) -> World:
        world = of_all(plainly)(previews)
        old = world.objects["Deployment"]
        world.objects["Deployment"] = [
            text.replace(b'"availableReplicas":1', b'"availableReplicas":0') for text in old
        ]
        for number in range(previews):
            of = 0 if pods_of_one else number
            world.add(a_pod(number, of))
            world.add(an_event(number, of))
        return world

    return make


def a_pod(number: int, of: int) -> dict[str, Any]:
    labels = {NAMES.preview_label: name_of(of), COMPONENT_LABEL: APP_COMPONENT, "pod-template-hash": "1"}
    metadata = {"name": f"pod-{number}", "namespace": namespace_of(of), "labels": labels}
    status = {"name": "app", "ready": False, "restartCount": 3, "state": {"running": {}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "app"}]}}
    return served({**pod, "status": {"containerStatuses": [status]}}, f"pod-{number}")


def an_event(number: int, of: int) -> dict[str, Any]:
    about = {"uid": f"pod-{number}", "fieldPath": "spec.containers{app}"}
    metadata = {"name": f"event-{number}", "namespace": namespace_of(of)}
    said = {"type": "Warning", "reason": "Unhealthy", "message": "Readiness probe failed: refused"}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about}
    return served({**event, **said}, f"event-{number}")


ORDINARY = "ordinary"

WORLDS: Mapping[str, Callable[[int], World]] = {
    ORDINARY: of_all(plainly),
    "new": of_all(plainly, created=False),
    "in one namespace": of_all(in_one_namespace),
    "each in its own namespace": of_all(in_its_own_namespace),
    "with one hostname": of_all(to_spec(fqdn=HOST)),
    "with one image": of_all(to_spec(image=IMAGE)),
    "expired at once": of_all(expired),
    "all refused": of_all(plainly, allow_image=("ghcr.io/other/*",)),
    "all unreadable": of_all(unreadable),
    "all invalid": of_all(wrong),
    "all protected": of_all(protected),
    "with a setup": of_all(to_spec(setup={"command": ["migrate"]})),
    "beyond --max-previews": of_all(plainly, max_previews=1),
    "one chain of moves": moving(lambda number, previews: number + 1),
    "one circle of moves": moving(lambda number, previews: (number + 1) % previews),
    "all gone": gone,
    "all drifted": drifted,
    "long env": long_env,
    "strangers' routes with the hostnames": strangers(lambda number, host: {"hostname": host}),
    "strangers' routes with one hostname": strangers(lambda number, host: {"hostname": HOST}),
    "strangers' wildcards": strangers(lambda number, host: {"hostname": f"*{host[2:]}", "precedence": 1}),
    "strangers' patterns": strangers(
        lambda number, host: {"host": f"pr-{number}[.].*", "host_regex": True, "precedence": 1}
    ),
    "strangers' patterns that fit none": strangers(
        lambda number, host: {"host": f"x{number}.*y.*", "host_regex": True, "precedence": 1}
    ),
    "strangers' catch-alls": strangers(lambda number, host: {"hostname": "*", "precedence": number}),
    "routes with one label": one_label,
    "a crashing pod each": crashing(False),
    "crashing pods of one": crashing(True),
}
