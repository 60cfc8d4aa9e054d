"""The manifests that a dry run would apply: to the byte, and read back by every reader as what they are."""

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconcile.cluster.files.yaml import read_text
from reconcile.plan.changes import DELETES, Create, Plan, Skipped, Update
from reconcile.report.safe import safe_line
from reconcile.report.yaml import manifest_text, run_yaml
from reconcile.status.result import Pass, Run
from tests.given import a_read_preview, children_of, key, live
from tests.report.test_text import BLOCKED, DELETE, KEEP, SILENT, WAITING

CHILDREN = children_of(a_read_preview("pr-42"))


def text_of(plan: Plan) -> str:
    return run_yaml(Run((Pass(plan),), dry_run=True), cluster="the files in shop/", scope="every preview")


def test_what_would_be_applied_comes_in_apply_order_and_the_rest_is_a_comment() -> None:
    service, deployment = CHILDREN["Service"], CHILDREN["Deployment"]
    creates = Create(key("Service", "pr-42"), "shop/pr-42", service, "new preview")
    updates = Update(key("Deployment", "pr-42"), "shop/pr-42", deployment, live(deployment), (), "drifted")
    changes = (creates, updates, DELETE, KEEP, SILENT, WAITING, BLOCKED)
    head, *documents = text_of(Plan(changes, (Skipped(DELETES, "too many"),), ("a note",))).split("---\n")
    assert head == (
        "# Every preview, in the files in shop/\n"
        "# delete Mapping shop/pr-12: its preview is gone\n"
        "# kept Ingress shop/pr-39: protected: platform9.com/prune is disabled\n"
        "# waiting Mapping shop/pr-38: waits: deleted when Ingress shop/pr-38 exists\n"
        "# blocked Preview shop/pr-40: x.example.com: belongs to shop/pr-39; change spec.fqdn\n"
        "# skipped: too many\n"
        "# a note\n"
        "# Plan: 1 to create, 1 to update, 1 to delete, 1 kept, 1 waiting, 1 blocked, 1 unchanged.\n"
    )
    assert [yaml.safe_load(text) for text in documents] == [deployment, service]
    assert documents[1].splitlines()[:4] == ["apiVersion: v1", "kind: Service", "metadata:", "  name: pr-42"]


def test_nothing_to_apply_is_comments_alone() -> None:
    assert list(yaml.safe_load_all(text_of(Plan((SILENT,))))) == []


def test_a_comment_is_one_line_whatever_an_author_or_a_server_wrote() -> None:
    text = text_of(Plan((), (Skipped(DELETES, "a\nkind: Secret\n##[error]x"),)))
    assert len(text.splitlines()) == 3
    assert all(line.startswith("# ") and safe_line(line) == line for line in text.splitlines())


def test_a_manifest_is_as_people_write_it() -> None:
    manifest = {
        "spec": {"on": True, "list": [[], {}, ["a", "1"], {"b": None, "c": 0.5}], "empty": ""},
        "metadata": {"annotations": {"y": "yes"}, "name": "pr-1"},
        "data": {"run.sh": "#!/bin/sh\n\n  echo $A\n", "two": "a\nb", "tab": "a\n\tb", "lead": "\na"},
        "kind": "Strange",
        "apiVersion": "example.com/v1",
    }
    assert manifest_text(manifest) == (
        "apiVersion: example.com/v1\n"
        "kind: Strange\n"
        "metadata:\n"
        "  name: pr-1\n"
        "  annotations:\n"
        '    "y": "yes"\n'
        "spec:\n"
        '  "on": true\n'
        "  list:\n"
        "    - []\n"
        "    - {}\n"
        "    - - a\n"
        '      - "1"\n'
        "    - b: null\n"
        "      c: 0.5\n"
        '  empty: ""\n'
        "data:\n"
        "  run.sh: |\n"
        "    #!/bin/sh\n"
        "\n"
        "      echo $A\n"
        "  two: |-\n"
        "    a\n"
        "    b\n"
        '  tab: "a\\n\\tb"\n'
        '  lead: "\\na"\n'
    )


HARD = (
    *("::error::x", "##[error]x", "##vso[task]", "section_start", "section_end:1:z", "a\n::set-env name=A\n"),
    *("y", "No", "ON", "null", "~", "", "089", "0x1f", "1e3", "1:30", "=", "<<", "|"),
    *("- a", "a: b", "a #b", "a:", "!!str a", "&a", "*a", "{a", "@", "`"),
    *("a\n", "\n", " a\nb", "a\n b", "a \nb", "a\n\n", "a\n\n\nb", "a\r\nb"),
    *("a\u2028b", "a\nb\u202e", "\ufeffa", "\x1b[31m", "\x9b", "é\nü", "😀", "\U000e0001"),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(HARD)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=12,
)


def is_read_back(tree: Any) -> None:
    """By two readers, of which ours reads as kubectl does; and no line does anything to whoever prints it."""
    metadata = {"name": "a", "namespace": "b"}
    manifest = {"apiVersion": "example.com/v1", "kind": "Strange", "metadata": metadata, "spec": tree}
    text = manifest_text(manifest)
    assert yaml.safe_load(text) == manifest
    assert all(safe_line(line) == line for line in text.split("\n"))
    (document,) = read_text(text, "a.yaml").documents
    assert document.manifest == manifest


@pytest.mark.parametrize("text", HARD)
def test_a_text_that_yaml_or_a_ci_system_would_take_for_more_is_read_back(text: str) -> None:
    is_read_back({text: text, "in": [text, {"a": text}]})


@given(TREES)
def test_every_reader_reads_back_what_was_written_and_no_line_does_anything(tree: Any) -> None:
    is_read_back(tree)


@pytest.mark.parametrize("number", [0.5, -1.25, 100.0])
def test_a_number_that_is_no_integer_stays_one(number: float) -> None:
    found = yaml.safe_load(manifest_text({"spec": {"a": number}}))["spec"]["a"]
    assert math.isclose(found, number)
