"""Folders as people have them: what is passed over, what makes a list incomplete, what `--exclude` leaves out."""

import os
from pathlib import Path

import pytest

from reconcile.cluster.files.yaml import dump, read_text
from reconcile.cluster.files.yaml.leftout import is_left_out, passed_over
from reconcile.model.names import KIND
from tests.builders import a_preview, without_uid
from tests.shop import Shop

OURS = [("platform9.com", KIND), ("", "Service"), ("apps", "Deployment"), ("networking.k8s.io", "Ingress")]
MISSPELLED = KIND[:-1]
EVERY = [kind for _, kind in OURS]
NONE_DELETED = "Plan: 0 to create, 0 to update, 0 to delete, "

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [pr-1.yaml]\n"
OF_OTHERS = [
    pytest.param("kustomization.yaml", KUSTOMIZATION, id="kustomization"),
    pytest.param("kustomization.yaml", "resources: [pr-1.yaml]\n", id="kustomization without kind"),
    pytest.param("kustomization.yml", "metadata: {name: all}\nresources: [a.yaml]\n", id="with metadata"),
    pytest.param("values.yaml", "image: {tag: x}\n", id="values"),
    pytest.param("values-prod.yaml", "metadata: {labels: {a: 1}}\n", id="values with metadata"),
    pytest.param("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n", id="Chart"),
    pytest.param("old/Chart.yaml", "apiVersion: v1\nname: shop\n", id="Chart of Helm 2"),
    pytest.param("compose.yaml", "services: {web: {image: nginx}}\n", id="compose"),
    pytest.param("package.json", '{"name": "shop", "version": "1.0.0"}', id="package.json"),
    pytest.param("notes.yaml", "just a text\n", id="text"),
    pytest.param("list.yaml", "- 1\n- {a: b}\n", id="list"),
    pytest.param("config.yaml", "apiVersion: v1\nkind: Config\nclusters: []\n", id="kubeconfig"),
    pytest.param("kind.yaml", "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n", id="kind's cluster"),
    pytest.param("job.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n", id="generateName"),
    pytest.param("cm.yaml", CONFIG_MAP, id="ConfigMap"),
    pytest.param("cms.yaml", "apiVersion: v1\nkind: ConfigMapList\nitems: 1\n", id="ConfigMapList"),
]

BROKEN = [
    pytest.param("a.yaml", "kind: [\n", EVERY, id="not YAML"),
    pytest.param("values.yaml", "a: 1\na: 2\n", EVERY, id="a key twice"),
    pytest.param("a.yaml", "name: {{ .Values.name }}\n", EVERY, id="template"),
    pytest.param("a.yaml", f"kind: {KIND}\nmetadata: {{name: pr-1}}\n", [KIND], id="no apiVersion"),
    pytest.param("a.yaml", "apiVersion: platform9.com/v1\nmetadata: {name: a}\n", [KIND], id="no kind"),
    pytest.param("values.yaml", "apiVersion: platform9.com/v1\nmetadata: {name: a}\n", [KIND], id="values"),
    pytest.param("a.yaml", f"apiVersion: platform9.com\nkind: {KIND}\n", [KIND], id="no version"),
    pytest.param("a.yaml", f"apiVersion: platform9.com/v1\nkind: {KIND}\n", [KIND], id="no name"),
    pytest.param("a.yaml", f"apiVersion: platform9.com/v1\nkind: {KIND}List\n", [KIND], id="no items"),
    pytest.param("a.yaml", "metadata: {name: pr-1}\nspec: {}\n", EVERY, id="neither kind nor apiVersion"),
    pytest.param("a.yaml", "kind: 42\nmetadata: {name: pr-1}\n", EVERY, id="a kind that is a number"),
    pytest.param("a.yaml", "apiVersion: v1\nkind: List\nitems: 1\n", EVERY, id="List"),
    pytest.param(
        "a.yaml", f"- apiVersion: platform9.com/v1\n  kind: {KIND}\n", EVERY, id="objects in a list"
    ),
    pytest.param("a.yaml", "apiVersion: v1\nmetadata: {name: a}\n", ["Service"], id="v1 without kind"),
    pytest.param("a.yaml", "apiVersion: apps/v1\nkind: Deployment\n", ["Deployment"], id="Deployment"),
]


def incomplete(name: str, text: str) -> list[str]:
    """The kinds whose lists this file makes incomplete."""
    mistakes = read_text(text, name).mistakes
    return [kind for group, kind in OURS if any(m.claim.may_be(group, kind) for m in mistakes)]


@pytest.mark.parametrize(("name", "text"), OF_OTHERS)
def test_a_file_of_another_tool_makes_no_list_incomplete(name: str, text: str) -> None:
    assert incomplete(name, text) == []


@pytest.mark.parametrize(("name", "text", "kinds"), BROKEN)
def test_what_is_broken_makes_the_lists_incomplete_that_it_may_belong_to(
    name: str, text: str, kinds: list[str]
) -> None:
    assert incomplete(name, text) == kinds


@pytest.fixture
def three(shop: Shop) -> Shop:
    """Three previews with their children."""
    for name in ("pr-1", "pr-2", "pr-3"):
        shop.write(name)
    shop.reconcile()
    return shop


def put(name: str, text: str) -> None:
    path = Path("previews") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_files_of_other_tools_are_named_in_one_line_and_do_not_keep_what_is_gone(three: Shop) -> None:
    for case in OF_OTHERS:
        put(*(str(value) for value in case.values))
    Path("previews/shop-pr-2.yaml").unlink()
    ended = three.reconcile()
    assert "Plan: 0 to create, 0 to update, 3 to delete, 6 unchanged." in ended.lines
    (note,) = [line for line in ended.lines if "passed over" in line]
    assert note.strip() == (
        "passed over: 5 objects of other kinds; previews/Chart.yaml, previews/compose.yaml, "
        "previews/kustomization.yaml, previews/kustomization.yml, previews/list.yaml and 5 more: "
        "no Kubernetes object"
    )


@pytest.mark.parametrize("text", ["kind: [\n", f"kind: {KIND}\nmetadata: {{name: pr-1}}\n"])
def test_nothing_is_deleted_while_a_file_may_be_a_preview(three: Shop, text: str) -> None:
    put("other/a.yaml", text)
    Path("previews/shop-pr-2.yaml").unlink()
    assert three.reconcile(code=4).lines[-1].startswith(NONE_DELETED)


def test_a_preview_whose_kind_is_misspelled_is_not_gone(three: Shop) -> None:
    for version, kind in (("platform9.com/v1", MISSPELLED), ("platform9.com/v1", KIND.lower()), ("v1", KIND)):
        preview = {**without_uid(a_preview("pr-2")), "apiVersion": version, "kind": kind}
        put("shop-pr-2.yaml", dump(preview))
        ended = three.reconcile(code=4)
        assert f"{version} {kind} is not platform9.com/… {KIND}: is this a preview?" in ended.out
        assert ended.lines[-1].startswith(NONE_DELETED)


# --exclude


@pytest.mark.parametrize(
    ("glob", "path", "taken"),
    [
        ("values.yaml", "values.yaml", True),
        ("values.yaml", "chart/values.yaml", True),
        ("values.yaml", "chart/values.yaml.json", False),
        ("chart", "chart/templates/a.yaml", True),
        ("chart/", "a/chart/b.yaml", True),
        ("*.json", "a/b.json", True),
        ("v?.yaml", "v1.yaml", True),
        ("[a].yaml", "a.yaml", False),
        ("chart/*.yaml", "chart/a.yaml", True),
        ("chart/*.yaml", "chart/b/a.yaml", False),
        ("chart/*.yaml", "more/chart/a.yaml", False),
        ("chart/templates", "chart/templates/a.yaml", True),
        ("chart/**", "chart/b/a.yaml", True),
        ("**/test/*.yaml", "test/a.yaml", True),
        ("**/test/*.yaml", "b/c/test/a.yaml", True),
        ("**", "a.yaml", True),
        ("", "a.yaml", False),
    ],
)
def test_a_glob_takes_a_name_anywhere_or_a_path_below_the_folder(glob: str, path: str, taken: bool) -> None:
    assert is_left_out(path, [glob]) is taken


def test_what_is_left_out_is_counted_and_makes_no_list_incomplete(three: Shop) -> None:
    put("chart/templates/a.yaml", "name: {{ .Values.name }}\n")
    put("chart/templates/b.yaml", "kind: [\n")
    Path("previews/shop-pr-2.yaml").unlink()
    three.reconcile(code=4)
    ended = three.reconcile("--exclude", "chart/templates")
    assert ended.lines[-1] == "Done: 0 created, 0 updated, 3 deleted."
    assert "  passed over: 2 files left out by --exclude" in ended.out.splitlines()


def test_the_children_of_a_preview_that_is_left_out_are_kept_and_those_of_a_gone_one_are_not(
    three: Shop,
) -> None:
    Path("previews/shop-pr-2.yaml").unlink()
    before = [child for child in three.children() if not child.endswith("pr-2")]
    ended = three.reconcile("--exclude", "shop-pr-3.yaml")
    assert ended.lines[-1] == "Done: 0 created, 0 updated, 3 deleted."
    assert "  left out by --exclude, children are kept: shop/pr-3" in ended.out.splitlines()
    assert three.children() == before
    three.is_silent()


def test_a_hostname_of_a_preview_that_is_left_out_stays_its_own(three: Shop) -> None:
    three.write("pr-9", fqdn="pr-3.preview.example.com")
    ended = three.reconcile("--exclude", "shop-pr-3.yaml", code=1)
    assert ended.lines[2].endswith(
        "pr-3.preview.example.com: is still on Mapping shop/pr-3, which belongs to shop/pr-3; change spec.fqdn"
    )
    assert not three.path("Mapping", "pr-9").exists()
    assert three.path("Mapping", "pr-3").exists()


def test_nothing_is_taken_for_gone_when_a_file_that_is_left_out_may_hold_any_preview(three: Shop) -> None:
    Path("previews/shop-pr-2.yaml").unlink()
    put("chart/a.yaml", f"kind: {KIND}\nmetadata: {{name: {{{{ .Values.name }}}}}}\n")
    ended = three.reconcile("--exclude", "chart")
    assert ended.lines[-1].startswith(NONE_DELETED)
    assert (
        "a file that is left out names previews and cannot be read: no preview is taken for gone" in ended.out
    )


@pytest.mark.parametrize("kind", [KIND, MISSPELLED])
def test_a_preview_that_is_left_out_is_kept_however_its_kind_is_spelled(three: Shop, kind: str) -> None:
    put("shop-pr-2.yaml", dump({**without_uid(a_preview("pr-2")), "kind": kind}))
    ended = three.reconcile("--exclude", "shop-pr-2.yaml")
    assert ended.lines[-1].startswith(NONE_DELETED)


def test_a_pipe_that_is_left_out_is_not_read(three: Shop) -> None:
    os.mkfifo("previews/pipe.yaml")
    assert "1 file left out" in three.reconcile("--exclude", "pipe.yaml").out


def test_a_link_out_of_the_folder_may_be_left_out(three: Shop) -> None:
    Path("elsewhere.yaml").write_text(CONFIG_MAP)
    Path("previews/link.yaml").symlink_to("../elsewhere.yaml")
    three.reconcile(code=4)
    assert "1 file left out" in three.reconcile("--exclude", "link.yaml").out


def test_files_of_the_children_are_never_left_out(three: Shop) -> None:
    shell = three.shell("--from", ".", "--to", "children", "--yes", "--exclude", "*.service.*")
    assert shell.lines[-1].startswith(NONE_DELETED)
    assert "left out" not in shell.out


# -f


def test_what_helm_renders_is_planned_without_its_other_objects(shop: Shop) -> None:
    text = "---\n".join([CONFIG_MAP, dump(without_uid(a_preview("pr-7"))), CONFIG_MAP, "a: b\n"])
    ended = shop.shell("--from", "previews", "--dry-run", "-f", "-", stdin=text)
    assert ended.code == 0
    assert ended.lines[-1] == "Plan: 3 to create, 0 to update, 0 to delete, 0 unchanged."
    told = "  -f: passed over: 2 objects of other kinds; standard input: no Kubernetes object"
    assert told in ended.out.splitlines()


def test_without_a_preview_in_them_files_are_refused_with_what_they_hold(shop: Shop) -> None:
    ended = shop.shell("--from", "previews", "--dry-run", "-f", "-", stdin=CONFIG_MAP)
    assert (ended.code, ended.out) == (1, "")
    told = "Error: -f -: there is no preview in it; -f: passed over: 1 object of another kind\n"
    assert ended.err == told


def test_what_may_be_meant_as_a_preview_is_refused(shop: Shop) -> None:
    text = dump(without_uid(a_preview("pr-7"))) + "---\nmetadata: {name: pr-8}\n"
    ended = shop.shell("--from", "previews", "--dry-run", "-f", "-", stdin=text)
    assert ended.code == 1
    assert "a document without kind" in ended.err


def test_exclude_leaves_files_out_of_f_too(shop: Shop) -> None:
    put("../more/a.yaml", dump(without_uid(a_preview("pr-7"))))
    put("../more/chart/b.yaml", "kind: [\n")
    ended = shop.shell("--from", "previews", "--dry-run", "-f", "more", "--exclude", "chart")
    assert ended.lines[-1] == "Plan: 3 to create, 0 to update, 0 to delete, 0 unchanged."
    assert "  -f: passed over: 1 file left out by --exclude" in ended.out.splitlines()


def test_exclude_needs_files(shop: Shop) -> None:
    ended = shop.shell("--exclude", "a")
    assert (ended.code, ended.err.splitlines()[0]) == (
        2,
        "Error: --exclude needs --from or -f: it leaves files out",
    )


def test_the_variable_holds_a_glob_in_each_line(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE_EXCLUDE", "a b\nchart/*.yaml\n")
    shop.write("pr-1")
    put("a b/x.yaml", "kind: [\n")
    put("chart/y.yaml", "kind: [\n")
    assert "2 files left out" in shop.reconcile().out


def test_nothing_is_shown_where_nothing_was_ignored() -> None:
    assert passed_over(0, (), 0) == ()
