"""Tab in real shells: bash, zsh and fish complete options, values and the names of previews."""

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconcile.cli.complete import SECONDS
from tests.controlplane.kubeconfig import write_kubeconfig
from tests.shells.conftest import installed
from tests.shells.terminal import PROMPT, Terminal

Variables = Mapping[str, str]
GUIDE = (Path(__file__).parents[2] / "docs" / "usage.md").read_text()
NAMES = ["kettle-7", "pr-41", "shop/pr-42", "tea/pr-42"]


def documented(shell: str) -> str:
    """The line of docs/usage.md that turns completion on."""
    (line,) = re.findall(rf"^.*_RECONCILE_COMPLETE={shell}_source.*$", GUIDE, re.MULTILINE)
    return str(line).partition("  #")[0].strip()


def bash(folder: Path, variables: Variables) -> Terminal:
    (folder / ".inputrc").write_text("set show-all-if-ambiguous on\nset enable-bracketed-paste off\n")
    return Terminal([installed("bash"), "--noprofile", "--norc", "-i"], folder, variables)


def zsh(folder: Path, variables: Variables) -> Terminal:
    terminal = Terminal([installed("zsh"), "-f", "-i"], folder, variables)
    terminal.until(PROMPT)
    terminal.run("unsetopt prompt_sp list_beep; unset zle_bracketed_paste")
    terminal.run("autoload -U compinit && compinit -u")
    return terminal


SHELLS = {"bash": bash, "zsh": zsh}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_tab_offers_the_names_and_completes_one(shell: str, folder: Path, variables: Variables) -> None:
    with SHELLS[shell](folder, variables) as terminal:
        terminal.run(documented(shell))
        terminal.press("reconcile --from previews --dry-run \t")
        shown = terminal.until(r"(?s)kettle-7.*tea/pr-42")
        assert all(name in shown for name in NAMES), shown
        assert not re.search(r"(?<!/)pr-42\b(?!\.)", shown), "in two namespaces, so never bare"
        terminal.press("ket\t")
        terminal.until("kettle-7")
        terminal.press("\r")
        shown = terminal.until(rf"Plan: [^\n]*\n[^\n]*{PROMPT}")
    assert re.findall(r"\+ Deployment +(\S+)", shown) == ["tea/kettle-7"]
    assert "3 to create" in shown


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_tab_completes_options_their_values_and_files(shell: str, folder: Path, variables: Variables) -> None:
    with SHELLS[shell](folder, variables) as terminal:
        terminal.run(documented(shell))
        terminal.press("reconcile --dry\t")
        terminal.until("--dry-run ")
        terminal.press("--route ht\t")
        terminal.until("httproute ")
        terminal.press("--from prev\t -n te\t")
        terminal.until("previews/? ?-n tea")


def test_fish_offers_the_names_with_their_hostnames(folder: Path, variables: Variables) -> None:
    fish = installed("fish")

    def offered(line: str) -> list[str]:
        program = f"{documented('fish')}; complete -C '{line}'"
        done = subprocess.run(
            [fish, "--no-config", "-c", program], cwd=folder, env=variables, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    assert offered("reconcile --from previews ") == [
        "kettle-7\tkettle-7.tea.example.com",
        "pr-41\tpr-41.shop.example.com",
        "shop/pr-42\tpr-42.shop.example.com",
        "tea/pr-42\tpr-42.tea.example.com",
    ]
    assert offered("reconcile --from previews -n tea pr") == ["pr-42\tpr-42.tea.example.com"]
    assert offered("reconcile --route in") == ["ingress"]
    assert offered("reconcile --from prev") == ["previews/"]
    assert [line.split("\t")[0] for line in offered("reconcile --dry")] == ["--dry-run"]


# where nothing can be found out


def asked(line: str, folder: Path, variables: Variables) -> "subprocess.CompletedProcess[str]":
    """What the command tells a shell; it ends by itself, or the test fails."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_RECONCILE_COMPLETE": "bash_complete"}
    return subprocess.run(
        ["reconcile"], cwd=folder, env={**variables, **words}, capture_output=True, text=True, timeout=300
    )  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "reconcile ",
        "reconcile --from - ",
        "reconcile --kubeconfig nothing --context ",
    ],
)
def test_what_cannot_be_found_out_is_silence(line: str, folder: Path, variables: Variables) -> None:
    done = asked(line, folder, variables)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_a_server_that_never_answers_is_not_waited_for(folder: Path, variables: Variables) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        file = write_kubeconfig(folder / "kubeconfig", server=url, authority=folder / "no-ca", bearer="x")
        done = asked(f"reconcile --kubeconfig {file} ", folder, {**variables, SECONDS: "1"})
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_what_hangs_for_another_reason_is_not_waited_for_either(folder: Path, variables: Variables) -> None:
    """Such as a file on a mount whose server is gone; here a pipe into which nobody writes."""
    os.mkfifo(folder / "pipe.yaml")
    done = asked("reconcile --from pipe.yaml ", folder, {**variables, SECONDS: "1"})
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_what_a_credential_plugin_prints_does_not_disturb_the_line(
    folder: Path, variables: Variables
) -> None:
    plugin = folder / "plugin"
    plugin.write_text("#!/bin/sh\necho 'Please log in:' >&2; read answer; sleep 600\n")
    plugin.chmod(0o755)
    (folder / "kubeconfig").write_text(
        '{"contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "current-context": "a",'
        '"clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:9"}}],'
        '"users": [{"name": "a", "user": {"exec": {"command": "./plugin", "interactiveMode": "Never",'
        '"apiVersion": "client.authentication.k8s.io/v1"}}}]}'
    )
    done = asked("reconcile --kubeconfig kubeconfig ", folder, {**variables, SECONDS: "1"})
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
    assert asked("reconcile --kubeconfig kubeconfig --context ", folder, variables).stdout == "plain,a\n"


def test_a_name_that_a_shell_could_take_for_more_is_not_offered(folder: Path, variables: Variables) -> None:
    for number, name in enumerate(("$(touch done)", "`touch done`", "a b", "*", "x;y", "\x1b[2J", "-rf")):
        (folder / "previews" / f"odd-{number}.yaml").write_text(
            f"metadata: {{name: {name!r}, namespace: odd}}\nspec: {{image: a, fqdn: a.example.com}}\n"
            "apiVersion: platform9.com/v1\nkind: PreviewEnvironment\n"
        )
    done = asked("reconcile --from previews ", folder, variables)
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == NAMES
    assert not (folder / "done").exists()
