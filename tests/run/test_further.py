"""What a run asks a cluster for further children: which schemas and lists, and when it waits for them."""

from dataclasses import replace
from typing import Any

import pytest

from reconcile.errors import ServerTrouble, UsageError
from reconcile.kube.openapi import kinds_in, rules_in
from reconcile.kube.schema import Node, Table, schema_of
from reconcile.model.settings import Settings
from reconcile.run.refresh import Look, kinds_to_look_at, refreshed
from reconcile.status.result import exit_code
from tests.given import RULES, a_read_preview
from tests.memory import Memory
from tests.run.test_run import LISTS, a_cluster, go, messages
from tests.status.test_further import CLAIM, CONFIG, DB, REDIS, VIRTUAL, facts
from tests.templates import further, with_templates

GRPC = further(
    "gateway.networking.k8s.io/v1", "GRPCRoute", "-g", "spec: {hostnames: ['${preview.spec.fqdn}']}"
)
ASKS = ("discover", "schema")


def asked(memory: Memory, text: str, **request: Any) -> list[str]:
    """What is asked about kinds, and the lists that no run without templates needs."""
    memory.log.clear()
    go(memory, settings=with_templates(text, route="none"), **request)
    more = {f"list {plural}" for plural in (*LISTS, "previewenvironments", "pods", "events in shop")}
    return [line for line in memory.log if line.split()[0] in (*ASKS, "list") and line not in more]


def of_anything(*kinds: str) -> Memory:
    memory = a_cluster()
    memory.schemas.update(dict.fromkeys(kinds, schema_of({})))
    return memory


def test_of_native_kinds_all_is_known() -> None:
    assert asked(a_cluster(), CONFIG + CLAIM) == ["list configmaps", "list persistentvolumeclaims"]


@pytest.mark.parametrize(
    ("text", "kind", "of", "plural"),
    [
        (REDIS, "Redis", "example.com/v1", "rediss"),
        (GRPC, "GRPCRoute", "gateway.networking.k8s.io/v1", "grpcroutes"),
    ],
)
def test_of_others_a_server_is_asked(text: str, kind: str, of: str, plural: str) -> None:
    memory = of_anything(kind)
    assert asked(memory, text * 2) == [f"discover {kind} of {of}", f"list {plural}", f"schema {kind} of {of}"]
    assert any(line.startswith(f"apply {kind}") for line in memory.log)


def test_what_is_not_served_has_no_schema_to_request() -> None:
    memory = a_cluster()
    memory.unserved.add("Redis")
    assert asked(memory, REDIS) == ["discover Redis of example.com/v1"]
    assert memory.writes() == []


def test_where_nothing_is_compared_no_schema_is_requested() -> None:
    assert asked(Memory(), REDIS) == ["discover Redis of example.com/v1", "list rediss"]


@pytest.mark.parametrize("known", [False, True])
def test_a_kind_whose_schema_is_unavailable_is_not_changed(*, known: bool) -> None:
    memory = of_anything(*(["Redis"] if known else []))
    memory.trouble("schema Redis of example.com/v1", *([ServerTrouble("busy")] if known else []))
    done = go(memory, settings=with_templates(CONFIG + REDIS))
    assert memory.writes() == ["apply ConfigMap shop/pr-1-config"], "what it comes before is made"
    why = "its schema could not be read: busy" if known else "the server publishes no schema of it"
    assert [one.sentence for one in done.plan.skipped] == [
        f"Redis.example.com: {why}; all changes of this kind are skipped"
    ]
    assert exit_code(done) == 4


def a_schema(**fields: Any) -> Node:
    """A server's own schema of a Sized with these fields in its spec.

    What is learned holds for the whole process: no other test has this kind.
    """
    spec = {"type": "object", "properties": fields}
    metadata = {"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]}
    text = {"type": "string"}
    sized = {
        "type": "object",
        "properties": {"apiVersion": text, "kind": text, "metadata": metadata, "spec": spec},
        "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Sized"}],
    }
    meta = {"type": "object", "properties": {name: {"type": "object", "additionalProperties": text} for name in ("labels", "annotations")}}  # fmt: skip
    types = {"com.example.v1.Sized": sized, "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": meta}
    document = {"components": {"schemas": types}}
    found = Table(kinds_in(document), rules_in(document)).kind("example.com/v1", "Sized")
    assert found is not None
    return found


def test_a_crd_that_was_changed_between_two_runs_is_re_read() -> None:
    """With --interval, one process meets both."""
    memory = a_cluster()
    memory.schemas["Sized"] = a_schema(size={"type": "integer"})
    go(memory, settings=with_templates(further("example.com/v1", "Sized", "-r", "spec: {size: 1}")))
    memory.schemas["Sized"] = a_schema(size={"type": "integer"}, more={"type": "string"})
    memory.kept["Sized"] = a_schema(size={"type": "integer"})
    memory.log.clear()
    go(memory, settings=with_templates(further("example.com/v1", "Sized", "-r", "spec: {size: 1, more: a}")))
    assert [line for line in memory.log if line.startswith("schema")] == [
        "schema Sized of example.com/v1",
        "schema Sized of example.com/v1",
    ]
    assert memory.writes() == ["apply Sized shop/pr-1-r"]


def test_what_a_schema_refuses_ends_the_run_before_anything_is_written() -> None:
    memory = a_cluster()
    memory.schemas["Sized"] = a_schema(size={"type": "integer"})
    wrong = further("example.com/v1", "Sized", "-r", "spec: {sise: 1, size: a}")
    with pytest.raises(UsageError) as refused:
        go(memory, settings=with_templates(CONFIG + wrong))
    assert str(refused.value).splitlines() == [
        "app.yaml:10: spec.sise: is not a known field; did you mean size?",
        "app.yaml:10: spec.size: is not a whole number",
    ]
    assert memory.writes() == []


def test_no_claim_is_asked_of_a_kind_that_is_not_installed_for_one_preview_alone() -> None:
    """All that have the document are refused by name, and nothing of them is changed."""
    memory = a_cluster()
    memory.unserved.add("VirtualService")
    done = go(memory, settings=with_templates(VIRTUAL, route="none"))
    assert messages(done) == []
    assert [str(one.key) for one in done.plan.blocked] == ["Preview shop/pr-1"]


# a run that waits


def test_it_waits_for_what_has_a_health() -> None:
    known = facts(DB + CLAIM + CONFIG + REDIS)
    assert kinds_to_look_at(known) >= {"StatefulSet", "PersistentVolumeClaim", "Redis.example.com"}
    assert "ConfigMap" not in kinds_to_look_at(known)


def test_a_look_brings_further_children_up_to_date() -> None:
    known = facts(DB + CONFIG, StatefulSet={"replicas": 1})
    (config, db) = sorted(known.further, key=lambda live: live.key.kind)
    newer = replace(db, manifest={**db.manifest, "status": {"replicas": 1, "readyReplicas": 1}})
    look = Look(a_read_preview(generation=3), {newer.key: newer}, frozenset({"StatefulSet", "Deployment"}))
    found = refreshed(known, look, RULES, Settings())
    assert {live.key: live for live in found.further} == {config.key: config, newer.key: newer}


def test_one_that_has_gone_meanwhile_is_waited_for() -> None:
    known = facts(DB)
    look = Look(a_read_preview(generation=3), {}, frozenset({"StatefulSet"}))
    found = refreshed(known, look, RULES, Settings())
    assert found.further == ()
    assert found.waits == ("StatefulSet shop/pr-1-db no longer exists; run again",)
