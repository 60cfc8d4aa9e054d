"""What Tab offers, in this process: names where they are enough, and never twice."""

from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from reconcile.cli.main import COMPLETE, PREFIX, command
from tests.shop import Shop


def offered(*words: str) -> list[str]:
    """The values for the last word."""
    *before, incomplete = words
    context: dict[str, Any] = {"auto_envvar_prefix": PREFIX}
    found = ShellComplete(command, context, "reconcile", COMPLETE).get_completions(before, incomplete)
    return [item.value for item in found]


FROM = ("--from", "previews")


@pytest.fixture(autouse=True)
def _previews(shop: Shop) -> None:
    for namespace, name in (("shop", "pr-10"), ("shop", "pr-9"), ("tea", "pr-9"), ("tea", "kettle")):
        shop.write(name, namespace)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ((*FROM, ""), ["kettle", "pr-10", "shop/pr-9", "tea/pr-9"]),
        ((*FROM, "pr-1"), ["pr-10"]),
        ((*FROM, "pr-9"), []),
        ((*FROM, "te"), ["tea/kettle", "tea/pr-9"]),
        ((*FROM, "tea/k"), ["tea/kettle"]),
        ((*FROM, "-n", "tea", ""), ["kettle", "pr-9"]),
        ((*FROM, "-n", "tea", "tea/"), ["tea/kettle", "tea/pr-9"]),
        ((*FROM, "kettle", "shop/pr-9", ""), ["pr-10", "pr-9"]),
        ((*FROM, "--explain", "ke"), ["kettle"]),
        ((*FROM, "-n", ""), ["shop", "tea"]),
        ((*FROM, "-n", "shop", "-n", "t"), ["tea"]),
        (("-f", "previews", *FROM, "--dry-run", "ke"), ["kettle"]),
        (("--from", "previews/shop-pr-10.yaml", ""), ["pr-10"]),
        (("--api-group", "other.example.com", *FROM, ""), []),
        (("--api-group", "???", *FROM, ""), []),
        (("--from", "previews", "--exclude", "shop-*", "pr-1"), []),
        (("--from", "nothing", ""), []),
        (("--from", "nothing", "-n", ""), []),
        (("-f", "-", *FROM, ""), []),
        (("--kubeconfig", "nothing", "--context", "a", ""), []),
        (("--route", "ht"), ["httproute"]),
        (("-o", "mark"), ["markdown"]),
        ((*FROM, "--max-deletes", "nonsense", "ke"), ["kettle"]),
    ],
)
def test_what_the_last_word_may_become(words: tuple[str, ...], values: list[str]) -> None:
    assert offered(*words) == values


def test_a_variable_names_the_files_as_it_does_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE_FROM", "previews")
    assert offered("ke") == ["kettle"]


@pytest.mark.parametrize("text", ["{", "a: [", "- 1", "kind: PreviewEnvironment", "\x00"])
def test_files_that_cannot_be_read_leave_the_others(shop: Shop, text: str) -> None:
    shop.put("broken.yaml", text)
    assert offered(*FROM, "ke") == ["kettle"]


def test_every_option_that_takes_a_path_offers_paths() -> None:
    def kind(parameter: click.Parameter) -> str:
        return "".join({item.type for item in parameter.shell_complete(context, "")})

    context = command.make_context("reconcile", [], resilient_parsing=True)
    options = [one for one in command.params if isinstance(one, click.Option)]
    by_kind = {one.opts[-1]: kind(one) for one in options if one.metavar in ("PATH", "FILE", "DIR")}
    assert by_kind == {
        "--kubeconfig": "file",
        "--from": "file",
        "--filename": "file",
        "--to": "dir",
        "--templates": "dir",
    }
