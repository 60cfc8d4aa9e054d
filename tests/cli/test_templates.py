"""`--templates`: a folder of documents, from its reading to the plan that an edit makes."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconcile.cli import templates
from reconcile.cli.templates import with_templates
from reconcile.cluster.files.yaml import Reading, read_files
from reconcile.model.settings import Settings
from tests.shop import Shop
from tests.template_cases import PROXY
from tests.templates import document, further

SIDECAR = document("Deployment", f"spec: {{template: {{spec: {{containers: [{PROXY}]}}}}}}")
TEMPLATES = ("--templates", "templates")


def put(text: str, name: str = "app.yaml", folder: str = "templates") -> Path:
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def containers(shop: Shop) -> list[str]:
    return [one["name"] for one in shop.child("Deployment")["spec"]["template"]["spec"]["containers"]]


def test_a_template_comes_and_goes_and_each_second_run_is_silent(shop: Shop) -> None:
    shop.write()
    shop.reconcile()
    before = shop.state()
    put(SIDECAR)
    ended = shop.reconcile(*TEMPLATES)
    assert ended.lines[0] == "~ Deployment shop/pr-1 its templates changed"
    assert containers(shop) == ["app", "proxy"]
    shop.is_silent(*TEMPLATES)
    shop.reconcile("--templates", "none")
    shop.is_silent()
    assert [text for text, _ in shop.state().values()] == [text for text, _ in before.values()]


def test_a_run_without_the_templates_option_removes_none(shop: Shop) -> None:
    shop.write()
    put(SIDECAR)
    shop.reconcile(*TEMPLATES)
    shop.write(image="registry.example.com/shop:2")
    shop.write("pr-2")
    ended = shop.reconcile(code=1)
    (blocked,) = (line for line in ended.lines if line.startswith("!"))
    assert blocked == (
        "! Preview shop/pr-1 Deployment shop/pr-1: templates were merged into it, and this run has none; "
        "pass --templates DIR, or --templates none to remove what they set"
    )
    assert ended.lines[-1] == "Done: 3 created, 0 updated, 0 deleted."
    assert containers(shop) == ["app", "proxy"]


def test_a_dry_run_shows_what_an_edit_changes_and_for_how_many(shop: Shop) -> None:
    for name in ("pr-1", "pr-2"):
        shop.write(name)
    put(SIDECAR)
    shop.reconcile(*TEMPLATES)
    put(SIDECAR.replace("proxy:1", "proxy:2"))
    ended = shop.reconcile(*TEMPLATES, "--dry-run")
    image = "spec.template.spec.containers[proxy].image"
    change = f"{image} registry.example.com/proxy:1 -> registry.example.com/proxy:2"
    assert ended.lines == [
        *(
            line
            for name in ("pr-1", "pr-2")
            for line in (f"~ Deployment shop/{name} its templates changed", change)
        ),
        "Plan: 0 to create, 2 to update, 0 to delete, 4 unchanged. Templates changed for 2 previews.",
    ]


def test_values_of_variables_are_not_printed(shop: Shop) -> None:
    shop.write()
    shop.reconcile()
    env = "env: [{name: A, value: hidden-value}], args: [hidden-value]"
    put(document("Deployment", f"spec: {{template: {{spec: {{containers: [{{name: app, {env}}}]}}}}}}"))
    for ended in (shop.reconcile(*TEMPLATES, "--dry-run"), shop.reconcile(*TEMPLATES)):
        assert "containers[app].env[A]" in ended.out
        assert "hidden-value" not in ended.out + ended.err


def test_an_explanation_names_the_template_of_a_field(shop: Shop) -> None:
    shop.write(revision="a1")
    put("# first\n" + SIDECAR)
    shop.reconcile(*TEMPLATES)
    source = ("--from", "previews", "--from", "children", *TEMPLATES)
    lines = shop.shell(*source, "--explain", "pr-1").lines
    image = "spec.template.spec.containers[proxy].image"
    assert f"= {image} by templates/app.yaml:6 registry.example.com/proxy:1" in lines
    assert "= spec.template.spec.containers[app].image registry.example.com/shop:1" in lines


# the folder


def test_a_mounted_config_map_is_read_once(shop: Shop) -> None:
    """As the kubelet writes it: each file behind two links."""
    shop.write()
    put(SIDECAR, folder="templates/..2026_01_01")
    os.symlink("..2026_01_01", "templates/..data")
    os.symlink("..data/app.yaml", "templates/app.yaml")
    put("a: [", ".hidden.yaml")
    shop.reconcile(*TEMPLATES)
    assert containers(shop) == ["app", "proxy"]


@pytest.mark.parametrize("step", ["before", "while the link is changed", "before the new file is seen"])
def test_a_changing_config_map_is_read_completely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A document that moves to another file is in one of them at every moment: else its children would go."""
    app, moved = document("Deployment"), document("Service")
    for version, files in {"..1": {"b.yaml": app + moved}, "..2": {"b.yaml": app, "a.yaml": moved}}.items():
        (tmp_path / version).mkdir()
        for name, text in files.items():
            (tmp_path / version / name).write_text(text)
    os.symlink("..1", tmp_path / "..data")
    os.symlink("..data/b.yaml", tmp_path / "b.yaml")

    def swapped() -> None:
        os.symlink("..2", tmp_path / "..new")
        os.replace(tmp_path / "..new", tmp_path / "..data")

    def seen(*_: object) -> None:
        os.symlink("..data/a.yaml", tmp_path / "a.yaml")

    def read(folders: tuple[str, ...]) -> Reading:
        """The folder is read, and changed meanwhile: what was listed is not what is read."""
        monkeypatch.setattr(templates, "read_files", read_files)
        if step == "while the link is changed":
            swapped()
        return read_files(folders)

    monkeypatch.setattr(templates, "read_files", read)
    monkeypatch.setattr(time, "sleep", seen)
    if step == "before the new file is seen":
        swapped()
    found = with_templates(Settings(), str(tmp_path)).templates
    assert sorted(one.kind for one in found or ()) == ["Deployment", "Service"]


def test_everything_wrong_in_a_folder_ends_the_run_before_it_reads_a_preview(shop: Shop) -> None:
    shop.write()
    put("a: [", "a.yaml")
    put(document("Service", "spec: {selector: {a: b}}"), "b.yaml")
    put(SIDECAR, "below/c.yaml")
    ended = shop.reconcile(*TEMPLATES, code=2)
    assert ended.err.splitlines()[:3] == [
        "Error: templates/a.yaml:2: not YAML: while parsing a flow node, did not find expected node content",
        "templates/below/c.yaml: in a folder below templates, which a ConfigMap cannot have; move it up",
        "templates/b.yaml:5: spec.selector: is not a template's to change; leave it out",
    ]
    assert not Path("children").exists()


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("nowhere", "--templates nowhere: is not a folder; name the one with the documents"),
        ("empty", "--templates empty: has no document; for no templates, pass --templates none"),
        ("templates", "templates/b.yaml: has no document; remove the file"),
    ],
)
def test_a_folder_or_a_file_without_documents_is_refused(shop: Shop, folder: str, message: str) -> None:
    """A mistaken path, or a file that somebody is about to write, would take templates from all previews."""
    shop.write()
    put("", "README.md", "empty")
    put(SIDECAR)
    put("# soon\n", "b.yaml")
    assert shop.reconcile("--templates", folder, code=2).err.startswith(f"Error: {message}\n")


def test_each_run_of_an_interval_re_reads_the_folder(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write()
    put(SIDECAR)
    steps: list[Callable[[], Any]] = [
        lambda: put("a: ["),
        lambda: put(SIDECAR.replace("proxy:1", "proxy:2")),
        lambda: shutil.rmtree("templates"),
    ]

    def pause(seconds: float, stop: Any) -> None:
        steps.pop(0)() if steps else stop.ask(15)

    monkeypatch.setattr("reconcile.cli.runs.pause", pause)
    ended = shop.reconcile(*TEMPLATES, "--interval", "1s", code=143)
    assert [line for line in ended.lines if line.startswith("Done")] == [
        "Done: 3 created, 0 updated, 0 deleted.",
        "Done: 0 created, 1 updated, 0 deleted.",
    ]
    assert "templates/app.yaml:2: not YAML" in ended.err
    assert "--templates templates: is not a folder" in ended.err
    assert containers(shop) == ["app", "proxy"]


# further children: a folder has no status that remembers their kinds


CONFIG = further("v1", "ConfigMap", "-config", "data: {a: b}")
REDIS = further("example.com/v1", "Redis", "-r", "spec: {a: b}")


def test_a_further_child_is_created_and_deleted_with_its_document(shop: Shop) -> None:
    shop.write()
    put(CONFIG, "config.yaml")
    redis = put(REDIS, "redis.yaml")
    ended = shop.reconcile(*TEMPLATES)
    assert ended.lines[:2] == [
        "+ ConfigMap shop/pr-1-config new preview",
        "+ Redis.example.com shop/pr-1-r new preview",
    ]
    shop.is_silent(*TEMPLATES)
    redis.unlink()
    gone = "no template makes it any more"
    assert shop.reconcile(*TEMPLATES).lines[0] == f"- Redis.example.com shop/pr-1-r {gone}"
    shop.is_silent(*TEMPLATES)
    ended = shop.reconcile(code=1)
    assert ended.lines[0].startswith("! Preview shop/pr-1 ConfigMap shop/pr-1-config: a template made it")
    none = ("--templates", "none")
    assert shop.reconcile(*none).lines[0] == f"- ConfigMap shop/pr-1-config {gone}"
    shop.is_silent()
    assert sorted(path.name for path in Path("children").iterdir()) == [
        f"shop.{kind}.pr-1.yaml" for kind in ("deployment", "mapping", "service")
    ]


def test_orphaned_further_children_are_deleted_too(shop: Shop) -> None:
    shop.write()
    shop.write("pr-2")
    put(CONFIG + REDIS)
    shop.reconcile(*TEMPLATES)
    shop.remove()
    lines = shop.reconcile("--templates", "none").lines
    assert [line.split()[1] for line in lines if line.startswith("- ") and "pr-1" in line] == [
        "ConfigMap",
        "Redis.example.com",
        "Deployment",
        "Service",
        "Mapping",
    ]
