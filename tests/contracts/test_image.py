"""What the image would contain: the stages of the Dockerfile, run in a plain folder, and the command in it.

No image is built. `COPY` and `RUN` do here what they say, with `/opt` and `/src` moved below a temporary
folder, and this machine's Python for the base image's.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reconcile import __version__
from reconcile.model.crd import render

ROOT = Path(__file__).parents[2]
NOBODY = 65532
PLACES = ("/opt", "/src")


@dataclass(frozen=True)
class Instruction:
    """One instruction of the Dockerfile, its continued lines joined: `RUN`, and what follows."""

    word: str
    text: str


def instructions() -> list[Instruction]:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text)
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines()]


def stages() -> list[list[Instruction]]:
    """What stands before the first FROM, and each stage, which begins with its own."""
    found: list[list[Instruction]] = [[]]
    for one in instructions():
        if one.word == "FROM":
            found.append([])
        found[-1].append(one)
    return found


def said(stage: list[Instruction], word: str) -> list[str]:
    return [one.text for one in stage if one.word == word]


def sent_to_the_builder() -> Iterator[Path]:
    """The files that .dockerignore lets through, below the repository."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")]
    assert rules[0] == "*"
    taken = [rule[1:] for rule in rules if rule.startswith("!")]
    dropped = [rule.removeprefix("**/") for rule in rules[1:] if not rule.startswith("!")]
    for name in taken:
        for path in [ROOT / name, *(ROOT / name).rglob("*")]:
            if path.is_file() and not any(fnmatch(p, d) for p in path.parts for d in dropped):
                yield path.relative_to(ROOT)


def pip(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run pip, with the index, the proxy and the certificates that it is configured with."""
    return subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True)


def skip_without_an_index(done: subprocess.CompletedProcess[str]) -> None:
    """Skip where pip failed since no index answers it, or since it is told to ask none."""
    if done.returncode and ("Retrying (" in done.stderr or "no-index" in pip("config", "list").stdout):
        pytest.skip("no package index answers where pip asks for packages (pip config list)")


@dataclass(frozen=True)
class Builder:
    """The build stage in a folder."""

    folder: Path

    @classmethod
    def start(cls, folder: Path) -> "Builder":
        """The base image's Python is one of its own, since the stage installs into it."""
        (folder / "context").mkdir(parents=True)
        for path in sent_to_the_builder():
            (folder / "context" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / "context" / path)
        subprocess.run([sys.executable, "-m", "venv", folder / "python"], check=True)
        return cls(folder)

    def moved(self, text: str) -> str:
        """The paths of the image below the folder."""
        for place in PLACES:
            text = re.sub(rf"(?<![\w/]){place}\b", f"{self.folder}{place}", text)
        return text

    def do(self, one: Instruction) -> None:
        match one.word:
            case "FROM":
                assert one.text == "${BASE} AS build"
            case "WORKDIR":
                Path(self.moved(one.text)).mkdir()
            case "COPY":
                self.copy(*shlex.split(one.text))
            case "RUN":
                self.run(one.text)
            case "ENV":
                assert one.text == "PIP_DISABLE_PIP_VERSION_CHECK=1"
            case other:
                raise AssertionError(f"this test does not know {other}")

    def copy(self, *words: str) -> None:
        *names, to = words
        for name in names:
            path, place = self.folder / "context" / name, self.folder / "src" / to
            if path.is_dir():
                shutil.copytree(path, place)
            else:
                shutil.copy(path, place)

    def run(self, script: str) -> None:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "VIRTUAL_ENV"))}
        done = subprocess.run(
            ["/bin/sh", "-c", self.moved(script)],
            cwd=self.folder / "src",
            env={**kept, "PATH": f"{self.folder}/python/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        skip_without_an_index(done)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """/opt of the image, read-only, in a folder that every user may enter, as pytest's own are not."""
    with TemporaryDirectory(prefix="image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        builder = Builder.start(folder)
        for one in stages()[1]:
            builder.do(one)
        subprocess.run(["chmod", "-R", "a-w", folder / "opt"], check=True)
        yield folder / "opt"


def reconcile(
    image: Path, *arguments: str, user: int = NOBODY, group: int = NOBODY, stdin: str | None = None
) -> str:
    """The command from the image: its entrypoint, its environment, its user where we may become somebody."""
    (entry,) = json.loads(said(stages()[2], "ENTRYPOINT")[0])
    done = subprocess.run(
        [*as_somebody_else(image, user, group), image / "reconcile" / "bin" / entry, *arguments],
        cwd="/",
        env={"PATH": f"{image}/reconcile/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/"},
        input=stdin,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_somebody_else(image: Path, user: int = NOBODY, group: int = NOBODY) -> list[str]:
    """What to put before a command so that it may not write: for root, who may write everything.

    As the image's user, where that one may run this machine's Python; else as a root without privileges,
    whom file modes bind like everybody else.
    """
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or not setpriv:
        return []
    other = [setpriv, f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    powerless = [setpriv, "--bounding-set=-all", "--inh-caps=-all"]
    python = image / "reconcile" / "bin" / "python"
    reachable = subprocess.run([*other, python, "-c", ""], capture_output=True).returncode == 0
    return other if reachable else powerless


def test_nothing_can_be_written_where_the_command_is(image: Path) -> None:
    place = image / "reconcile" / "written"
    done = subprocess.run([*as_somebody_else(image), "touch", place], capture_output=True, text=True)
    assert "denied" in done.stderr


def test_the_command_runs_in_what_the_image_has_without_a_place_to_write(image: Path) -> None:
    before = sorted(image.rglob("*"))
    for user, group in ((NOBODY, NOBODY), (1000680000, 0)):  # the second is one whom OpenShift chooses
        assert reconcile(image, "--version", user=user, group=group) == f"reconcile, version {__version__}\n"
    assert reconcile(image, "--print-crd") == render("platform9.com")
    assert sorted(image.rglob("*")) == before


def test_the_image_has_the_page_and_its_template_style_and_script(image: Path) -> None:
    example = (ROOT / "crds" / "example.yaml").read_text()
    ask = ["--from", "-", "--dry-run", "-o", "none", "--report", "html=/dev/stdout"]
    page = reconcile(image, *ask, user=os.getuid(), group=os.getgid(), stdin=example)  # whose pipe it is
    assert page.startswith("<!DOCTYPE html>\n")
    assert all((ROOT / "reconcile" / "report" / name).read_text() in page for name in ("page.css", "page.js"))


def test_the_image_has_bytecode_for_all_of_the_command_and_no_installer(image: Path) -> None:
    modules = sorted((ROOT / "reconcile").rglob("*.py"))
    (package,) = image.glob("reconcile/lib/python*/site-packages/reconcile")
    compiled = {path.parent.parent / f"{path.name.split('.')[0]}.py" for path in package.rglob("*.pyc")}
    assert sorted(path.relative_to(package) for path in compiled) == [
        path.relative_to(ROOT / "reconcile") for path in modules
    ]
    assert not list(image.glob("reconcile/lib/python*/site-packages/pip*"))
    assert not list(image.glob("reconcile/lib/python*/site-packages/hatchling*"))


def test_the_second_stage_takes_what_the_first_has_made_and_both_have_one_base_that_is_pinned() -> None:
    before, build, final = stages()
    words = {"ARG", "COPY", "ENTRYPOINT", "ENV", "FROM", "LABEL", "USER"}
    assert {one.word for one in final} == words
    assert [said(stage, "FROM")[0].split()[0] for stage in (build, final)] == ["${BASE}", "${BASE}"]
    assert said(final, "COPY") == ["--from=build /opt/reconcile /opt/reconcile"]
    assert said(final, "USER") == [f"{NOBODY}:{NOBODY}"]
    assert said(final, "ENTRYPOINT") == ['["reconcile"]']
    assert said(final, "ARG")[0] == f"VERSION={__version__}"
    (base,) = said(before, "ARG")
    assert re.fullmatch(r"BASE=[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}", base)
    text = (ROOT / "Dockerfile").read_text()
    assert not [word for word in ("--platform", "TARGETARCH") if word in text]


def test_everything_that_is_downloaded_has_its_hash_in_a_lock() -> None:
    commands = [command for text in said(stages()[1], "RUN") for command in text.split(" && ")]
    installs = [command for command in commands if " install " in command or " wheel " in command]
    assert len(installs) == 4
    for text in installs:
        assert ("--no-index" in text) != ("--require-hashes" in text and "--only-binary :all:" in text), text


def platforms(architecture: str) -> list[str]:
    """What wheels may be built for to run on Debian: each glibc up to that of its stable release."""
    return [
        f"manylinux2014_{architecture}",
        *(f"manylinux_2_{minor}_{architecture}" for minor in range(17, 37)),
    ]


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_every_architecture_has_a_wheel_of_every_requirement(architecture: str, tmp_path: Path) -> None:
    """As pip finds them where it is configured to look: behind a mirror or a proxy nothing else is asked."""
    (version,) = re.findall(
        r"^ARG BASE=python:(\d+\.\d+)-slim@", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    done = pip(
        "install", "--dry-run", "--ignore-installed", "--target", tmp_path, "--retries", "1",
        "--only-binary", ":all:", "--require-hashes", "-r", ROOT / "requirements.txt",
        "--python-version", version, *(f"--platform={name}" for name in platforms(architecture)),
    )  # fmt: skip
    skip_without_an_index(done)
    assert done.returncode == 0, done.stderr
    assert "pydantic_core" in done.stdout
