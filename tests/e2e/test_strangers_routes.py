"""Hostnames that routes of somebody else have, of each kind and in any namespace of the cluster."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconcile.desire.children import RESOURCES
from tests.controlplane import service_account
from tests.e2e.conftest import fresh_namespace
from tests.e2e.granted import allow_runs
from tests.e2e.story import ROUTES, Story

BACKEND = {"service": {"name": "elsewhere", "port": {"number": 80}}}
PATHS = {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}


def route(kind: str, name: str, host: str, **spec: Any) -> dict[str, Any]:
    """A route of somebody else with this hostname."""
    specs: Mapping[str, dict[str, Any]] = {
        "Mapping": {"hostname": host, "prefix": "/", "service": "http://elsewhere:80"},
        "Ingress": {"rules": [{"host": host, "http": PATHS}]},
        "HTTPRoute": {"hostnames": [host], "parentRefs": [{"name": "web"}]},
    }
    metadata = {"name": name}
    resource = RESOURCES[kind]
    return {
        "apiVersion": resource.api_version,
        "kind": kind,
        "metadata": metadata,
        "spec": {**specs[kind], **spec},
    }


@pytest.fixture
def strangers(story: Story) -> Iterator[Story]:
    """The namespace of somebody else."""
    with fresh_namespace(story.plane) as name:
        yield replace(story, namespace=name)


@pytest.mark.parametrize("kind", ROUTES)
@pytest.mark.parametrize("own", ROUTES)
def test_a_strangers_hostname_blocks_until_the_stranger_goes(
    story: Story, strangers: Story, kind: str, own: str
) -> None:
    story = replace(story, route=own)
    host = story.host("pr-1")
    strangers.create(route(kind, "theirs", host.upper() if kind == "Mapping" else host))
    story.apply(replicas=0)
    story.apply("pr-2", replicas=0)
    result = story.reconcile(code=1)
    blocked = f"! Preview {story.namespace}/pr-1 {host}: belongs to {kind} {strangers.namespace}/theirs; change spec.fqdn"
    assert [line for line in result.lines if line.startswith("! ")] == [blocked]
    assert sorted(story.children()) == sorted(["Deployment/pr-1", "Service/pr-1", *story.all_of("pr-2")])
    story.silent(code=1)
    strangers.delete(kind, "theirs")
    assert story.reconcile().changes == [f"+ {own} {story.namespace}/pr-1 does not exist"]
    story.silent()


@pytest.mark.parametrize("kind", ROUTES)
def test_beside_who_has_the_hostname_a_stranger_is_a_warning(
    story: Story, strangers: Story, kind: str
) -> None:
    host = story.host("pr-1")
    story.apply(replicas=0)
    story.reconcile()
    versions = story.settled()
    strangers.create(route(kind, "theirs", host))
    warning = f"warning: {host} of {story.namespace}/pr-1: {kind} {strangers.namespace}/theirs has it too"
    result = story.reconcile()
    assert [line for line in result.lines if line.startswith("warning: ")] == [warning]
    assert story.reconcile("-o", "json").report["passes"][0]["plan"]["notes"] == [warning]
    assert story.versions() == versions
    # A new hostname is another matter: who leaves the old one does not get it back from the stranger.
    story.apply(replicas=0, fqdn=story.host("other"))
    assert "warning: " not in story.reconcile().stdout
    story.apply(replicas=0)
    result = story.reconcile(code=1)
    blocked = f"! Preview {story.namespace}/pr-1 {host}: belongs to {kind} {strangers.namespace}/theirs; change spec.fqdn"
    assert [line for line in result.lines if line.startswith("! ")] == [blocked]
    assert story.route_hosts() == [story.host("other")]


LISTENERS: tuple[tuple[str | None, dict[str, Any], bool], ...] = (
    ("{host}", {}, True),
    ("{host}", {"sectionName": "one"}, True),
    ("{host}", {"sectionName": "other"}, False),
    ("{host}", {"kind": "Service", "group": ""}, False),
    ("*.{rest}", {}, False),
    (None, {}, False),
)


@pytest.mark.usefixtures("gateway_api")
@pytest.mark.parametrize(("listens", "parent", "takes"), LISTENERS)
def test_a_route_without_hostnames_has_those_of_the_listeners_that_it_hangs_on(
    story: Story, strangers: Story, listens: str | None, parent: dict[str, Any], takes: bool
) -> None:
    host = story.host("pr-1")
    hostname = {"hostname": listens.format(host=host, rest=host.partition(".")[2])} if listens else {}
    listeners = [
        {"name": "one", "protocol": "HTTP", "port": 80, **hostname},
        {"name": "other", "protocol": "HTTP", "port": 81, "hostname": "other.example.com"},
    ]
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "web"},
        "spec": {"gatewayClassName": "web", "listeners": listeners},
    }
    path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{strangers.namespace}/gateways"
    story.ask("POST", path, gateway)
    theirs = route("HTTPRoute", "theirs", host, parentRefs=[{"name": "web", **parent}])
    del theirs["spec"]["hostnames"]
    strangers.create(theirs)
    story.apply(replicas=0)
    result = story.reconcile(code=1 if takes else 0)
    blocked = f"! Preview {story.namespace}/pr-1 {host}: belongs to HTTPRoute {strangers.namespace}/theirs; change spec.fqdn"
    assert (blocked in result.lines, story.there("Mapping")) == (takes, not takes)
    if not takes:
        asked = story.asked_by_a_run()  # with the hostname on record nobody asks for Gateways
        assert "gateways" not in {event.resource for event in asked}


# What a wildcard takes by the rule of its route's kind; of a Mapping also by how long it is written.
WILDCARDS: tuple[tuple[str, str, dict[str, Any], bool], ...] = (
    ("Mapping", "*.{rest}", {}, False),
    ("Mapping", "*.{rest}", {"precedence": 1}, True),
    ("Mapping", "*{rest}", {"precedence": 1, "prefix": "/api/"}, False),
    ("Mapping", "*{host}", {}, True),
    ("Mapping", "*{host}", {"precedence": -1}, False),
    ("Mapping", "*.elsewhere.{rest}", {"precedence": 1}, False),
    ("Ingress", "*.{rest}", {}, False),
    ("HTTPRoute", "*.{rest}", {}, False),
)


@pytest.mark.parametrize(("kind", "glob", "spec", "wins"), WILDCARDS)
def test_a_wildcard_blocks_only_where_it_would_win(
    story: Story, strangers: Story, kind: str, glob: str, spec: dict[str, Any], wins: bool
) -> None:
    host = story.host("pr-1")
    theirs = glob.format(host=host, rest=host.partition(".")[2])
    strangers.create(route(kind, "theirs", theirs, **spec))
    story.apply(replicas=0)
    result = story.reconcile(code=1 if wins else 0)
    blocked = f"! Preview {story.namespace}/pr-1 {host}: belongs to {kind} {strangers.namespace}/theirs; change spec.fqdn"
    assert (blocked in result.lines) is wins
    assert story.there("Mapping") is not wins
    strangers.delete(kind, "theirs")
    story.reconcile()
    assert story.children() == story.all_of()


# A hostname in other words, each in the place of the `hostname` of a Mapping.
SPELLINGS: tuple[dict[str, Any], ...] = (
    {"hostname": "{upper}:8443"},
    {"host": "{host}."},
    {"host": r"^(mr|pr)-[0-9]{1,6}\.{rest}$", "host_regex": True},
    {"headers": {":authority": "{host}"}},
    {"regex_headers": {":authority": ".*{rest}"}, "precedence": 1},
)


@pytest.mark.parametrize("spelling", SPELLINGS, ids=str)
def test_a_hostname_blocks_in_each_spelling(story: Story, strangers: Story, spelling: dict[str, Any]) -> None:
    host = story.host("pr-1")
    words = {"{host}": host, "{upper}": host.upper(), "{rest}": host.partition(".")[2]}
    text = json.dumps(spelling)
    for word, value in words.items():
        text = text.replace(word, value)
    theirs = route("Mapping", "theirs", host)
    del theirs["spec"]["hostname"]
    theirs["spec"] |= json.loads(text)
    strangers.create(theirs)
    story.apply(replicas=0)
    blocked = f"! Preview {story.namespace}/pr-1 {host}: belongs to Mapping {strangers.namespace}/theirs; change spec.fqdn"
    assert blocked in story.reconcile(code=1).changes
    story.silent(code=1)


def test_each_host_of_an_ingress_blocks(story: Story, strangers: Story) -> None:
    hosts = [story.host("pr-1"), story.host("pr-2")]
    rules = [{"host": host, "http": PATHS} for host in ("first.example.com", *hosts)]
    strangers.create(route("Ingress", "theirs", "", rules=rules))
    for name in ("pr-1", "pr-2", "pr-3"):
        story.apply(name, replicas=0)
    story.reconcile(code=1)
    assert [story.there("Mapping", name) for name in ("pr-1", "pr-2", "pr-3")] == [False, False, True]


def for_path(kind: str, name: str, host: str, path: str) -> dict[str, Any]:
    """A route of somebody else that takes this path of a hostname, and no other."""
    specs: Mapping[str, dict[str, Any]] = {
        "Mapping": {"prefix": path},
        "Ingress": {"rules": [{"host": host, "http": {"paths": [{**PATHS["paths"][0], "path": path}]}}]},
        "HTTPRoute": {"rules": [{"matches": [{"path": {"type": "PathPrefix", "value": path}}]}]},
    }
    return route(kind, name, host, **specs[kind])


@pytest.mark.parametrize("kind", ROUTES)
@pytest.mark.parametrize("own", ROUTES)
def test_a_route_of_other_paths_shares_a_hostname_whoever_was_first(
    story: Story, strangers: Story, kind: str, own: str
) -> None:
    story = replace(story, route=own)
    strangers.create(for_path(kind, "login", story.host("pr-1"), "/oauth2"))
    story.apply(replicas=0)
    assert "warning: " not in story.reconcile().stdout
    assert story.there(own)
    strangers.create(for_path(kind, "later", story.host("pr-1"), "/oauth3"))
    result = story.reconcile()
    assert (result.changes, "warning: " in result.stdout) == ([], False)


@pytest.mark.parametrize("kind", ["Ingress", "HTTPRoute"])
def test_a_solver_of_cert_manager_does_not_block(story: Story, strangers: Story, kind: str) -> None:
    """It goes when the certificate is there. Its label proves nothing: its path does."""
    path = "/.well-known/acme-challenge/dGVzdA"
    story.create(for_path(kind, "cm-acme-http-solver-x7k2p", story.host("pr-1"), path))
    story.apply(replicas=0)
    story.reconcile()
    assert story.there("Mapping")
    story.silent()


def test_with_rights_in_one_namespace_what_others_have_is_not_seen_and_the_plan_says_so(
    story: Story, strangers: Story
) -> None:
    account = service_account(story.plane, story.namespace, "narrow")
    allow_runs(story.plane, account.user, story.group, namespace=story.namespace)
    narrow = replace(story, account=account)
    story.apply(replicas=0)
    story.apply("pr-2", replicas=0)
    strangers.create(route("Ingress", "theirs", story.host("pr-1")))
    story.create(route("Ingress", "theirs", story.host("pr-2")))
    note = f"only namespace {story.namespace} was read: hostnames of other namespaces were not seen"
    own = ("--namespace-only", "--allow-fqdn", f"*.{story.namespace}.example.com")
    dry = narrow.reconcile(*own, "--dry-run", code=1)
    result = narrow.reconcile(*own, "-o", "json", code=1)
    assert note in dry.lines
    assert note in result.report["passes"][0]["plan"]["notes"]
    assert story.there("Mapping", "pr-1")
    assert not story.there("Mapping", "pr-2")
    asked = {(event.namespace, event.code < 300 or event.code == 404) for event in narrow.requests()}
    assert asked == {(story.namespace, True)}
    # Whoever sees the whole cluster is told of both.
    seen = story.reconcile(code=1)
    place = f"{strangers.namespace}/theirs"
    warning = f"warning: {story.host('pr-1')} of {story.namespace}/pr-1: Ingress {place} has it too"
    assert warning in seen.lines
