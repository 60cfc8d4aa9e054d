"""Worlds for the proofs: what is there before two runs begin, and how these are called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reconcile.kube.objects import DEPLOYMENT, JOB, Key
from reconcile.model.names import PRUNE_DISABLED
from reconcile.model.scope import make_scope
from reconcile.model.settings import Gateway, Settings
from reconcile.run.request import Request
from tests.proofs.model.apiserver import NAMES, SERVED, Model
from tests.templates import with_templates

NAMESPACE = "shop"
IMAGE = "registry.example.com/web:1"
NEWER = "registry.example.com/web:2"
DAY_BEFORE = "2025-12-31T00:00:00Z"
"""Before anything here was made: a ttl that counts from it is over."""

BACKEND = {"service": {"name": "elsewhere", "port": {"number": 80}}}


Kind = Literal["mapping", "ingress", "httproute", "none"]


def call(
    *names: str, route: Kind = "mapping", given: bool = True, documents: str = "", **options: Any
) -> Request:
    """The command with these NAMEs, and with documents of `--templates` where there are any; its requests
    come one after the other."""
    settings: dict[str, Any] = {
        key: options.pop(key) for key in ("allow_image", "default_ttl") if key in options
    }
    settings |= {"route": route, "route_given": given, "gateway": Gateway(namespace="infra", name="web")}
    return Request(
        scope=make_scope(
            options.pop("namespace", None), names, None, namespace_only=options.pop("only", False)
        ),
        settings=with_templates(documents, **settings) if documents else Settings(**settings),
        concurrency=1,
        **options,
    )


def a_preview(
    name: str,
    *,
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """As its author applies it, with a hostname of its own."""
    metadata: dict[str, Any] = {"name": name, "namespace": spec.pop("namespace", NAMESPACE)}
    metadata |= {"annotations": dict(annotations)} if annotations else {}
    metadata |= {"labels": dict(labels)} if labels else {}
    return {
        "apiVersion": NAMES.api_version,
        "kind": "PreviewEnvironment",
        "metadata": metadata,
        "spec": {"image": IMAGE, "fqdn": host(name), **spec},
    }


def host(name: str) -> str:
    return f"{name}.preview.example.com"


def an_ingress(name: str, hostname: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    """Somebody else's."""
    rule = {"host": hostname, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}
    return _strangers("Ingress", name, namespace, {"rules": [rule]})


def a_mapping(name: str, hostname: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    """Somebody else's."""
    return _strangers(
        "Mapping", name, namespace, {"hostname": hostname, "prefix": "/", "service": "http://elsewhere:80"}
    )


def an_httproute(name: str, hostname: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    """Somebody else's."""
    return _strangers(
        "HTTPRoute", name, namespace,
        {"hostnames": [hostname], "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway",
         "name": "web", "namespace": "infra"}]},
    )  # fmt: skip


STRANGERS = {"Mapping": a_mapping, "Ingress": an_ingress, "HTTPRoute": an_httproute}


def a_service(name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    """Somebody else's."""
    return _strangers(
        "Service", name, namespace, {"ports": [{"name": "web", "port": 8080, "protocol": "TCP"}]}
    )


def _strangers(kind: str, name: str, namespace: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": SERVED[kind].api_version, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def preview_key(name: str, namespace: str = NAMESPACE) -> Key:
    return Key("PreviewEnvironment", namespace, name)


def available(state: Model) -> Model:
    """Every Deployment has the pods that it wants."""
    for key, found in state.objects.items():
        if key.kind == DEPLOYMENT.kind and not found.get("status"):
            counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1)
            generation = found["metadata"]["generation"]
            state = state.say(key, {"observedGeneration": generation, **counts})
    return state


def jobs_done(state: Model) -> Model:
    """Every setup Job has ended well."""
    for key, found in state.objects.items():
        if key.kind == JOB.kind and not found.get("status"):
            state = state.say(key, {"conditions": [{"type": "Complete", "status": "True"}]})
    return state


Settled = Callable[[Model, Request], Model]
"""One undisturbed run."""


@dataclass(frozen=True)
class World:
    """What is there, and how the two runs are called; they differ where `calls` has two."""

    state: Model
    calls: tuple[Request, ...]
    codes: frozenset[int] = field(default=frozenset({0}))

    @property
    def two(self) -> tuple[Request, ...]:
        """How the two are called."""
        return self.calls * (2 // len(self.calls))


# small ones: one thing each


def new(settled: Settled) -> World:
    return World(Model().apply(a_preview("pr-1")), (call(),))


def changed(settled: Settled) -> World:
    before = settled(Model().apply(a_preview("pr-1")), call())
    return World(before.apply(a_preview("pr-1", image=NEWER, port=8080, fqdn=host("other"))), (call(),))


def gone(settled: Settled) -> World:
    before = settled(Model().apply(a_preview("pr-1")).apply(a_preview("pr-2")), call())
    return World(before.delete(preview_key("pr-1")), (call(),))


def made_again(settled: Settled) -> World:
    before = settled(Model().apply(a_preview("pr-1")), call())
    return World(before.delete(preview_key("pr-1")).apply(a_preview("pr-1")), (call(),))


def switching(settled: Settled) -> World:
    before = settled(Model().apply(a_preview("pr-1")), call())
    return World(available(before), (call(route="ingress"),))


def swapped(settled: Settled) -> World:
    before = settled(Model().apply(a_preview("pr-1")).apply(a_preview("pr-2")), call())
    swap = before.apply(a_preview("pr-1", fqdn=host("pr-2"))).apply(a_preview("pr-2", fqdn=host("pr-1")))
    return World(swap, (call(),))


def contested(settled: Settled) -> World:
    state = Model().apply(a_preview("pr-1", fqdn=host("one"))).apply(a_preview("pr-2", fqdn=host("one")))
    return World(state, (call(),), frozenset({1}))


def expired(settled: Settled) -> World:
    state = Model(created=DAY_BEFORE).apply(a_preview("pr-1", ttl="1h"))
    before = settled(state, call())
    status = {**before.objects[preview_key("pr-1")]["status"], "ttlCountsFrom": DAY_BEFORE}
    return World(_with_status(before, "pr-1", status), (call(),))


def set_up_anew(settled: Settled) -> World:
    setup = {"command": ["migrate"]}
    before = jobs_done(settled(Model().apply(a_preview("pr-1", setup=setup)), call()))
    return World(before.apply(a_preview("pr-1", setup=setup, image=NEWER)), (call(),))


def one_and_all(settled: Settled) -> World:
    """A step of CI about one preview, and the CronJob about all."""
    state = Model().apply(a_preview("pr-1")).apply(a_preview("pr-2"))
    return World(state, (call("pr-1"), call()))


SMALL: Mapping[str, Callable[[Settled], World]] = {
    found.__name__: found
    for found in (
        new, changed, gone, made_again, switching, swapped, contested, expired, set_up_anew, one_and_all,
    )
}  # fmt: skip


# a larger one: a bit of everything


def large(settled: Settled) -> World:
    """Sixteen previews, of which each meets something else; the routes are switched to Ingresses."""
    setup = {"command": ["migrate"]}
    state = Model(created=DAY_BEFORE)
    for name in ("changed", "gone-1", "gone-2", "again", "same-1", "same-2", "left", "right"):
        state = state.apply(a_preview(name))
    state = state.apply(a_preview("expired", ttl="1h")).apply(a_preview("setup", setup=setup))
    state = state.apply(a_preview("spared", annotations={NAMES.prune_annotation: PRUNE_DISABLED}))
    state = available(jobs_done(settled(state, call())))
    state = state.delete(preview_key("gone-1")).delete(preview_key("gone-2")).delete(preview_key("spared"))
    state = state.delete(preview_key("again")).apply(a_preview("again"))
    state = state.apply(a_preview("changed", image=NEWER, port=8080, env=[{"name": "A", "value": "1"}]))
    state = state.apply(a_preview("left", fqdn=host("right"))).apply(a_preview("right", fqdn=host("left")))
    state = state.apply(a_preview("setup", setup=setup, image=NEWER))
    state = (
        state.apply(a_preview("suspended", suspend=True)).apply(a_preview("new-1")).apply(a_preview("new-2"))
    )
    state = state.apply(an_ingress("strangers", host("taken"))).apply(a_preview("late", fqdn=host("taken")))
    state = state.apply(a_service("named")).apply(a_preview("named"))
    state = state.apply(a_preview("refused", image="elsewhere.example.com/web"))
    status = {**state.objects[preview_key("expired")]["status"], "ttlCountsFrom": DAY_BEFORE}
    state = _with_status(state, "expired", status)
    request = call(route="ingress", allow_image=("registry.example.com/**",))
    return World(state, (request,), frozenset({1}))


def _with_status(state: Model, name: str, status: Mapping[str, Any]) -> Model:
    """Another status of ours: as if an earlier run had written it."""
    return state.say(preview_key(name), dict(status), manager=NAMES.field_manager)
