"""What a release is made of, as far as it is decided without building it: `make release-check` builds it."""

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from reconcile import __version__
from reconcile.model.spec import Spec
from tests.installation import OLDEST, helm, pod_template
from tools.release import changelog, chart, plugin
from tools.release.__main__ import refuse_another_version
from tools.release.changelog import Change
from tools.release.errors import ReleaseError

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
REPOSITORY = "Acme/preview-reconcile"
CHANGELOG = """\
# Changelog

## Unreleased

- Not yet.

## 1.2.0

### Added

- A new option,
  in two lines.

### Fixed

- A defect.

## 1.1.0

- Older.
"""
# https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/, and what krew's own validation requires.
KREW: dict[str, Any] = yaml.safe_load(r"""
type: object
additionalProperties: false
required: [apiVersion, kind, metadata, spec]
properties:
  apiVersion: {const: krew.googlecontainertools.github.com/v1alpha2}
  kind: {const: Plugin}
  metadata: {properties: {name: {pattern: '^[\w-]+$'}}, required: [name]}
  spec:
    type: object
    additionalProperties: false
    required: [version, homepage, shortDescription, description, platforms]
    properties:
      version: {pattern: '^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$'}
      homepage: {pattern: '^https://'}
      shortDescription: {type: string, minLength: 1, maxLength: 50}
      description: {type: string, minLength: 1}
      caveats: {type: string}
      platforms:
        type: array
        minItems: 1
        items:
          additionalProperties: false
          required: [selector, uri, sha256, bin]
          properties:
            uri: {pattern: '^https://.*\.(tar\.gz|zip)$'}
            sha256: {pattern: '^[a-f0-9]{64}$'}
            bin: {type: string, minLength: 1}
            selector:
              additionalProperties: false
              required: [matchLabels]
              properties:
                matchLabels:
                  additionalProperties: false
                  required: [os, arch]
                  properties: {os: {enum: [linux, darwin, windows]}, arch: {enum: [amd64, arm64]}}
""")


def test_a_tag_of_another_version_is_refused_with_the_remedy() -> None:
    refuse_another_version(f"v{__version__}")
    with pytest.raises(
        ReleaseError, match=f"Refusing to release v99.0.0: this tree is version {__version__}"
    ):
        refuse_another_version("v99.0.0")


def test_the_changes_of_a_version_are_its_section_alone_each_with_its_kind() -> None:
    section = changelog.section(CHANGELOG, "1.2.0")
    assert changelog.changes(section) == (
        Change("added", "A new option, in two lines."),
        Change("fixed", "A defect."),
    )
    assert changelog.changes(changelog.section(CHANGELOG, "1.1.0")) == (Change("changed", "Older."),)


@pytest.mark.parametrize("version", ["1.3.0", "1.2", "2.0"])
def test_a_version_without_changes_in_the_changelog_is_refused(version: str) -> None:
    with pytest.raises(ReleaseError, match=f"no changes under a heading '## {re.escape(version)}'"):
        changelog.section(CHANGELOG, version)


def test_a_heading_that_is_no_kind_of_change_is_refused() -> None:
    with pytest.raises(ReleaseError, match="heading '### News' must be one of added, changed"):
        changelog.changes("### News\n\n- One.\n")


def test_the_changelog_of_this_tree_can_be_released() -> None:
    assert changelog.changes(changelog.read(ROOT, changelog.UNRELEASED))


def test_artifact_hub_reads_the_changes_the_image_the_crd_and_an_example() -> None:
    made = chart.annotations(REPOSITORY, (Change("added", "An option: `--x`."),))
    assert all(isinstance(value, str) for value in made.values())
    read = {name.removeprefix("artifacthub.io/"): yaml.safe_load(value) for name, value in made.items()}
    assert read["changes"] == [{"kind": "added", "description": "An option: `--x`."}]
    assert read["images"] == [
        {"name": "preview-reconcile", "image": f"ghcr.io/acme/preview-reconcile:{__version__}"}
    ]
    assert [(crd["kind"], crd["version"]) for crd in read["crds"]] == [("PreviewEnvironment", "v1")]
    (example,) = read["crdsExamples"]
    assert example["kind"] == "PreviewEnvironment"
    Spec.model_validate(example["spec"])


def test_the_packaged_chart_runs_the_published_image(tmp_path: Path) -> None:
    helm("version")  # skips where there is none
    archive = chart.package(REPOSITORY, (Change("added", "An option."),), tmp_path)
    objects = [
        *yaml.safe_load_all(helm("template", "previews", str(archive), "--kube-version", OLDEST).stdout)
    ]
    (container,) = pod_template(objects)["spec"]["containers"]
    assert container["image"] == f"ghcr.io/acme/preview-reconcile:{__version__}"
    described = yaml.safe_load(helm("show", "chart", str(archive)).stdout)
    assert described["sources"] == ["https://github.com/Acme/preview-reconcile"]
    assert "artifacthub.io/changes" in described["annotations"]


def test_krews_manifest_names_each_archive_with_its_hash(tmp_path: Path) -> None:
    archives = {}
    for platform in plugin.PLATFORMS:
        archives[platform] = tmp_path / f"kubectl-preview-{platform}.tar.gz"
        archives[platform].write_bytes(str(platform).encode())
    made = plugin.manifest(REPOSITORY, archives)
    jsonschema.validate(made, KREW)
    assert [entry["sha256"] for entry in made["spec"]["platforms"]] == [
        "abb35c616421af72198ad7c2aeeef38516f08f6a7afb2a728cf0068a8a712ddc",
        "17d46d4991b2edd5e445342a72ba0cb7cf09e4849b5e98c16408ce11e05c7388",
        "1a349b12b50ad5b43740e0952adc33c7805ce06f091074be977624d09ed9d432",
    ]


def test_the_plugin_names_the_pythons_that_it_has_where_another_runs_it(tmp_path: Path) -> None:
    (tmp_path / "lib" / "any").mkdir(parents=True)
    (tmp_path / "lib" / "2.7").mkdir()
    launcher = shutil.copy(plugin.LAUNCHER, tmp_path)
    done = subprocess.run([sys.executable, launcher], capture_output=True, text=True)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (done.returncode, done.stderr) == (
        1,
        f"kubectl preview: python3 is {here}, and must be one of 2.7; put one of these on the PATH as python3\n",
    )


def test_the_plugin_runs_the_modules_beside_it_wherever_it_is_linked_from(tmp_path: Path) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    package = tmp_path / "store" / "lib" / "any" / "reconcile" / "cli"
    package.mkdir(parents=True)
    (tmp_path / "store" / "lib" / here).mkdir()
    (tmp_path / "store" / "lib" / here / "compiled.py").touch()
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "plugin.py").write_text("import compiled\ndef main(): print(compiled.__file__)\n")
    shutil.copy(plugin.LAUNCHER, tmp_path / "store")
    (tmp_path / "kubectl-preview").symlink_to(tmp_path / "store" / "kubectl-preview")
    done = subprocess.run([sys.executable, tmp_path / "kubectl-preview"], capture_output=True, text=True)
    assert done.stdout == f"{tmp_path}/store/lib/{here}/compiled.py\n", done.stderr


def test_an_archive_has_no_times_and_no_owners_so_that_the_same_files_have_the_same_hash(
    tmp_path: Path,
) -> None:
    plugin._pack(tmp_path / "archive", {"kubectl-preview": plugin.LAUNCHER})
    times_of_gzip = (tmp_path / "archive").read_bytes()[4:8]
    with tarfile.open(tmp_path / "archive") as archive:
        (member,) = archive.getmembers()
    assert (times_of_gzip, member.mtime, member.uid, member.uname) == (bytes(4), 0, 0, "")
    assert member.mode == 0o755


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_pins_every_action_by_its_commit_and_names_the_version(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text())
    pinned = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert used
    assert [action for action in used if not pinned.fullmatch(action)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_begins_without_rights_and_leaves_no_token_in_the_checkout(workflow: Path) -> None:
    described = yaml.safe_load(workflow.read_text())
    assert described["permissions"] == {}
    assert all(job["permissions"] for job in described["jobs"].values())
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


def test_nothing_is_published_before_it_is_checked() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yaml").read_text())["jobs"]
    order = ["release"]
    while needed := jobs[order[-1]].get("needs"):
        order.append(needed)
    assert order[::-1] == list(jobs)
    (check,) = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert check.startswith('make release-check TAG="$GITHUB_REF_NAME"')
