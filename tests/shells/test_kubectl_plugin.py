"""`kubectl preview` with the real kubectl: the same command under another name, completion included."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconcile.errors import EXIT_FAILED, EXIT_PENDING, EXIT_USAGE
from tests.shells.conftest import installed
from tests.shells.test_completion import SHELLS

Variables = Mapping[str, str]
FORGET = "\x15"
"""Ctrl-U takes back what was typed."""
Done = subprocess.CompletedProcess[str]


def run(folder: Path, variables: Variables, *command: str) -> Done:
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--from", "previews", "--dry-run", "--exit-code", "tea/pr-42", "-o", "json"), EXIT_PENDING),
        (("--from", "previews", "--dry-run", "pr-99"), EXIT_FAILED),
    ],
)
def test_it_is_the_same_command(
    kubectl: str, folder: Path, variables: Variables, arguments: tuple[str, ...], code: int
) -> None:
    plugin = run(folder, variables, kubectl, "preview", *arguments)
    plain = run(folder, variables, "reconcile", *arguments)
    assert (plugin.returncode, plugin.stdout, plugin.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    assert plugin.returncode == code


def test_its_usage_is_the_plugins(kubectl: str, folder: Path, variables: Variables) -> None:
    told = run(folder, variables, kubectl, "preview", "--help")
    assert (told.returncode, told.stdout.splitlines()[0]) == (0, "Usage: kubectl preview [OPTIONS] [NAME]...")
    for wrong in ("--nonsense", "--to=x"):
        told = run(folder, variables, kubectl, "preview", wrong)
        assert told.returncode == EXIT_USAGE
        assert "Try 'kubectl preview --help'" in told.stderr
        assert "'reconcile" not in told.stderr


def test_kubectl_lists_it_without_a_warning(kubectl: str, folder: Path, variables: Variables) -> None:
    told = run(folder, variables, kubectl, "plugin", "list", "--name-only")
    assert "kubectl-preview" in told.stdout.splitlines()
    assert "kubectl-preview" not in told.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (
            ("--from", "previews", "sh"),
            ["shop/pr-41\tpr-41.shop.example.com", "shop/pr-42\tpr-42.shop.example.com", ":4"],
        ),
        (("--from", "previews", "pr-41", ""), [
            "kettle-7\tkettle-7.tea.example.com", "shop/pr-42\tpr-42.shop.example.com",
            "tea/pr-42\tpr-42.tea.example.com", ":4",
        ]),
        (("--route", "ht"), ["httproute", ":4"]),
        (("--from", ""), [":0"]),
        (("--to", ""), [":16"]),
        (("--from", "nothing", ""), [":4"]),
    ],
)  # fmt: skip
def test_kubectl_completes_it(
    kubectl: str, folder: Path, variables: Variables, words: tuple[str, ...], offered: list[str]
) -> None:
    told = run(folder, variables, kubectl, "__complete", "preview", *words)
    assert told.returncode == 0
    assert told.stdout.splitlines() == offered


TYPED = {
    "prev": "preview ",
    "preview --from previews ket": "preview --from previews kettle-7 ",
    "preview --from prev": "preview --from previews/",
    "preview --dry": "preview --dry-run ",
    "preview --route=ht": "preview --route=httproute ",
}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_tab_completes_it_through_kubectl(
    kubectl: str, folder: Path, variables: Variables, shell: str
) -> None:
    with_kubectl = {**variables, "PATH": f"{Path(kubectl).parent}:{variables['PATH']}"}
    with SHELLS[shell](folder, with_kubectl) as terminal:
        if shell == "bash":
            terminal.run(f"source {bash_completion()}")
        terminal.run(f"source <(kubectl completion {shell})")
        for typed, completed in TYPED.items():
            terminal.press(f"{FORGET}kubectl {typed}\t")
            terminal.until(f"kubectl {completed}")


def bash_completion() -> Path:
    """What kubectl's completion needs in bash; skips where it is not."""
    file = Path("/usr/share/bash-completion/bash_completion")
    if not file.exists():
        pytest.skip(f"not there: {file} (on Debian: apt-get install bash-completion)")
    return file


def test_fish_completes_it_through_kubectl(kubectl: str, folder: Path, variables: Variables) -> None:
    program = "kubectl completion fish | source; complete -C 'kubectl preview --from previews ket'"
    told = run(folder, {**variables, "PATH": f"{Path(kubectl).parent}:{variables['PATH']}"},
               installed("fish"), "--no-config", "-c", program)  # fmt: skip
    assert told.stdout.splitlines() == ["kettle-7\tkettle-7.tea.example.com"]
