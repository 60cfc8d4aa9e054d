"""`-f`: the plan as it would be with these previews applied, on a server and on a folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.files.yaml import dump
from reconcile.cluster.overlay import OverlayCluster, as_if, read_previews
from reconcile.errors import UsageError
from reconcile.kube.objects import SERVICE, Manifest
from reconcile.model.names import DEFAULT_GROUP, Names, preview_resource
from reconcile.model.scope import make_scope
from reconcile.model.settings import Settings
from reconcile.run.request import Request
from reconcile.run.run import run
from reconcile.status.result import Run
from tests.builders import a_preview, without_uid
from tests.given import a_read_preview, children_of
from tests.memory import Memory
from tests.shop import Shop

PREVIEWS = preview_resource(Names())


def overlay(base: Memory, *manifests: Manifest, namespace: str = "") -> OverlayCluster:
    """The cluster as if these had been applied."""
    text = "---\n".join(dump(manifest) for manifest in manifests)
    previews = read_previews(("-",), group=DEFAULT_GROUP, namespace=namespace, stdin=text)
    return OverlayCluster(base, previews, group=DEFAULT_GROUP)


def a_server(*previews: dict[str, Any]) -> Memory:
    memory = Memory()
    for preview in previews:
        memory.put(preview)
    return memory


def wanted(name: str = "pr-1", **given: Any) -> dict[str, Any]:
    """A preview as its author has it in a file."""
    return without_uid(a_preview(name, **given))


def planned(cluster: OverlayCluster) -> Run:
    request = Request(make_scope(None, (), None), Settings(), dry_run=True)
    return run(cluster, request, tell=lambda plan: None, agree=lambda plan: True)


def changes(done: Run) -> list[str]:
    return [f"{type(change).__name__} {change.key}" for change in done.plan.changes]


# one preview, as it would be


def test_a_preview_that_is_there_keeps_what_the_server_gave_it() -> None:
    there = a_preview(
        generation=3,
        labels={"team": "shop", "stage": "test"},
        annotations={"platform9.com/prune": "disabled"},
        status={"url": "https://pr-1.preview.example.com"},
        port=80,
    )
    said = wanted(image="registry.example.com/shop:2", labels={"stage": "review", "new": "yes"})
    assert as_if(said, there, namespace="shop", group=DEFAULT_GROUP) == {
        **there,
        "metadata": {
            **there["metadata"],
            "generation": 4,
            "labels": {"team": "shop", "stage": "review", "new": "yes"},
        },
        "spec": {"image": "registry.example.com/shop:2", "fqdn": "pr-1.preview.example.com"},
    }


def test_the_generation_stays_where_the_spec_says_the_same_but_for_defaults() -> None:
    there = a_preview(generation=3, port=80, suspend=False)
    found = as_if(wanted(labels={"a": "b"}), there, namespace="shop", group=DEFAULT_GROUP)
    assert found["metadata"]["generation"] == 3


@pytest.mark.parametrize("spec", [{"port": 8080}, {"fqdn": "Foo"}, {"env": [{"name": "A", "value": "1"}]}])
def test_the_generation_moves_where_the_spec_says_something_else(spec: dict[str, Any]) -> None:
    found = as_if(wanted(**spec), a_preview(generation=3), namespace="shop", group=DEFAULT_GROUP)
    assert found["metadata"]["generation"] == 4


def test_a_new_preview_has_nothing_that_only_a_server_gives() -> None:
    saved = a_preview(status={"url": "https://elsewhere.example.com"}, labels={"a": "b"})
    assert as_if(saved, None, namespace="shop", group=DEFAULT_GROUP) == wanted(labels={"a": "b"})


def test_a_preview_that_is_there_is_not_given_the_uid_that_a_saved_copy_has() -> None:
    found = as_if(a_preview(uid="old"), a_preview(uid="now"), namespace="shop", group=DEFAULT_GROUP)
    assert found["metadata"]["uid"] == "now"


# the cluster


def test_only_the_previews_of_the_files_are_changed_and_each_is_there_once() -> None:
    base = a_server(a_preview("pr-1"), a_preview("pr-2", "blog"))
    cluster = overlay(base, wanted("pr-1", port=8080), wanted("pr-3"))
    listed = cluster.list(PREVIEWS).items
    assert [(item["metadata"]["name"], item["spec"].get("port")) for item in listed] == [
        ("pr-2", None),
        ("pr-1", 8080),
        ("pr-3", None),
    ]
    assert [item["metadata"]["name"] for item in cluster.list(PREVIEWS, namespace="blog").items] == ["pr-2"]
    assert cluster.get(PREVIEWS, "shop", "pr-3") == wanted("pr-3")
    assert cluster.get(PREVIEWS, "blog", "pr-2") == base.get(PREVIEWS, "blog", "pr-2")
    assert cluster.get(PREVIEWS, "shop", "pr-9") is None


def test_a_list_by_label_sees_the_labels_of_the_file() -> None:
    cluster = overlay(a_server(a_preview("pr-1")), wanted("pr-1", labels={"team": "shop"}))
    assert len(cluster.list(PREVIEWS, label="team").items) == 1
    assert cluster.list(PREVIEWS, label="other").items == ()


def test_everything_else_is_as_the_cluster_has_it() -> None:
    base = a_server(children_of(a_read_preview())["Service"])
    cluster = overlay(base, wanted())
    assert cluster.list(SERVICE) == base.list(SERVICE)
    assert cluster.get(SERVICE, "shop", "pr-1") == base.get(SERVICE, "shop", "pr-1")
    assert cluster.where(SERVICE, "shop", "pr-1") is None
    assert cluster.now() == datetime(2026, 1, 1, tzinfo=UTC)
    assert cluster.is_server is True
    assert cluster.description == "memory, as if the previews in standard input had been applied"


def test_every_write_is_refused_before_it_reaches_the_cluster() -> None:
    base = a_server(a_preview())
    cluster, manifest = overlay(base, wanted()), children_of(a_read_preview())["Service"]
    for write in (
        lambda: cluster.apply(SERVICE, manifest, manager="x", force=True),
        lambda: cluster.patch(SERVICE, "shop", "pr-1", [], manager="x"),
        lambda: cluster.delete(SERVICE, "shop", "pr-1", uid="1", resource_version="1"),
        lambda: cluster.carry_over(SERVICE, manifest),
    ):
        with pytest.raises(UsageError, match="-f only plans: nothing is written"):
            write()
    assert base.writes() == []


# the plan


def test_a_new_preview_is_planned_beside_the_others_by_reads_alone() -> None:
    base = a_server(a_preview("pr-1"))
    run(base, Request(make_scope(None, (), None), Settings()), tell=lambda _: None, agree=lambda _: True)
    base.log.clear()
    done = planned(overlay(base, wanted("pr-2")))
    assert changes(done) == [
        "Create Deployment shop/pr-2",
        "Create Service shop/pr-2",
        "Create Mapping shop/pr-2",
        "Keep Deployment shop/pr-1",
        "Keep Service shop/pr-1",
        "Keep Mapping shop/pr-1",
    ]
    assert base.writes() == []


def test_a_preview_of_a_file_loses_the_hostname_to_the_one_that_has_it() -> None:
    """It would be the newest, though its file knows no creationTimestamp."""
    base = a_server(a_preview("pr-9", fqdn="x.example.com"))
    done = planned(overlay(base, wanted("pr-1", fqdn="x.example.com")))
    assert [blocked.preview for blocked in done.plan.blocked] == ["shop/pr-1"]


def test_a_change_of_a_file_is_planned_as_an_update_of_the_children() -> None:
    base = a_server(a_preview("pr-1"))
    run(base, Request(make_scope(None, (), None), Settings()), tell=lambda _: None, agree=lambda _: True)
    done = planned(overlay(base, wanted("pr-1", image="registry.example.com/shop:2")))
    assert changes(done) == [
        "Update Deployment shop/pr-1",
        "Keep Service shop/pr-1",
        "Keep Mapping shop/pr-1",
    ]
    assert done.plan.writes[0].reason == "its preview or an option changed"


def test_a_field_that_nobody_knows_is_refused_in_the_file_and_passed_over_on_the_server() -> None:
    base = a_server(a_preview("pr-1", imgae="x"))
    done = planned(overlay(base, wanted("pr-2", imgae="x")))
    assert [(b.preview, b.verdict, b.reason) for b in done.plan.blocked] == [
        (
            "shop/pr-2",
            "Invalid",
            "standard input:9: spec.imgae: is not a known field; did you mean image?",
        )
    ]


# the files


def error(shop: Shop, *arguments: str, code: int, stdin: str = "") -> str:
    ended = shop.shell("--from", "previews", *arguments, stdin=stdin)
    assert (ended.code, ended.out) == (code, ""), ended
    return ended.err


def plan(shop: Shop, *arguments: str, code: int = 0, stdin: str = "") -> list[str]:
    ended = shop.shell("--from", "previews", "--dry-run", *arguments, stdin=stdin)
    assert ended.code == code, ended
    return ended.lines


def put(path: str, *manifests: Manifest) -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("---\n".join(dump(manifest) for manifest in manifests))


def test_files_folders_and_standard_input_go_together(shop: Shop) -> None:
    shop.write("pr-1")
    put("a.yaml", wanted("pr-2"))
    put("more/b.yaml", wanted("pr-3"))
    lines = plan(shop, "-f", "a.yaml", "--filename", "more", "-f", "-", stdin=dump(wanted("pr-4")))
    assert lines[-1] == "Plan: 12 to create, 0 to update, 0 to delete, 0 unchanged."


def test_a_path_that_is_given_twice_is_read_once(shop: Shop) -> None:
    put("a.yaml", wanted("pr-2"))
    assert plan(shop, "-f", "a.yaml", "-f", "a.yaml")[-1].startswith("Plan: 3 to create")


def test_the_files_are_told_beside_the_cluster(shop: Shop) -> None:
    put("a.yaml", wanted("pr-2"))
    ended = shop.shell("--from", "previews", "--dry-run", "-f", "a.yaml")
    head = "Every preview, in the files in previews/, as if the previews in a.yaml had been applied\n"
    assert ended.out.startswith(head)


@pytest.mark.parametrize(("arguments", "place"), [((), "default/pr-2"), (("-n", "shop"), "shop/pr-2")])
def test_a_file_that_names_no_namespace_means_that_of_the_option(
    shop: Shop, arguments: tuple[str, ...], place: str
) -> None:
    manifest = wanted("pr-2")
    del manifest["metadata"]["namespace"]
    put("a.yaml", manifest)
    assert plan(shop, "-f", "a.yaml", *arguments)[0] == f"+ Deployment {place} new preview"


@pytest.mark.parametrize(
    "arguments", [("other/pr-2",), ("shop/pr-1", "other/pr-2"), ("--explain", "other/pr-2")]
)
def test_a_file_without_a_namespace_is_not_looked_for_in_another_than_kubectl_would_put_it_in(
    shop: Shop, arguments: tuple[str, ...]
) -> None:
    """The plan would have nothing of this name, which is no error where a preview was deleted."""
    manifest = wanted("pr-2")
    del manifest["metadata"]["namespace"]
    put("a.yaml", manifest)
    dry_run = () if "--explain" in arguments else ("--dry-run",)
    assert error(shop, *dry_run, "-f", "a.yaml", *arguments, code=2).startswith(
        "Error: -f a.yaml:1: PreviewEnvironment pr-2 names no namespace, so it would be default/pr-2 "
        "and not other/pr-2; pass -n other\n"
    )
    assert plan(shop, "-f", "a.yaml", "-n", "other", "other/pr-2")[0] == (
        "+ Deployment other/pr-2 new preview"
    )


def test_a_name_finds_a_file_that_names_its_namespace_or_none(shop: Shop) -> None:
    manifest = wanted("pr-2")
    del manifest["metadata"]["namespace"]
    put("a.yaml", manifest, wanted("pr-3"))
    for name, place in (
        ("pr-2", "default/pr-2"),
        ("default/pr-2", "default/pr-2"),
        ("shop/pr-3", "shop/pr-3"),
    ):
        assert plan(shop, "-f", "a.yaml", name)[0] == f"+ Deployment {place} new preview"


def test_a_mistake_of_the_author_names_file_and_line_and_the_exit_code_is_1(shop: Shop) -> None:
    shop.write("pr-1")
    put("a.yaml", wanted("pr-2", port=99999))
    assert plan(shop, "-f", "a.yaml", code=1)[-2:] == [
        "! Preview shop/pr-2 a.yaml:9: spec.port: 99999 is more than 65535",
        "Plan: 3 to create, 0 to update, 0 to delete, 1 blocked, 0 unchanged.",
    ]


def test_each_mistake_of_a_file_has_its_line_and_the_quotes_to_add(shop: Shop) -> None:
    lines = [
        "apiVersion: platform9.com/v1",
        "kind: PreviewEnvironment",
        "metadata: {name: pr-2, namespace: shop}",
        "spec:",
        "  image: registry.example.com/web:1",
        "  fqdn: pr-2.preview.example.com",
        "  revision: 0123456",
        "  healthpath: /healthz",
        "  ttl: yes",
        "  env:",
        "  - {name: A, value: 0123}",
        "  setup: {args: [42]}",
    ]
    Path("a.yaml").write_text("\n".join(lines))
    (blocked, _) = plan(shop, "-f", "a.yaml", code=1)
    told = "! Preview shop/pr-2 a.yaml:11: spec.env[0].value: is not a string; put it in quotes; "
    told += "a.yaml:12: spec.setup.args[0]: is not a string; put it in quotes; "
    told += 'a.yaml:7: spec.revision: 42798 is not a string; put it in quotes: "0123456"; '
    told += 'a.yaml:9: spec.ttl: true is not a string; put it in quotes: "yes"; '
    told += "a.yaml:8: spec.healthpath: is not a known field; did you mean healthPath?"
    assert blocked == told
    assert shop.shell("--from", "a.yaml", "--dry-run").lines[0] == told


def test_what_is_no_preview_is_refused_by_name_and_nothing_is_planned(shop: Shop) -> None:
    put("a.yaml", wanted("pr-2"), children_of(a_read_preview())["Service"], wanted("x", group="other.io"))
    misspelled = {**wanted("pr-3"), "kind": "PreviewEnvironments"}
    put("b.yaml", misspelled)
    assert error(shop, "--dry-run", "-f", "a.yaml", "-f", "b.yaml", code=1) == (
        f"Error: -f a.yaml:{Path('a.yaml').read_text().splitlines().index('apiVersion: other.io/v1') + 1}: "
        "PreviewEnvironment x (other.io/v1) is no PreviewEnvironment of platform9.com "
        "(--api-group names their group)\n"
        "-f b.yaml:1: PreviewEnvironments pr-3 (platform9.com/v1) is no PreviewEnvironment of platform9.com "
        "(--api-group names their group)\n"
    )


def test_a_version_that_is_not_known_is_a_preview_that_cannot_be_read(shop: Shop) -> None:
    put("a.yaml", wanted("pr-2") | {"apiVersion": "platform9.com/v2"})
    assert plan(shop, "-f", "a.yaml", code=1)[0] == (
        '! Preview shop/pr-2 a.yaml:1: apiVersion: "platform9.com/v2" is not "platform9.com/v1"'
    )


def test_what_is_no_yaml_is_told_with_its_line(shop: Shop) -> None:
    Path("a.yaml").write_text("kind: [\n")
    assert error(shop, "--dry-run", "-f", "a.yaml", code=1).startswith("Error: -f a.yaml:2: not YAML: ")


def test_the_same_preview_twice_is_a_mistake(shop: Shop) -> None:
    put("a.yaml", wanted("pr-2"))
    put("b.yaml", wanted("pr-2", port=8080))
    assert error(shop, "--dry-run", "-f", "a.yaml", "-f", "b.yaml", code=1) == (
        "Error: -f b.yaml:1: PreviewEnvironment shop/pr-2 is in a.yaml:1 already\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("-f", "previews", "--to", "out"), "-f needs --dry-run: kubectl apply is what applies"),
        (
            ("--from", "-", "-f", "-", "--dry-run"),
            "--from - and -f - cannot be combined: one reads all",
        ),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(shop: Shop, arguments: tuple[str, ...], complaint: str) -> None:
    assert error(shop, *arguments, code=2) == f"Error: {complaint}\nTry 'reconcile --help'.\n"


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("nowhere", "-f nowhere: there is no such file or folder"),
        ("empty.yaml", "-f empty.yaml: there is no preview in it"),
    ],
)
def test_a_file_without_previews_is_no_plan(shop: Shop, path: str, complaint: str) -> None:
    Path("empty.yaml").write_text("# nothing was rendered\n")
    assert error(shop, "--dry-run", "-f", path, code=1) == f"Error: {complaint}\n"


def test_the_folder_of_the_children_is_compared_with_and_left_alone(shop: Shop) -> None:
    shop.write("pr-1")
    shop.reconcile()
    before = shop.state()
    put("a.yaml", wanted("pr-1", image="registry.example.com/shop:2"))
    ended = shop.reconcile("--dry-run", "-f", "a.yaml", "--exit-code", code=3)
    assert ended.lines[0] == "~ Deployment shop/pr-1 its preview or an option changed"
    assert shop.state() == before
