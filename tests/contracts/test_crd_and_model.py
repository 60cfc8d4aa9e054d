"""The CRD is made of the model, and what the two check in languages of their own they decide alike."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, create_model

from reconcile.errors import UsageError
from reconcile.model import rules
from reconcile.model.crd import check_group, crd, render
from reconcile.model.duration import parse_duration
from reconcile.model.names import DEFAULT_GROUP, KIND
from reconcile.model.preview import PreviewEnvironment, parse_preview
from reconcile.model.structural import structural_schema
from tests.builders import a_preview, without_uid
from tests.contracts.spec_rows import ROWS, Row

REPOSITORY = Path(__file__).parents[2]
Schema = Mapping[str, Any]


def preview_schema() -> Schema:
    schema: Schema = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def is_taken_by_the_model(row: Row) -> bool:
    manifest = {**without_uid(a_preview(row.name)), "spec": row.whole_spec}
    parsed = parse_preview(manifest, group=DEFAULT_GROUP, strict_fields=True)
    return isinstance(parsed, PreviewEnvironment)


def test_the_model_takes_and_refuses_what_the_crd_does() -> None:
    assert [row for row in ROWS if is_taken_by_the_model(row) is not row.taken] == []


def test_there_are_rows_enough_and_each_is_another() -> None:
    assert len({(row.name, repr(row.spec)) for row in ROWS}) == len(ROWS) >= 80


TEXTS = {
    name: value
    for name, value in vars(rules).items()
    if isinstance(value, rules.Text) and value.pattern and name != "GROUP"
}


IMAGES = [row.spec["image"] for row in ROWS if row.taken and "image" in row.spec]


@pytest.mark.parametrize("name", TEXTS)
def test_the_pattern_of_the_crd_decides_as_the_model(name: str) -> None:
    rule = TEXTS[name]
    written = rule.schema()["pattern"]

    # Near misses, which random text never is: a text that matches, and one change to it. Most images are too long.
    of_the_pattern = st.from_regex(rule.pattern, fullmatch=True).filter(lambda text: len(text) < 100)
    matching = st.sampled_from(IMAGES) if name == "IMAGE" else of_the_pattern
    extra = st.sampled_from(
        ["", "\n", " ", ".", "-", "/", ":", "@", "A", "a", "0", "_", "é", "\u0661", "\x00"]
    )

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(matching, extra, st.integers(0, 100))
    def decides_the_same(text: str, more: str, at: int) -> None:
        changed = text[:at] + more + text[at:]
        assert (rule.problem(changed) is None) == is_taken(written, rule, changed)

    decides_the_same()


def is_taken(written: str, rule: rules.Text, text: str) -> bool:
    """What an API server decides by the CRD; `$` of RE2 is the very end, as `\\Z` is in Python."""
    schema = rule.schema()
    bounds = schema.get("minLength", 0) <= len(text) <= schema["maxLength"]
    found = re.search(written.removesuffix("$") + r"\Z", text) is not None
    never = (re.search(pattern.replace("$", r"\Z"), text) for pattern, _ in rule.never)
    return bounds and found and not any(never)


@given(st.tuples(*[st.integers(0, 999_999_999) | st.none()] * 4))
def test_the_ttl_bound_of_cel_is_the_bound_of_the_model(numbers: tuple[int | None, ...]) -> None:
    units = zip(numbers, rules.DURATION_UNITS, strict=True)
    text = "".join(f"{number}{unit}" for number, unit in units if number is not None) or "0"
    # As the rule in the CRD computes it: what is not found counts as 0.
    seconds = sum(
        int(("0" + found[0] if (found := re.search(f"[0-9]+{unit}", text)) else "0").replace(unit, ""))
        * length
        for unit, length in rules.DURATION_UNITS.items()
    )
    if seconds <= rules.MAX_DURATION_DAYS * 86400:
        assert parse_duration(text).total_seconds() == seconds
    else:
        with pytest.raises(ValueError, match="more than ten years"):
            parse_duration(text)


def test_the_patterns_mean_the_same_to_python_and_to_re2() -> None:
    for text in (value for value in vars(rules).values() if isinstance(value, rules.Text)):
        for pattern in (text.pattern, *(never for never, _ in text.never)):
            assert not re.search(r"\\[wWdDsSbBAZz1-9]|\(\?[^:]", pattern), pattern


def schemas(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from schemas(below, f"{path}.{name}")
    if "items" in schema:
        yield from schemas(schema["items"], f"{path}[]")


def test_every_field_has_a_description() -> None:
    items_of_strings = {f".spec.{name}[]" for name in ("command", "args", "setup.command", "setup.args")}
    described = {path for path, schema in schemas(preview_schema()) if "description" in schema}
    items_of_strings.add(".status.kinds[]")
    assert {path for path, _ in schemas(preview_schema())} - described == items_of_strings


def test_whatever_an_author_writes_is_bounded() -> None:
    bounds = {"string": "maxLength", "array": "maxItems", "integer": "maximum"}
    for path, schema in schemas(preview_schema()["properties"]["spec"]):
        assert "enum" in schema or bounds.get(schema["type"], "type") in schema, path


@pytest.mark.parametrize(
    ("type_of_field", "refused"), [(int | str, "anyOf"), (Annotated[int, Field(gt=0)], "exclusiveMinimum")]
)
def test_a_field_of_a_type_that_no_crd_has_is_an_error_that_names_it(
    type_of_field: Any, refused: str
) -> None:
    with pytest.raises(
        TypeError, match=f"'title': 'Field'.*: the CRD cannot have {refused}; use another type"
    ):
        structural_schema(create_model("Part", field=type_of_field))


def test_a_crd_of_another_group_differs_in_the_group_alone() -> None:
    ours, theirs = render(), render("previews.example.org")
    assert theirs == ours.replace(DEFAULT_GROUP, "previews.example.org")
    assert yaml.safe_load(ours) == crd()


@pytest.mark.parametrize(
    "document",
    ["README.md", "docs/install.md", "docs/previews.md", "docs/reference/spec.md", "crds/example.yaml"],
)
def test_complete_previews_in_documents_can_be_read(document: str) -> None:
    text = (REPOSITORY / document).read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) or [text]
    objects = [found for block in blocks for found in yaml.safe_load_all(block)]
    previews = [found for found in objects if found.get("kind") == KIND]
    assert previews
    for manifest in previews:
        manifest["metadata"].setdefault("namespace", "default")
        read = parse_preview(manifest, group=DEFAULT_GROUP, strict_fields=True)
        assert isinstance(read, PreviewEnvironment), read.message


def test_an_api_group_is_checked_without_pydantic() -> None:
    program = (
        "import sys; from reconcile.model.crd import check_group; check_group('a.b'); "
        "print([m for m in ('pydantic', 'lightkube') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout == "[]\n"


NO_DOMAIN = "is no domain in lower case with at least one dot, such as previews.example.com"


def test_a_domain_can_be_the_group() -> None:
    for group in ("platform9.com", "a.b", "previews.example.com", "a" * 63 + ".example.com"):
        assert check_group(group) == group


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        *((group, NO_DOMAIN) for group in ("previews", "Example.com", "example.com\n")),
        ("a.k8s.io", "is reserved for Kubernetes itself; use a domain that you own"),
        ("a" * 64 + ".com", "has a label of more than 63 characters"),
        ("a." * 55 + "a", "has 111 characters; at most 110 are allowed"),
    ],
)
def test_what_no_api_server_takes_as_a_group_is_a_usage_error(group: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        crd(group)
    assert str(caught.value) == f"API group {group!r} {problem}"
