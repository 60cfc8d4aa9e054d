"""The command as a person runs it on a folder of manifests, in this process.

shop    a folder with previews, one beside it for the children, and the command
shell   the command alone
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

from reconcile.cli.main import exit_code_of
from reconcile.cluster.files.yaml import dump
from reconcile.desire.children import CHILDREN
from tests.builders import a_preview, without_uid
from tests.in_process import Ended

KINDS = [kind.resource.kind for kind in CHILDREN]


class Shell(Protocol):
    """Runs `reconcile` with these arguments and these variables; `stdin` is what is piped into it."""

    def __call__(self, *arguments: str, stdin: str = "", **variables: str) -> Ended: ...


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_before: None) -> Shell:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: str = "", **variables: str) -> Ended:
        capsys.readouterr()
        with monkeypatch.context() as during:
            for name, value in variables.items():
                during.setenv(name, value)
            during.setattr("reconcile.cli.request.read_stdin", lambda: stdin)
            code = exit_code_of(list(arguments))
        return Ended(code, *capsys.readouterr())

    return run


@dataclass
class Shop:
    """`previews/` is what authors write, `children/` is what becomes of it."""

    shell: Shell
    options: list[str] = field(default_factory=list)

    # what the author does

    def write(
        self, name: str = "pr-1", namespace: str = "shop", *, dumped: bool = False, **given: Any
    ) -> Path:
        """A preview in a file of its own; `dumped` keeps what an API server adds."""
        manifest = a_preview(name, namespace, **given)
        return self.put(f"{namespace}-{name}.yaml", dump(manifest if dumped else without_uid(manifest)))

    def put(self, file: str, text: str) -> Path:
        path = Path("previews") / file
        path.write_text(text)
        return path

    def remove(self, name: str = "pr-1") -> None:
        Path(f"previews/shop-{name}.yaml").unlink()

    # what the command does

    def reconcile(self, *arguments: str, code: int = 0) -> Ended:
        """Run it; it must end with this exit code."""
        ended = self.shell("--from", "previews", "--to", "children", *self.options, *arguments)
        assert ended.code == code, f"exit {ended.code}\n{ended.out}\n{ended.err}"
        return ended

    def is_silent(self, *arguments: str, code: int = 0) -> None:
        """Another run plans nothing, and touches no file."""
        before = self.state()
        ended = self.reconcile(*arguments, code=code)
        assert "0 to create, 0 to update, 0 to delete" in ended.lines[-1]
        assert self.state() == before

    # what is there

    def state(self) -> dict[str, tuple[str, int]]:
        files = sorted(Path("children").glob("*")) if Path("children").exists() else []
        return {path.name: (path.read_text(), path.stat().st_mtime_ns) for path in files}

    def children(self) -> list[str]:
        """Such as `Deployment shop/pr-1`, in apply order."""
        named = {kind.lower(): kind for kind in KINDS}
        parts = [name.removesuffix(".yaml").split(".", 2) for name in self.state()]
        found = [(place, kind) for place, kind in ((f"{p[0]}/{p[2]}", named[p[1]]) for p in parts)]
        return [f"{kind} {place}" for place, kind in sorted(found, key=lambda f: (f[0], KINDS.index(f[1])))]

    def path(self, kind: str, name: str = "pr-1", namespace: str = "shop") -> Path:
        return Path("children") / f"{namespace}.{kind.lower()}.{name}.yaml"

    def child(self, kind: str, name: str = "pr-1") -> Any:
        return yaml.safe_load(self.path(kind, name).read_text())

    def edit(self, kind: str, before: str, after: str, name: str = "pr-1") -> None:
        """Somebody edits a child by hand."""
        path = self.path(kind, name)
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))


@pytest.fixture
def shop(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    Path("previews").mkdir()
    return Shop(shell)
