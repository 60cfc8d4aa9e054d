"""`--print-rights`: the rules that the kinds of documents need beside the shipped ones."""

from pathlib import Path

import pytest
import yaml

from reconcile.desire.children import CHILDREN, RIGHTS
from reconcile.kube.schema import native_schema
from tests.controlplane.rights import resources_of, shipped
from tests.shop import Shell
from tests.templates import document

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    return tmp_path / "templates"


def of_kind(api_version: str, kind: str, name: str = "more", spec: str = "") -> str:
    name = "${preview.metadata.name}-" + name
    return f"---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: '{name}'}}\n{spec}\n"


DOCUMENTS = (
    document("Deployment", "spec: {minReadySeconds: 1}"),
    of_kind("apps/v1", "Deployment", spec="spec: {template: {spec: {containers: [{name: a, image: a}]}}}"),
    of_kind("v1", "Service", spec="spec: {ports: [{port: 80}]}"),
    of_kind("policy/v1", "PodDisruptionBudget"),
    of_kind("v1", "Secret"),
    of_kind("v1", "ConfigMap"),
    of_kind("v1", "ConfigMap", "other"),
    of_kind("networking.k8s.io/v1", "NetworkPolicy"),
)


@pytest.mark.parametrize(
    ("options", "golden"), [((), "rights.yaml"), (("--namespace-only", "-n", "shop"), "rights-of-shop.yaml")]
)
def test_the_rights_are_as_in_the_golden_file(
    shell: Shell, folder: Path, options: tuple[str, ...], golden: str
) -> None:
    (folder / "all.yaml").write_text("".join(DOCUMENTS))
    ended = shell("--print-rights", "--templates", "templates", *options)
    assert (ended.code, ended.err, ended.out) == (0, "", (GOLDEN / golden).read_text())
    (folder / "all.yaml").write_text("".join(reversed(DOCUMENTS)))
    assert shell("--print-rights", "--templates", "templates", *options).out == ended.out


def test_a_rule_is_laid_out_as_the_shipped_ones_and_none_exists_twice(shell: Shell, folder: Path) -> None:
    (folder / "all.yaml").write_text("".join(DOCUMENTS))
    role, binding = yaml.safe_load_all(shell("--print-rights", "--templates", "templates").out)
    (whole,) = {tuple(r["verbs"]) for r in shipped() if "deployments" in r["resources"]}
    assert {tuple(rule["verbs"]) for rule in role["rules"]} == {whole} == {tuple(RIGHTS.split(", "))}
    shipped_kinds = {resource for rule in shipped() for resource in resources_of(rule)}
    assert not shipped_kinds & {resource for rule in role["rules"] for resource in resources_of(rule)}
    shipped_binding = yaml.safe_load(Path(__file__).parents[2].joinpath("cronjob/bindings.yaml").read_text())
    assert binding["subjects"][0].items() >= shipped_binding["subjects"][0].items()


def test_documents_of_built_in_kinds_alone_need_no_right(shell: Shell, folder: Path) -> None:
    (folder / "all.yaml").write_text("".join(DOCUMENTS[:3]))
    for templates in ("templates", "none"):
        ended = shell("--print-rights", "--templates", templates)
        assert (ended.code, list(yaml.safe_load_all(ended.out))) == (0, [])
        assert ended.out.startswith("# ")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "--print-rights needs --templates DIR: without templates the shipped rights are all"),
        (("--templates", "elsewhere"), "--templates elsewhere: is not a folder; name the one with the documents"),
        (("--templates", "templates"), "templates/all.yaml:3: kind: v1 \"Pod\" is not for templates: a pod by itself is not started again; use a Deployment"),
        (("--templates", "templates", "--namespace-only"), "--namespace-only needs -n: pass the namespace"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_reported_as_by_a_run(
    shell: Shell, folder: Path, options: tuple[str, ...], told: str
) -> None:
    wrong = of_kind("v1", "ConfigMap" if "--namespace-only" in options else "Pod")
    (folder / "all.yaml").write_text(wrong)
    ended = shell("--print-rights", *options)
    assert (ended.code, ended.out, ended.err.splitlines()[0]) == (2, "", f"Error: {told}")


def test_a_custom_kind_is_discovered_and_unknown_to_files(shell: Shell, folder: Path, tmp_path: Path) -> None:
    (folder / "all.yaml").write_text(of_kind("example.com/v1", "Widget"))
    arguments = ("--print-rights", "--templates", "templates")
    ended = shell(*arguments, "--kubeconfig", str(tmp_path / "nothing"))
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("Error: only a cluster tells the plural of Widget.example.com: ")
    ended = shell(*arguments, "--from", "previews", "--dry-run")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(
        "Error: --from: files do not tell the plural of Widget.example.com; leave it out"
    )


def test_no_built_in_kind_is_custom_so_none_is_discovered() -> None:
    assert all(native_schema(kind.resource.api_version, kind.resource.kind) for kind in CHILDREN)
