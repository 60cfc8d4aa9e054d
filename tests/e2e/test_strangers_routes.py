"""Hostnames that routes of others have, of each kind and in another namespace: tests/kube has the spellings."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.children import RESOURCES
from tests.e2e.conftest import fresh_namespace
from tests.e2e.story import ROUTES, Story

BACKEND = {"service": {"name": "elsewhere", "port": {"number": 80}}}
PATHS = {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}


def route(kind: str, name: str, host: str, /, **spec: Any) -> dict[str, Any]:
    """A route of somebody else with this hostname."""
    specs: Mapping[str, dict[str, Any]] = {
        "Mapping": {"hostname": host, "prefix": "/", "service": "http://elsewhere:80"},
        "Ingress": {"rules": [{"host": host, "http": PATHS}]},
        "HTTPRoute": {"hostnames": [host], "parentRefs": [{"name": "web"}]},
    }
    said = {field: value for field, value in {**specs[kind], **spec}.items() if value is not None}
    return {
        "apiVersion": RESOURCES[kind].api_version,
        "kind": kind,
        "metadata": {"name": name},
        "spec": said,
    }


@pytest.fixture
def strangers(story: Story) -> Iterator[Story]:
    """The namespace of somebody else."""
    with fresh_namespace(story.plane) as name:
        yield replace(story, namespace=name)


def blocked(story: Story, host: str, theirs: str, name: str = "pr-1") -> str:
    return f"! Preview {story.namespace}/{name} {host}: belongs to {theirs}; change spec.fqdn"


def test_an_unmanaged_hostname_blocks_until_its_route_is_gone(story: Story, strangers: Story) -> None:
    names = {kind.lower(): kind for kind in ROUTES}
    for name, kind in names.items():
        host = story.host(name)
        strangers.create(route(kind, "theirs", host.upper() if kind == "Mapping" else host))
        story.apply(name, replicas=0)
    story.apply("pr-2", replicas=0)
    result = story.reconcile(code=1)
    assert [line for line in result.lines if line.startswith("! ")] == [
        blocked(story, story.host(name), f"{names[name]} {strangers.namespace}/theirs", name)
        for name in sorted(names)
    ]
    bare = [f"{kind}/{name}" for name in names for kind in ("Deployment", "Service")]
    assert sorted(story.children()) == sorted([*bare, *story.all_of("pr-2")])
    story.silent(code=1)
    for kind in ROUTES:
        strangers.delete(kind, "theirs")
    expected = [f"+ {story.route} {story.namespace}/{name} does not exist" for name in sorted(names)]
    assert story.reconcile().changes == expected


SOLVER = "/.well-known/acme-challenge/dGVzdA"
"""cert-manager's, which is deleted with its certificate. Its name and label prove nothing: its path does."""


def test_a_route_of_other_paths_shares_a_hostname_whoever_was_first(story: Story, strangers: Story) -> None:
    names = {kind.lower(): kind for kind in ROUTES}
    for name, kind in names.items():
        strangers.create(
            for_path(kind, "login", story.host(name), "/oauth2" if kind == "Mapping" else SOLVER)
        )
        story.apply(name, replicas=0)
    assert "warning: " not in story.reconcile().stdout
    assert [story.there(story.route, name) for name in names] == [True] * 3
    for name, kind in names.items():
        strangers.create(for_path(kind, "later", story.host(name), "/oauth3"))
    result = story.reconcile()
    assert (result.changes, "warning: " in result.stdout) == ([], False)


# The hostname of a Gateway's listener, how a route without hostnames hangs on it, and whether it takes the preview's.
LISTENERS: tuple[tuple[str | None, dict[str, Any], bool], ...] = (
    ("{host}", {}, True),
    ("{host}", {"sectionName": "one"}, True),
    ("{host}", {"sectionName": "other"}, False),
    ("{host}", {"kind": "Service", "group": ""}, False),
    ("*.{rest}", {}, False),
    (None, {}, False),
)


@pytest.mark.usefixtures("gateway_api")
def test_a_route_without_hostnames_has_those_of_the_listeners_that_it_hangs_on(
    story: Story, strangers: Story
) -> None:
    hosts = {f"pr-{n}": f"pr-{n}.{chr(97 + n)}.{story.namespace}.example.com" for n in range(len(LISTENERS))}
    path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{strangers.namespace}/gateways"
    for (name, host), (listens, parent, _) in zip(hosts.items(), LISTENERS, strict=True):
        story.apply(name, fqdn=host, replicas=0)
        rest = host.partition(".")[2]
        hostname = {"hostname": listens.format(host=host, rest=rest)} if listens else {}
        listeners = [
            {"name": "one", "protocol": "HTTP", "port": 80, **hostname},
            {"name": "other", "protocol": "HTTP", "port": 81, "hostname": "other.example.com"},
        ]
        spec = {"gatewayClassName": "web", "listeners": listeners}
        gateway = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"}
        story.ask("POST", path, {**gateway, "metadata": {"name": name}, "spec": spec})
        strangers.create(
            route("HTTPRoute", name, host, hostnames=None, parentRefs=[{"name": name, **parent}])
        )
    taken = [name for name, (*_, takes) in zip(hosts, LISTENERS, strict=True) if takes]
    assert [line for line in story.reconcile(code=1).lines if line[0:2] == "! "] == [
        blocked(story, hosts[name], f"HTTPRoute {strangers.namespace}/{name}", name) for name in taken
    ]
    assert [name for name in hosts if not story.there("Mapping", name)] == taken
    for name in taken:
        story.delete("PreviewEnvironment", name)
    story.reconcile()
    asked = story.asked_by_a_run()  # with the hostnames on record nobody asks for Gateways
    assert "gateways" not in {event.resource for event in asked}


def for_path(kind: str, name: str, host: str, path: str) -> dict[str, Any]:
    """A route of somebody else that takes this path of a hostname, and no other."""
    specs: Mapping[str, dict[str, Any]] = {
        "Mapping": {"prefix": path},
        "Ingress": {"rules": [{"host": host, "http": {"paths": [{**PATHS["paths"][0], "path": path}]}}]},
        "HTTPRoute": {"rules": [{"matches": [{"path": {"type": "PathPrefix", "value": path}}]}]},
    }
    return route(kind, name, host, **specs[kind])
