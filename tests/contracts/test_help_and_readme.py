"""The README says what `reconcile --help` and the CRD say: every option, every exit code, every field."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from reconcile.cli.groups import GROUPS
from reconcile.cli.main import command
from reconcile.model.spec import Spec
from reconcile.report.json import FORMAT_VERSION

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
OPTIONS = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
Row = list[str]


def tables(text: str) -> Iterator[list[Row]]:
    """The tables of a Markdown text, each as its rows of cells, the head first."""
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        yield [row for row in rows if not all(re.fullmatch(":?-+:?", cell) for cell in row)]


def table(head: str) -> list[Row]:
    """The rows of the README's one table whose first column is called so."""
    found = [rows for rows in tables(README) if rows[0][0] == head]
    assert len(found) == 1, f"README.md has {len(found)} tables that begin with a column `{head}`"
    return found[0][1:]


def coded(rows: list[Row]) -> list[str]:
    """What stands in backticks in the first column."""
    return [name for row in rows for name in re.findall("`([^`]+)`", row[0])]


def help_text() -> str:
    with click.Context(command, info_name="reconcile", **command.context_settings) as context:
        return command.get_help(context)


def options_of_help() -> list[str]:
    """Every spelling of every option, as the list of --help has them."""
    listed = help_text().partition("\nScope:\n")[2].partition("\n  Every option")[0]
    heads = re.findall(r"^  (-.*?)(?:  |$)", listed, re.MULTILINE)
    return [name for head in heads for name in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", head)]


def test_the_readme_has_the_options_of_help_in_its_order() -> None:
    documented = [name for name in coded(table("option")) if name.startswith("-")]
    assert len(options_of_help()) > 30
    assert documented == options_of_help()


def test_the_readme_has_every_exit_code_of_help_and_no_other() -> None:
    codes = r"^ +(\d[\d, ]*)  \S"
    listed = help_text().partition("Exit codes:\n")[2]
    of_help = [code for row in re.findall(codes, listed, re.MULTILINE) for code in row.split(", ")]
    documented = [code for row in table("code") for code in row[0].split(", ")]
    assert documented == of_help == ["0", "1", "2", "3", "4", "5", "130", "143"]


def test_the_readme_has_every_field_of_a_preview_and_no_other() -> None:
    fields = [field.alias or name for name, field in Spec.model_fields.items()]
    assert sorted(coded(table("field"))) == sorted(fields)


def test_the_readme_names_the_defaults_of_the_fields() -> None:
    defaults = {name: row[1] for row in table("field") for name in re.findall("`([^`]+)`", row[0])}
    assert (defaults["image"], defaults["fqdn"], defaults["port"], defaults["suspend"]) == (
        "required",
        "required",
        f"`{Spec.model_fields['port'].default}`",
        "`false`",
    )


def test_the_preview_that_the_readme_deletes_is_the_one_it_applied() -> None:
    first_preview = README.partition("\n## Install, and a first preview\n")[2].partition("\n## ")[0]
    [applied] = re.findall(r"^kubectl apply -f (\S+)$", first_preview, re.MULTILINE)
    example = yaml.safe_load((ROOT / applied).read_text())
    assert re.findall(r"`kubectl delete previewenvironments.platform9.com ([^`]+)`", first_preview) == [
        example["metadata"]["name"]
    ]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_help_of_an_option_is_one_short_line(option: click.Option) -> None:
    assert option.help, option.opts
    assert re.fullmatch(r"\S.{,78}[.]", option.help), option.help


def test_every_option_is_in_one_group_of_help() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    general = {"print_crd", "strict_env", "version"}
    assert sorted([*grouped, *general]) == sorted(str(option.name) for option in OPTIONS)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_is_named_is_one(document: str) -> None:
    text = (ROOT / document).read_text()
    rules = re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    named = set(
        re.findall(r"\bmake ([a-z-]+)(?=[`\s])", "\n".join(re.findall(r"`make [^`]+`|^make .*$", text, re.M)))
    )
    assert named
    assert named <= targets


@pytest.mark.parametrize(
    "document", [str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))]
)
def test_every_link_leads_to_a_file(document: str) -> None:
    path = ROOT / document
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_schema_that_the_readme_links_is_of_the_format_that_is_written() -> None:
    assert "docs/report.schema.json" in README
    assert (
        f'"format_version": {{ "const": {FORMAT_VERSION} }}'
        in (ROOT / "docs" / "report.schema.json").read_text()
    )
