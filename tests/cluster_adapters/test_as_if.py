"""`-f`: the plan as it would be with these previews applied, on a server and on a folder."""

from pathlib import Path
from typing import Any

import pytest

from reconcile.cluster.as_if import Proposed, as_if, as_if_applied
from reconcile.cluster.files.proposed import read_previews
from reconcile.cluster.files.yaml import dump
from reconcile.cluster.port import Listing
from reconcile.kube.objects import Manifest, NamespacedName
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.scope import make_scope
from reconcile.model.settings import Settings
from reconcile.run.request import Request
from reconcile.run.run import run
from reconcile.status.result import Run
from tests.builders import a_preview, without_uid
from tests.given import a_read_preview, children_of
from tests.memory import Memory
from tests.shop import Shop


def wanted(name: str = "pr-1", **given: Any) -> dict[str, Any]:
    """A preview as its author has it in a file."""
    return without_uid(a_preview(name, **given))


def nowhere(name: str = "pr-2") -> dict[str, Any]:
    """The same without a namespace."""
    manifest = wanted(name)
    del manifest["metadata"]["namespace"]
    return manifest


def proposed(*manifests: Manifest) -> Proposed:
    """These as `-f -` reads them."""
    return read_previews(("-",), group=DEFAULT_GROUP, stdin="---\n".join(map(dump, manifests)))


def a_server(*previews: dict[str, Any]) -> Memory:
    memory = Memory()
    for preview in previews:
        memory.put(preview)
    return memory


def go(memory: Memory, *files: Manifest) -> Run:
    """A run; with files, one that has them as `-f`."""
    request = Request(make_scope(None, (), None), Settings(), proposed=proposed(*files) if files else None)
    return run(memory, request, show_plan=lambda plan: None, agree=lambda plan: True)


def changes(done: Run) -> list[str]:
    return [f"{type(change).__name__} {change.key}" for change in done.plan.changes]


# one preview, as it would be


def would_be(said: Manifest, there: Manifest | None) -> Manifest:
    return as_if(said, there, namespace="shop", group=DEFAULT_GROUP)


def test_an_existing_preview_keeps_what_the_server_gave_it() -> None:
    there = a_preview(
        generation=3,
        labels={"team": "shop", "stage": "test"},
        annotations={"platform9.com/prune": "disabled"},
        status={"url": "https://pr-1.preview.example.com"},
        port=80,
    )
    said = wanted(image="registry.example.com/shop:2", labels={"stage": "review", "new": "yes"})
    labels = {"team": "shop", "stage": "review", "new": "yes"}
    assert would_be(said, there) == {
        **there,
        "metadata": {**there["metadata"], "generation": 4, "labels": labels},
        "spec": {"image": "registry.example.com/shop:2", "fqdn": "pr-1.preview.example.com"},
    }


@pytest.mark.parametrize(
    ("said", "there", "generation"),
    [
        ({"labels": {"a": "b"}}, {"port": 80, "suspend": False}, 3),  # but for labels and defaults the same
        ({"port": 8080}, {}, 4),
        ({"fqdn": "Foo"}, {}, 4),
        ({"env": [{"name": "A", "value": "1"}]}, {}, 4),
    ],
)
def test_the_generation_moves_where_the_spec_differs(
    said: dict[str, Any], there: dict[str, Any], generation: int
) -> None:
    found = would_be(wanted(**said), a_preview(generation=3, **there))
    assert found["metadata"]["generation"] == generation


def test_what_only_a_server_gives_is_never_taken_from_a_saved_copy() -> None:
    saved = a_preview(uid="old", status={"url": "https://elsewhere.example.com"}, labels={"a": "b"})
    assert would_be(saved, None) == wanted(labels={"a": "b"})
    assert would_be(saved, a_preview(uid="now"))["metadata"]["uid"] == "now"


# all of them


def test_only_the_previews_of_the_files_are_changed_and_each_exists_once() -> None:
    there, other = a_preview("pr-1"), a_preview("pr-2", "blog")
    new, listed = proposed(wanted("pr-1", port=8080), wanted("pr-3")), Listing[Manifest]((there, other))
    found = as_if_applied(listed, new).items
    assert [(item["metadata"]["name"], item["spec"].get("port")) for item in found] == [
        ("pr-2", None),
        ("pr-1", 8080),
        ("pr-3", None),
    ]
    assert as_if_applied(Listing((other,)), new, "blog").items == (other,)
    assert new.applied_over(None, NamespacedName("shop", "pr-3")) == wanted("pr-3")
    assert new.applied_over(other, NamespacedName("blog", "pr-2")) is other
    assert new.applied_over(None, NamespacedName("shop", "pr-9")) is None


# the plan


def test_a_new_preview_is_planned_beside_the_others_by_reads_alone() -> None:
    base = a_server(a_preview("pr-1"))
    go(base)
    base.log.clear()
    assert changes(go(base, wanted("pr-2"))) == [
        "Create Deployment shop/pr-2",
        "Create Service shop/pr-2",
        "Create Mapping shop/pr-2",
        "Keep Deployment shop/pr-1",
        "Keep Service shop/pr-1",
        "Keep Mapping shop/pr-1",
    ]
    assert {line.split()[0] for line in base.log} == {"list", "get"}, "nothing is written, nor any status"


def test_a_preview_of_a_file_loses_the_hostname_to_the_one_that_has_it() -> None:
    """It would be the newest, though its file knows no creationTimestamp."""
    done = go(a_server(a_preview("pr-9", fqdn="x.example.com")), wanted("pr-1", fqdn="x.example.com"))
    assert [blocked.preview for blocked in done.plan.blocked] == ["shop/pr-1"]


def test_a_change_of_a_file_is_planned_as_an_update_of_the_children() -> None:
    base = a_server(a_preview("pr-1"))
    go(base)
    done = go(base, wanted("pr-1", image="registry.example.com/shop:2"))
    kept = ["Keep Service shop/pr-1", "Keep Mapping shop/pr-1"]
    assert changes(done) == ["Update Deployment shop/pr-1", *kept]
    assert done.plan.writes[0].message == "its preview or an option changed"


def test_a_field_that_nobody_knows_is_refused_in_the_file_and_ignored_on_the_server() -> None:
    done = go(a_server(a_preview("pr-1", imgae="x")), wanted("pr-2", imgae="x"))
    why = "standard input:9: spec.imgae: is not a known field; did you mean image?"
    assert [(b.preview, b.reason, b.message) for b in done.plan.blocked] == [("shop/pr-2", "Invalid", why)]


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


def test_files_folders_and_standard_input_go_together_each_read_once(shop: Shop) -> None:
    shop.write("pr-1")
    put("a.yaml", wanted("pr-2"))
    put("more/b.yaml", wanted("pr-3"))
    named = ("-f", "a.yaml", "-f", "a.yaml", "--filename", "more", "-f", "-")
    assert plan(shop, *named, stdin=dump(wanted("pr-4")))[-1] == (
        "Plan: 12 to create, 0 to update, 0 to delete, 0 unchanged."
    )


def test_the_files_are_named_beside_the_cluster(shop: Shop) -> None:
    put("a.yaml", wanted("pr-2"))
    ended = shop.shell("--from", "previews", "--dry-run", "-f", "a.yaml")
    head = "Every preview, in the files in previews/, as if the previews in a.yaml had been applied\n"
    assert ended.out.startswith(head)


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ((), "default/pr-2"),
        (("-n", "shop"), "shop/pr-2"),
        (("-n", "other", "other/pr-2"), "other/pr-2"),
        (("pr-2",), "default/pr-2"),
        (("default/pr-2",), "default/pr-2"),
        (("shop/pr-3",), "shop/pr-3"),
    ],
)
def test_a_file_that_names_no_namespace_means_that_of_the_option(
    shop: Shop, arguments: tuple[str, ...], place: str
) -> None:
    put("a.yaml", nowhere(), wanted("pr-3"))
    assert plan(shop, "-f", "a.yaml", *arguments)[0] == f"+ Deployment {place} new preview"


@pytest.mark.parametrize(
    "arguments",
    [("--dry-run", "other/pr-2"), ("--dry-run", "shop/pr-1", "other/pr-2"), ("--explain", "other/pr-2")],
)
def test_a_file_without_a_namespace_is_not_looked_for_in_another_than_kubectl_would_put_it_in(
    shop: Shop, arguments: tuple[str, ...]
) -> None:
    """The plan would have nothing of this name, which is no error where a preview was deleted."""
    put("a.yaml", nowhere())
    assert error(shop, "-f", "a.yaml", *arguments, code=2).startswith(
        "Error: -f a.yaml:1: PreviewEnvironment pr-2 names no namespace, so it would be default/pr-2 "
        "and not other/pr-2; pass -n other\n"
    )


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


def test_a_version_that_is_not_known_is_a_preview_that_cannot_be_read_beside_the_others(shop: Shop) -> None:
    shop.write("pr-1")
    put("a.yaml", wanted("pr-2") | {"apiVersion": "platform9.com/v2"})
    assert plan(shop, "-f", "a.yaml", code=1)[-2:] == [
        '! Preview shop/pr-2 a.yaml:1: apiVersion: "platform9.com/v2" is not "platform9.com/v1"',
        "Plan: 3 to create, 0 to update, 0 to delete, 1 blocked, 0 unchanged.",
    ]


NO_PREVIEW = "is no PreviewEnvironment of platform9.com (--api-group names their group)"
BOTH, HELP = ("--dry-run", "-f", "a.yaml", "-f", "b.yaml"), "\nTry 'reconcile --help'."


@pytest.mark.parametrize(
    ("text", "arguments", "code", "complaint"),
    [
        (
            dump(wanted("x", group="other.io")) + "---\n" + dump(children_of(a_read_preview())["Service"]),
            BOTH,
            1,
            f"-f b.yaml:1: PreviewEnvironment x (other.io/v1) {NO_PREVIEW}",
        ),
        (
            dump({**wanted("pr-3"), "kind": "PreviewEnvironments"}),
            BOTH,
            1,
            f"-f b.yaml:1: PreviewEnvironments pr-3 (platform9.com/v1) {NO_PREVIEW}",
        ),
        (
            dump(wanted("pr-2", port=8080)),
            BOTH,
            1,
            "-f b.yaml:1: PreviewEnvironment shop/pr-2 is in a.yaml:1 already",
        ),
        (
            "kind: [\n",
            BOTH,
            1,
            "-f b.yaml:2: not YAML: while parsing a flow node, did not find expected node content",
        ),
        ("# nothing was rendered\n", BOTH[:1] + BOTH[3:], 1, "-f b.yaml: there is no preview in it"),
        ("", ("--dry-run", "-f", "nowhere"), 1, "-f nowhere: there is no such file or folder"),
        ("", ("-f", "a.yaml", "--to", "out"), 2, f"-f needs --dry-run: kubectl apply is what applies{HELP}"),
        ("", ("--from", "-", "-f", "-", "--dry-run"), 2,
         f"--from - and -f - cannot be combined: one reads all{HELP}"),
    ],
)  # fmt: skip
def test_what_is_no_preview_or_makes_no_sense_is_refused_by_name_and_nothing_is_planned(
    shop: Shop, text: str, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    put("a.yaml", wanted("pr-2"))
    Path("b.yaml").write_text(text)
    assert error(shop, *arguments, code=code) == f"Error: {complaint}\n"


def test_the_folder_of_the_children_is_compared_with_and_left_alone(shop: Shop) -> None:
    shop.write("pr-1")
    shop.reconcile()
    before = shop.state()
    put("a.yaml", wanted("pr-1", image="registry.example.com/shop:2"))
    ended = shop.reconcile("--dry-run", "-f", "a.yaml", "--exit-code", code=3)
    assert ended.lines[0] == "~ Deployment shop/pr-1 its preview or an option changed"
    assert shop.state() == before
