"""What the documents say of the code and of each other holds, where `make reference` does not write it."""

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
import yaml

from kit.reference import documents
from reconcile.cli.groups import GROUPS
from reconcile.cli.main import command
from reconcile.model import names
from reconcile.plan.changes import Create, Delete, Update
from reconcile.report.json import FORMAT_VERSION
from reconcile.status.events import of_outcomes
from tests.conftest import TABLES
from tests.status.test_events import NOW, TRANSITIONS, done
from tests.status.test_reason import ROWS
from tools.picture import EXPLAINED, PICTURE, explained, picture

ROOT = Path(__file__).parents[2]
README, STATUS, PROMISES, SECURITY = (
    (ROOT / name).read_text()
    for name in ("README.md", "docs/reference/status.md", "docs/promises.md", "SECURITY.md")
)
OPTIONS = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
PROMISED = re.findall(r"`(tests/[a-z0-9_/]+\.py)(?:::(\w+))?`", PROMISES + SECURITY)
COUNTED = [test.split("::") for tests in TABLES.values() for test in tests]


def section(text: str, head: str) -> str:
    return text.partition(f"\n## {head}\n")[2].partition("\n## ")[0]


def reasons() -> set[tuple[str, str, str]]:
    """Reason, Ready and Stalled of each row of docs/reference/status.md."""
    return set(re.findall(r"^\| `(\w+)` \| (\w+) \| (\S+)[^|]* \|", section(STATUS, "Reasons"), re.MULTILINE))


def test_every_reason_and_every_row_of_its_unit_tests_is_in_the_table() -> None:
    assert {reason for reason, _, _ in reasons()} == names.REASONS
    told = {
        (reason, str(reason == "Available"), "True" if stalled else "no")
        for _, text in ROWS.values()
        for reason, stalled in re.findall("^([A-Za-z]+)(!?): ", text)
    }
    # An HTTPRoute that was not answered is one row with the one that was refused.
    assert told - reasons() == {("RouteNotAccepted", "False", "no")}


def test_every_event_that_hangs_on_no_failure_is_in_the_table_with_its_type() -> None:
    rows = re.findall(r"^\| (`.*?) \| (\w+) \|", section(STATUS, "Events"), re.MULTILINE)
    documented = {(type_, reason) for reasons, type_ in rows for reason in re.findall("`(\\w+)`", reasons)}
    told = {event for _, _, events in TRANSITIONS.values() for event in events}
    for action in (Create, Update, Delete):
        told |= {(one.type, one.reason) for one in of_outcomes([done(action, "Service", "drifted")], NOW)}
    assert documented <= told
    assert told - documented == {("Warning", "RolloutFailed"), ("Warning", "RouteNotAccepted")}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("docs/reference/options.md", "Default: `5m`"),
        ("docs/reference/options.md", "## Scope"),
        ("docs/reference/exit-codes.md", "| 3 | changes"),
        ("docs/reference/spec.md", "| `port` | `80` |"),
        ("docs/reference/metrics.md", "| `preview_reconcile_duration_seconds` |"),
        ("docs/reference/json.md", '"deletes_skipped": 0'),
        ("docs/reference/json.md", "| `passes[].plan.changes[].fields[].path` |"),
        ("docs/reference/status.md", "| `SetupFailed` | False | True |"),
        ("docs/cookbook/wings.md", "| `explain` | `explain` |"),
    ],
)
def test_a_list_that_is_not_as_the_code_has_it_is_rewritten(document: str, said: str, tmp_path: Path) -> None:
    for path, text in documents().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text.replace(said, "") if path == Path(document) else text)
    assert said not in (tmp_path / document).read_text()
    assert documents(tmp_path) == {path: (ROOT / path).read_text() for path in documents()}


def test_the_preview_that_the_readme_deletes_is_the_one_it_applied() -> None:
    first_preview = section(README, "First preview")
    [applied] = re.findall(r"^kubectl apply -f (\S+)$", first_preview, re.MULTILINE)
    example = yaml.safe_load((ROOT / applied).read_text())
    assert re.findall(r"`kubectl delete previewenvironments.platform9.com ([^`]+)`", first_preview) == [
        example["metadata"]["name"]
    ]


def test_the_help_of_an_option_is_one_short_line() -> None:
    helps = {str(option.name): option.help or "" for option in OPTIONS}
    assert {name: text for name, text in helps.items() if not re.fullmatch(r"\S.{,78}[.]", text)} == {}


def test_every_option_is_in_one_group_of_help() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    general = {"print_crd", "print_fqdn", "print_name", "print_rights", "strict_env", "version"}
    assert sorted([*grouped, *general]) == sorted(str(option.name) for option in OPTIONS)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_is_named_is_one(document: str) -> None:
    lines = re.findall(r"`make [^`]+`|^make .*$", (ROOT / document).read_text(), re.MULTILINE)
    rules = re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"\bmake ([a-z-]+)(?=[`\s])", "\n".join(lines)))
    assert named
    assert named <= {target for rule in rules for target in rule.split()}


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a relative link leads to a file, and to a heading of it if it names one."""
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or anchor in anchors(target.read_text()))


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    links = [
        (page, link) for page in PAGES for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text())
    ]
    assert len(links) > 100
    assert [(page, link) for page, link in links if not leads_somewhere(page, link)] == []


def test_the_schema_that_the_guide_links_is_of_the_format_that_is_written() -> None:
    assert "](report.schema.json)" in (ROOT / "docs" / "usage.md").read_text()
    schema = (ROOT / "docs" / "report.schema.json").read_text()
    assert f'"format_version": {{ "const": {FORMAT_VERSION},' in schema


@cache
def defined_in(file: str) -> list[str]:
    """The tests that a file defines; none where it does not exist."""
    body = ast.parse((ROOT / file).read_text()).body if (ROOT / file).exists() else []
    return [node.name for node in body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_"]


def test_a_test_that_a_promise_or_a_count_names_exists() -> None:
    assert len(PROMISED) > 45
    named = [*PROMISED, *COUNTED]
    assert [
        f"{file}::{name}" for file, name in named if name not in (defined_in(file) if name else [""])
    ] == []
    assert [file for file, _ in named if not defined_in(file)] == []


@pytest.mark.parametrize(
    ("file", "draw", "page"), [(PICTURE, picture, "README.md"), (EXPLAINED, explained, "docs/usage.md")]
)
def test_a_picture_is_what_make_picture_draws_and_fetches_nothing(
    file: Path, draw: Callable[[], str], page: str
) -> None:
    text = file.read_text()
    assert draw() == text, "make picture"
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    markup = re.sub(r"(<text[^>]*>)[^<]*", r"\1", text)  # what a terminal shows is not fetched
    assert re.findall(r"https?://[^\"]+", markup) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in text
    shown = file.relative_to((ROOT / page).parent)
    assert f"]({shown})" in (ROOT / page).read_text()
