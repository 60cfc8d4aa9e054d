"""Quantities, durations, times, images, hostnames, selectors, field sets: a value or a sentence, at once."""

import json
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from reconcile.desire.allow import image_allowed, repository
from reconcile.errors import UsageError
from reconcile.kube.managedfields import (
    field_set_of,
    from_fields_v1,
    item_keys,
    part_of,
    to_fields_v1,
    value_at,
)
from reconcile.kube.quantity import canonical, parse_quantity, same_quantity
from reconcile.kube.time import parse_time, time_text
from reconcile.model import rules
from reconcile.model.duration import parse_duration
from reconcile.model.names import DEFAULT_GROUP
from reconcile.model.preview import PreviewEnvironment, Unreadable, parse_preview
from reconcile.model.scope import make_scope, parse_selector
from tests.builders import a_preview
from tests.proofs.fuzz.fuzzing import JSON_VALUES, NASTY_TEXTS, NASTY_VALUES, fuzz, said_of

RULES: Mapping[str, rules.Text] = {
    name: rule for name, rule in sorted(vars(rules).items()) if isinstance(rule, rules.Text)
}
# Long, and nearly right: where a pattern backtracks, this is where it takes for ever.
NEARLY = st.builds(
    lambda piece, times, end: piece * times + end,
    st.sampled_from(
        ["a", "a.", "a-", "-", "a_", "__", "a/", "0", "1.", "a:", "[", "1d", "a@", "sha256:", "A"]
    ),
    st.integers(1, 30_000),
    st.sampled_from(["", "!", "\n", ".", "-", "@", ":", "é"]),
)
TEXTS = st.one_of(NASTY_TEXTS, NEARLY)
NUMBERS = st.one_of(
    TEXTS, st.from_regex(r"[-+]?[0-9]{0,20}(\.[0-9]{0,20})?([numkMGTPE]i?|[eE][-+]?[0-9]{1,12})?")
)


@fuzz(text=NUMBERS, other=st.one_of(NUMBERS, NASTY_VALUES))
def test_a_quantity_has_a_value_or_is_refused(text: str, other: Any) -> None:
    assert same_quantity(text, other) in (True, False)
    if refused := said_of(lambda: parse_quantity(text), ValueError):
        # Python's own limit, in `int`; what a preview or a pod may say is shorter.
        assert "is not a valid quantity" in refused or "has an exponent beyond" in refused or len(text) > 4300
        assert said_of(lambda: canonical(text), ValueError)
    else:
        assert isinstance(parse_quantity(text), Fraction)
        assert canonical(canonical(text)) == canonical(text)


@fuzz(text=st.one_of(TEXTS, st.from_regex(r"([0-9]{1,12}d)?([0-9]{1,12}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?")))
def test_a_duration_has_a_length_or_is_refused(text: str) -> None:
    if refused := said_of(lambda: parse_duration(text), ValueError):
        assert refused.startswith(("is ", "has ")), refused
    else:
        assert timedelta() <= parse_duration(text) <= timedelta(days=rules.MAX_DURATION_DAYS)


@fuzz(text=st.one_of(NASTY_VALUES, TEXTS, st.datetimes().map(str)))
def test_a_time_is_a_time_or_none(text: Any) -> None:
    time = parse_time(text)
    assert time is None or parse_time(time_text(time)) == time.replace(microsecond=0)


@fuzz(rule=st.sampled_from(sorted(RULES)), text=TEXTS)
def test_a_rule_holds_or_names_the_problem(rule: str, text: str) -> None:
    problem = RULES[rule].problem(text)
    assert problem is None or problem.startswith(("is ", "has ", "does ", "ends ", "starts "))


@fuzz(image=TEXTS, fqdn=TEXTS, ttl=TEXTS, cpu=st.one_of(NUMBERS, NASTY_VALUES))
def test_a_preview_reads_or_names_its_fields(image: str, fqdn: str, ttl: str, cpu: Any) -> None:
    manifest = a_preview(image=image, ttl=ttl, resources={"limits": {"cpu": cpu}})
    manifest["spec"]["fqdn"] = fqdn
    match parse_preview(manifest, group=DEFAULT_GROUP):
        case PreviewEnvironment():
            assert rules.IMAGE.problem(image) is None
            assert rules.FQDN.problem(fqdn) is None
        case Unreadable() as unreadable:
            told = unreadable.message
            for field, rule, text in (("image", rules.IMAGE, image), ("fqdn", rules.FQDN, fqdn)):
                assert (f"spec.{field}" in told) == (rule.problem(text) is not None)


# A pattern is the operator's own option and no author's text, so it is no longer than an image may be:
# Python's fnmatch takes quadratic time for thousands of `[`.
PATTERNS = TEXTS.map(lambda text: text[: rules.IMAGE.max_length])


@fuzz(image=TEXTS, pattern=PATTERNS)
def test_an_image_is_allowed_or_not(image: str, pattern: str) -> None:
    assert image_allowed(image, [pattern]) in (True, False)
    assert isinstance(repository(image), list)


GLOBS = st.lists(st.sampled_from(["**", "*", "a", "?", "[a", "a*a*a*b"]), min_size=1, max_size=12)


@fuzz(parts=st.integers(1, 250), pattern=GLOBS, last=st.sampled_from(["a", "b"]))
def test_globs_match_or_not_at_once(parts: int, pattern: list[str], last: str) -> None:
    image = "registry.example.com/" + "a/" * parts + last
    assert image_allowed(image, ["/".join(["registry.example.com", *pattern])]) in (True, False)


@fuzz(text=TEXTS, name=TEXTS, labels=st.dictionaries(NASTY_TEXTS, NASTY_TEXTS, max_size=2))
def test_a_selector_selects_or_is_refused(text: str, name: str, labels: dict[str, str]) -> None:
    for do in (
        lambda: [holds(labels) for holds in parse_selector(text)],
        lambda: make_scope("shop", (name,), None),
    ):
        refused = said_of(do, UsageError)
        assert not refused or "must be" in refused or "leave out" in refused


ELEMENTS = st.one_of(
    st.sampled_from(
        [".", "f:", "f:spec", "f:metadata", "k:", "k:{", "k:[]", "k:null", 'k:{"name":NaN}', "v:1", ""]
    ),
    st.dictionaries(st.sampled_from(["name", "port"]), JSON_VALUES, max_size=2).map(
        lambda k: "k:" + json.dumps(k)
    ),
    st.integers(1, 100_000).map(lambda depth: "k:" + "[" * depth),
    st.integers(1, 3_000).map(lambda depth: "k:" + '{"a":' * depth + "1" + "}" * depth),
    st.integers(1, 6_000).map(lambda digits: 'k:{"port":' + "9" * digits + "}"),
    NASTY_TEXTS,
)
BRANCHES = st.dictionaries(ELEMENTS, NASTY_VALUES, max_size=2)
TREES = st.one_of(NASTY_VALUES, BRANCHES, st.dictionaries(ELEMENTS, BRANCHES, max_size=2))


@fuzz(
    tree=st.dictionaries(ELEMENTS, TREES, max_size=3),
    manifest=st.dictionaries(NASTY_TEXTS, JSON_VALUES, max_size=2),
)
def test_a_fields_v1_tree_is_a_field_set(tree: dict[str, Any], manifest: dict[str, Any]) -> None:
    paths = from_fields_v1(tree)
    whole = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "namespace": "b"}, **manifest}
    for path in paths:
        value_at(whole, path)
        assert all(isinstance(item_keys(step), dict) for step in path if step.startswith("k:"))
    assert isinstance(part_of(whole, paths), dict)
    assert from_fields_v1(to_fields_v1(field_set_of(whole))) == field_set_of(whole)
