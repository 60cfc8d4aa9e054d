"""The whole story without a cluster: a preview comes up, stays right, and goes away, in a folder.

What a run does to which object is tested in `tests/plan`, what a file is in `tests/cluster_adapters`.
"""

from pathlib import Path

import pytest

from reconcile.cluster.files.yaml import dump
from tests.builders import a_preview
from tests.given import a_read_preview, children_of, live, untracked
from tests.shop import Shop

ALL = ["Deployment shop/pr-1", "Service shop/pr-1", "Mapping shop/pr-1"]
OTHERS = [child.replace("pr-1", "pr-2") for child in ALL]
CREATED = [f"+ {child} new preview" for child in ALL]
THREE = "Plan: 3 to create, 0 to update, 0 to delete, 0 unchanged."


@pytest.fixture
def running(shop: Shop) -> Shop:
    """Two previews, made."""
    shop.write(env=[{"name": "A", "value": "one"}], replicas=2)
    shop.write("pr-2")
    shop.reconcile()
    return shop


# it comes up


def test_a_preview_gets_its_children_one_file_each_and_the_next_run_is_silent(shop: Shop) -> None:
    shop.write()
    ended = shop.reconcile()
    assert ended.lines == [*CREATED, THREE, "Done: 3 created, 0 updated, 0 deleted."]
    assert (ended.out.partition("\n\n")[0], ended.err) == ("Every preview, in the files in previews/", "")
    assert shop.children() == ALL
    shop.is_silent()


def test_a_file_is_what_a_server_would_be_sent_except_an_owner_that_a_file_does_not_know(shop: Shop) -> None:
    shop.write(dumped=True)
    shop.reconcile()
    for kind, manifest in children_of(a_read_preview()).items():
        assert shop.child(kind) == manifest
    shop.write()
    shop.reconcile()
    assert "ownerReferences" not in shop.path("Service").read_text()


def test_a_dry_run_writes_nothing_and_plans_what_the_next_run_does(shop: Shop) -> None:
    source = shop.write()
    before = source.read_bytes()
    ended = shop.reconcile("--dry-run")
    assert ended.lines == [*CREATED, THREE]
    assert shop.shell("--from", "previews", "--dry-run").out == ended.out
    piped = shop.shell("--from", "-", "--dry-run", stdin=dump(a_preview()))
    assert piped.out == ended.out.replace("the files in previews/", "standard input")
    assert (shop.children(), source.read_bytes()) == ([], before)
    assert shop.reconcile("--dry-run", "--exit-code", code=3).out == ended.out
    assert shop.reconcile().out.startswith(ended.out)
    shop.reconcile("--dry-run", "--exit-code")


# it stays right


@pytest.mark.parametrize(
    ("kind", "before", "after", "line"),
    [
        ("Deployment", "replicas: 2", "replicas: 5", "spec.replicas 5 -> 2"),
        ("Service", "selector:", "type: NodePort\n  selector:", "spec.type NodePort -> (unset)"),
        (
            "Mapping",
            "prefix: /\n",
            "prefix: /\n  host: x.example.com\n",
            "spec.host x.example.com -> (unset)",
        ),
    ],
)
def test_an_edit_by_hand_is_reported_and_undone(
    running: Shop, kind: str, before: str, after: str, line: str
) -> None:
    right = running.path(kind).read_text()
    running.edit(kind, before, after)
    ended = running.reconcile()
    assert ended.lines == [
        f"~ {kind} shop/pr-1 drifted",
        line,
        "Plan: 0 to create, 1 to update, 0 to delete, 5 unchanged.",
        "Done: 0 created, 1 updated, 0 deleted.",
    ]
    assert running.path(kind).read_text() == right
    running.is_silent()


def test_an_annotation_that_protects_is_undone_like_every_edit_of_a_child_file(running: Shop) -> None:
    running.edit("Service", "annotations:\n", "annotations:\n    platform9.com/prune: disabled\n")
    assert running.reconcile().lines[0] == "~ Service shop/pr-1 drifted"


def test_an_edit_of_the_preview_and_a_deleted_child_take_one_run(running: Shop) -> None:
    running.path("Service").unlink()
    running.write(image="shop:2", fqdn="new.example.com", replicas=2)
    assert running.reconcile().lines[:6] == [
        "+ Service shop/pr-1 new preview",
        "~ Deployment shop/pr-1 its preview or an option changed",
        "spec.template.spec.containers[app].env[A] - (not shown)",
        "spec.template.spec.containers[app].image registry.example.com/shop:1 -> shop:2",
        "~ Mapping shop/pr-1 its preview or an option changed",
        "spec.hostname pr-1.preview.example.com -> new.example.com",
    ]
    running.is_silent()


def test_a_switch_of_the_route_is_one_run_that_reports_each_of_its_passes(shop: Shop) -> None:
    shop.write()
    shop.reconcile()
    assert shop.reconcile("--route", "ingress").lines == [
        "+ Ingress shop/pr-1 new preview",
        ". Mapping shop/pr-1 waits: deleted when Ingress shop/pr-1 exists",
        "Plan: 1 to create, 0 to update, 0 to delete, 1 waiting, 2 unchanged.",
        "- Mapping shop/pr-1 its preview has the Ingress now",
        "Then (pass 2): 0 to create, 0 to update, 1 to delete, 0 unchanged.",
        "Done: 1 created, 0 updated, 1 deleted.",
    ]
    assert shop.children() == [*ALL[:2], "Ingress shop/pr-1"]
    shop.is_silent("--route", "ingress")


# it goes away


def test_the_children_of_a_gone_preview_are_pruned_and_of_the_last_one_only_if_that_is_intended(
    running: Shop,
) -> None:
    running.remove()
    assert running.reconcile().lines == [
        *[f"- {child} its preview is gone" for child in ALL],
        "Plan: 0 to create, 0 to update, 3 to delete, 3 unchanged.",
        "Done: 0 created, 0 updated, 3 deleted.",
    ]
    running.is_silent()
    running.remove("pr-2")
    assert running.reconcile(code=4).lines[3] == (
        "! Refusing to delete 3 children: the list of previews is empty; "
        "if this is intended, pass --max-deletes 100%"
    )
    assert running.children() == OTHERS
    running.reconcile("--max-deletes", "100%")
    assert running.children() == []
    running.is_silent()


def test_a_hostname_of_a_gone_preview_is_granted_in_the_same_run(running: Shop) -> None:
    running.remove()
    running.write("pr-2", fqdn="pr-1.preview.example.com")
    running.reconcile()
    assert running.children() == OTHERS
    running.is_silent()


# mistakes


def test_a_mistake_in_a_file_is_named_with_its_line_and_nothing_is_deleted(running: Shop) -> None:
    running.remove()
    running.put(
        "broken.yaml", "apiVersion: platform9.com/v1\nkind: PreviewEnvironment\nmetadata:\n  name: [\n"
    )
    running.write("pr-3")
    ended = running.reconcile(code=4)
    assert any(line.startswith("! Refusing to prune: previews/broken.yaml:5: ") for line in ended.lines)
    assert len(running.children()) == 9
    Path("previews/broken.yaml").unlink()
    running.reconcile()
    assert len(running.children()) == 6


def test_an_unreadable_preview_is_named_with_its_line_and_keeps_its_children(running: Shop) -> None:
    text = running.put("shop-pr-1.yaml", dump(a_preview(fqdn="Foo", port=8080))).read_text()
    line = 1 + text.splitlines().index("  fqdn: Foo")
    problem = f'previews/shop-pr-1.yaml:{line}: spec.fqdn: "Foo" has upper-case letters'
    assert f"! Preview shop/pr-1 {problem}" in running.reconcile(code=1).lines
    assert len(running.children()) == 6
    running.is_silent(code=1)


# a dump of a cluster


@pytest.mark.parametrize("history", [True, False])
def test_children_of_a_dump_are_managed_and_written_out_unchanged(shop: Shop, history: bool) -> None:
    """What `kubectl get -o yaml` gives, with `--show-managed-fields` or without."""
    make = live if history else untracked
    dumped = [dump(make(manifest).manifest) for manifest in children_of(a_read_preview()).values()]
    shop.write(dumped=True)
    shop.put("dump.yaml", "---\n".join(dumped))
    ended = shop.reconcile()
    assert ended.lines[-1] == "Plan: 0 to create, 0 to update, 0 to delete, 3 unchanged."
    assert ended.out.count("kubectl get --show-managed-fields") == (not history)
    assert shop.children() == ALL
    assert shop.child("Service") == children_of(a_read_preview())["Service"]
    shop.is_silent()
